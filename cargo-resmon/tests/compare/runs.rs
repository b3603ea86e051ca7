//! The kept runs.

use std::fs;

use serde_json::json;

use crate::project::{Project, steady};

fn kept(count: usize) -> Project {
    let mut project = Project::new();
    project.keep(count, |records, run| {
        steady(records, run, 1.0);
        if run == 1 {
            records.test("tests/api.rs::broken", 9.0, 0.1, json!({ "outcome": "failed" }));
        }
    });
    project
}

#[test]
fn runs_are_listed_the_newest_first() {
    let project = kept(3);
    project.resmon(&["runs", "name", "latest~2", "first"]).printed();
    let printed = project.resmon(&["runs"]).printed();
    insta::assert_snapshot!(printed);
    assert_eq!(project.resmon(&["runs", "list"]).printed(), printed);
}

#[test]
fn an_empty_store_says_how_to_make_a_run() {
    let finished = Project::new().resmon(&["runs"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""));
    assert!(finished.stderr.contains("`cargo resmon test` makes one"));
}

#[test]
fn a_run_is_shown_as_its_report() {
    let project = kept(3);
    let printed = project.resmon(&["runs", "show", "02ab"]).printed();
    assert!(printed.contains("9 tests: 1 failed, 8 passed"), "{printed}");
}

#[test]
fn a_name_can_be_given_changed_and_taken_away() {
    let project = kept(2);
    project.resmon(&["runs", "name", "latest", "good"]).printed();
    assert_eq!(project.kept()[1], "20261124002000000-02abcdef.good.ndjson");
    project.resmon(&["runs", "name", "good", "better-1.0"]).printed();
    assert_eq!(project.kept()[1], "20261124002000000-02abcdef.better-1.0.ndjson");
    for (name, complaint) in [
        ("better-1.0", "\"better-1.0\" is the name of 02abcdef already"),
        ("a/b", "\"a/b\" cannot be a name"),
        ("latest", "`latest` is the latest run"),
        (".x", "begins with `-` or `.`"),
    ] {
        let stderr = project.resmon(&["runs", "name", "latest~1", name]).complaint();
        assert!(stderr.contains(complaint), "{stderr}");
    }
    project.resmon(&["runs", "name", "better-1.0"]).printed();
    assert_eq!(project.kept()[1], "20261124002000000-02abcdef.ndjson");
}

#[test]
fn runs_are_removed_all_or_none() {
    let project = kept(3);
    project.resmon(&["runs", "remove", "latest", "nothing"]).complaint();
    assert_eq!(project.kept().len(), 3);
    project.resmon(&["runs", "remove", "latest", "01ab", "latest"]).printed();
    assert_eq!(project.kept(), ["20261124002000000-02abcdef.ndjson"]);
}

#[test]
fn an_exported_run_can_be_imported_elsewhere() {
    let here = kept(2);
    here.resmon(&["runs", "export", "latest", "main.ndjson"]).printed();
    let there = Project::new();
    let file = here.path("main.ndjson");
    let imported = there.resmon(&["runs", "import", file.to_str().unwrap()]);
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    assert!(imported.stderr.contains("run-2 is kept as main"), "{}", imported.stderr);
    let name = &there.kept()[0];
    assert!(name.ends_with("-run2.main.ndjson") && name.starts_with("20261124"), "{name}");
    let copy = fs::read_to_string(there.path("target/resmon/runs").join(name)).unwrap();
    assert_eq!(copy, fs::read_to_string(&file).unwrap());
    // The same run is not kept twice.
    let again = there.resmon(&["runs", "import", file.to_str().unwrap()]);
    assert!(again.stderr.contains("run-2 is kept already, as main"), "{}", again.stderr);
    assert_eq!(there.kept().len(), 1);
}

#[test]
fn shards_are_imported_as_one_run() {
    let mut project = Project::new();
    project.runs("shards", 1, |records, run| steady(records, run, 1.0));
    let all = fs::read_to_string(project.path("shards/0.ndjson")).unwrap();
    let (one, other): (Vec<_>, Vec<_>) =
        all.lines().enumerate().partition(|(line, _)| line % 2 == 0);
    for (name, lines) in [("one", one), ("other", other)] {
        let lines: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
        project.write(&format!("shards/{name}.ndjson"), &(lines.join("\n") + "\n"));
    }
    project.resmon(&["runs", "import", "shards/one.ndjson", "shards/other.ndjson"]).printed();
    assert_eq!(project.kept().len(), 1);
    let shown = project.resmon(&["runs", "show", "one"]).printed();
    assert!(shown.contains("8 tests: 8 passed"), "{shown}");
}

#[test]
fn each_run_of_an_imported_file_is_a_run() {
    let mut project = Project::new();
    project.runs("main", 3, |records, run| steady(records, run, 1.0));
    let all: String = (0..3)
        .map(|run| fs::read_to_string(project.path(&format!("main/{run}.ndjson"))).unwrap())
        .collect();
    project.write("all of main.ndjson", &(all + "torn"));
    project.resmon(&["runs", "import", "all of main.ndjson"]).printed();
    let names: Vec<_> =
        project.kept().iter().map(|name| name.split_once('.').unwrap().1.to_owned()).collect();
    assert_eq!(
        names,
        ["all-of-main.ndjson", "imported-all-of-main.ndjson", "all-of-main-2.ndjson"]
    );
    project.write("torn.ndjson", "torn");
    let complaint = project.resmon(&["runs", "import", "torn.ndjson"]).complaint();
    assert!(complaint.contains("torn.ndjson holds no records of resmon"), "{complaint}");
}
