//! Muted tests.

use crate::project::{eventful, metric};

const MUTED: &str = "[[mute]]\ntest = \"tests/api.rs::sl*\"\nreason = \"waits for a server\"\n";

#[test]
fn a_muted_test_keeps_its_data_and_does_not_fail() {
    let project = eventful();
    let fail = ["main", "pr", "--fail", "time"];
    assert_eq!(project.compare(&fail).code, Some(3));
    project.write(".config/resmon.toml", MUTED);
    let finished = project.compare(&fail);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let line = finished.stdout.lines().find(|line| line.contains("::slow")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[..2], ["muted", "time"], "{line}");
    assert!(line.ends_with("waits for a server"), "{line}");
    let json = project.json(&fail);
    let slow = metric(&json, "tests/api.rs::slow", "time");
    assert_eq!((&slow["verdict"], &slow["exceeds"]), (&"worse".into(), &"fail".into()));
    assert_eq!(json["is_worse"], false);
}

#[test]
fn a_pattern_that_matches_no_test_is_a_warning() {
    let project = eventful();
    project.write(".config/resmon.toml", "[[mute]]\ntest = \"tests/old.rs::*\"\n");
    let finished = project.compare(&["main", "pr"]);
    assert_eq!(finished.code, Some(0));
    assert!(finished.stderr.contains("a muted test is not in these runs: \"tests/old.rs::*\""));
}

#[test]
fn a_mistake_in_the_file_is_shown_where_it_is() {
    let project = eventful();
    project.write(".config/resmon.toml", "[[mute]]\ntset = \"tests/api.rs::slow\"\n");
    let complaint = project.compare(&["main", "pr"]).complaint();
    assert!(complaint.contains("cannot use") && complaint.contains("resmon.toml"), "{complaint}");
    assert!(complaint.contains("line 2, column 1") && complaint.contains("`tset`"), "{complaint}");
}
