//! The effect of each variable.

use std::path::Path;

use tempfile::tempdir;

use crate::{
    TOKEN, assert_whole, suite, suite_at, suite_to,
    support::{Records, Run, Server},
};

fn targets(server: &Server) -> Vec<String> {
    let mut targets: Vec<String> =
        server.requests().into_iter().map(|request| request.target).collect();
    targets.dedup();
    targets
}

#[test]
fn a_base_path_is_kept_and_slashes_at_its_end_are_not() {
    for (base, path) in
        [("/", "/"), ("///", "/"), ("/base/path", "/base/path/"), ("/base/path//", "/base/path/")]
    {
        let server = Server::accepting();
        suite_to(&format!("{}{base}", server.url())).finish().exits(0);
        assert_eq!(targets(&server), [format!("{path}v0/events?name=ci_test_metrics")]);
    }
}

#[test]
fn the_data_source_is_named_in_the_query() {
    for (name, encoded) in
        [("my_metrics", "my_metrics"), ("a&b=c d/é#?+%", "a%26b%3Dc%20d%2F%C3%A9%23%3F%2B%25")]
    {
        let server = Server::accepting();
        suite_at(&server).env("RESMON_DATASOURCE", name).finish().exits(0);
        // Both `+` and `%20` encode a space in a query.
        let targets: Vec<String> =
            targets(&server).iter().map(|target| target.replace('+', "%20")).collect();
        assert_eq!(targets, [format!("/v0/events?name={encoded}")]);
    }
}

#[test]
fn white_space_around_a_token_is_not_part_of_it() {
    let server = Server::accepting();
    let run = suite_at(&server).env("TINYBIRD_WRITE_TOKEN", format!("{TOKEN}\n")).finish().exits(0);
    let warnings = run.warnings();
    assert!(matches!(warnings[..], [one] if one.contains("TINYBIRD_WRITE_TOKEN")), "{warnings:?}");
    assert!(!run.stderr.contains(TOKEN));
    assert_eq!(server.requests()[0].header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    assert_whole(&server.records(), 50);
}

#[test]
fn without_a_token_nothing_is_sent_and_the_file_is_written() {
    for blank in ["", " ", "\t\n"] {
        let folder = tempdir().expect("a folder of our own");
        let file = folder.path().join("records.ndjson");
        let server = Server::accepting();
        let run = suite_at(&server).env("TINYBIRD_WRITE_TOKEN", blank).env("RESMON_FILE", &file);
        assert!(run.finish().exits(0).is_quiet());
        assert_eq!(server.connections(), 0);
        assert_whole(&Records::of_file(&file), 50);
    }
}

#[test]
fn a_token_comes_before_a_file() {
    let folder = tempdir().expect("a folder of our own");
    let file = folder.path().join("records.ndjson");
    let server = Server::accepting();
    suite_at(&server).env("RESMON_FILE", &file).finish().exits(0);
    assert_whole(&server.records(), 50);
    assert!(!file.exists());
}

#[test]
fn disabled_comes_before_everything() {
    for value in ["1", "true", "yes", "on", "please", "00"] {
        let folder = tempdir().expect("a folder of our own");
        let run = with_everything(value, folder.path());
        assert!(run.records.is_empty() && run.file.is_empty(), "RESMON_DISABLE={value}");
    }
}

#[test]
fn what_does_not_disable() {
    for value in ["", " ", "0", "false", "no", "off", "False", "OFF"] {
        let folder = tempdir().expect("a folder of our own");
        let run = with_everything(value, folder.path());
        assert_eq!(run.records.tests().len(), suite::TESTS, "RESMON_DISABLE={value}");
    }
}

struct Outputs {
    records: Records,
    file: Records,
}

/// Runs the suite with this value of `RESMON_DISABLE`, a token and a file.
fn with_everything(disable: &str, folder: &Path) -> Outputs {
    let file = folder.join("records.ndjson");
    let server = Server::accepting();
    let run: Run = suite_at(&server).env("RESMON_FILE", &file).env("RESMON_DISABLE", disable);
    assert!(run.finish().exits(0).is_quiet());
    Outputs { records: server.records(), file: Records::of_file(file) }
}
