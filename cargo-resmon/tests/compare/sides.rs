//! The names of the sides of a comparison.

use serde_json::Value;

use crate::project::{Project, steady};

fn ids(side: &Value) -> Vec<&str> {
    side["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect()
}

/// Keeps four runs: `run-1` to `run-4`.
fn kept() -> Project {
    let mut project = Project::new();
    project.keep(4, |records, run| steady(records, run, 1.0));
    project
}

#[track_caller]
fn assert_sides(project: &Project, arguments: &[&str], base: &[&str], head: &[&str]) {
    let json = project.json(arguments);
    assert_eq!(
        (ids(&json["base"]).as_slice(), ids(&json["head"]).as_slice()),
        (base, head),
        "{arguments:?}"
    );
}

#[test]
fn kept_runs_are_named_by_their_age_id_and_name() {
    let project = kept();
    assert_sides(&project, &[], &["run-3"], &["run-4"]);
    assert_sides(&project, &["latest~3"], &["run-1"], &["run-4"]);
    assert_sides(&project, &["01ab", "02abcdef"], &["run-1"], &["run-2"]);
    assert_sides(&project, &["run-1", "run-3"], &["run-1"], &["run-3"]);
    project.resmon(&["runs", "name", "run-2", "before"]).printed();
    assert_sides(&project, &["before"], &["run-2"], &["run-4"]);
    assert_sides(
        &project,
        &["--base", "run-1", "before", "--head", "latest~1", "--head", "latest"],
        &["run-1", "run-2"],
        &["run-3", "run-4"],
    );
}

#[test]
fn files_folders_and_patterns_are_sides() {
    let mut project = Project::new();
    project.runs("main", 3, |records, run| steady(records, run, 1.0));
    project.runs("pr", 2, |records, run| steady(records, run, 1.0));
    let (main, pr) = (&["run-1", "run-2", "run-3"], &["run-4", "run-5"]);
    assert_sides(&project, &["main", "pr"], main, pr);
    assert_sides(&project, &["main/*.ndjson", "pr/?.ndjson"], main, pr);
    assert_sides(&project, &["main/1.ndjson", "pr/0.ndjson"], &["run-2"], &["run-4"]);
    // A run counts once, and not on both sides.
    assert_sides(&project, &["--base", "main", "main/0.ndjson", "--head", "pr"], main, pr);
    assert_sides(&project, &["m*/*", "main/2.ndjson"], &["run-1", "run-2"], &["run-3"]);
}

#[test]
fn what_cannot_be_found_is_an_error_that_says_what_to_do() {
    let project = kept();
    for (arguments, complaint) in [
        (
            &["nothing"][..],
            "no kept run has the name or id \"nothing\": `cargo resmon runs` lists them",
        ),
        (&["latest~9"], "there is no run latest~9: the oldest that is kept here is latest~3"),
        (
            &["run"],
            "\"run\" is not unique: it begins the ids 01abcdef, 02abcdef, 03abcdef, 04abcdef",
        ),
        (&["no/such.ndjson"], "there is neither a file nor a kept run no/such.ndjson"),
        (&["none/*.ndjson"], "no file matches none/*.ndjson"),
        (&["src"], "src holds no file of records"),
        (
            &["latest", "latest"],
            "all runs of the base (latest) are those of the head (latest), too",
        ),
        (&["--base-branch", "gone"], "no kept run has the branch \"gone\" in its records"),
    ] {
        let stderr = project.compare(arguments).complaint();
        assert!(stderr.contains(complaint), "{arguments:?}: {stderr}");
    }
    let empty = Project::new().compare(&[]).complaint();
    assert!(empty.contains("no run is kept here yet"), "{empty}");
}

#[test]
fn the_base_may_be_all_runs_of_a_branch() {
    let mut project = Project::new();
    project.keep(4, |records, run| steady(records, run, 1.0));
    // The branch is in the first record of a run.
    for (number, name) in project.kept().iter().enumerate() {
        let path = format!("target/resmon/runs/{name}");
        let text = std::fs::read_to_string(project.path(&path)).unwrap();
        let branch = if number < 2 { "main" } else { "feature" };
        let text = text.replacen('{', &format!("{{\"git_branch\":\"{branch}\","), 1);
        project.write(&path, &text);
    }
    assert_sides(&project, &["--base-branch", "main"], &["run-1", "run-2"], &["run-4"]);
    assert_sides(&project, &["--base-branch", "feature"], &["run-3"], &["run-4"]);
}
