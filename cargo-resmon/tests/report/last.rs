//! Reports on the runs that a workspace keeps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Finish, Finished};
use crate::records::Records;

/// Creates a workspace of one package. Returns it with its folder for runs.
fn workspace() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "[package]\nname = \"shop\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/lib.rs"), "").unwrap();
    let runs = folder.path().join("target/resmon/runs");
    fs::create_dir_all(&runs).unwrap();
    (folder, runs)
}

/// Runs `cargo resmon report` in a folder.
fn report(folder: &Path, arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    command.args(["resmon", "report"]).args(arguments).current_dir(folder);
    command.env_remove("CARGO_TARGET_DIR").env_remove("COLUMNS").finish()
}

/// Writes the files of three runs, each with one test.
fn keep_runs(folder: &Path) {
    let mut all = Records::empty();
    for (run, name) in ["2026-11-24T08", "2026-11-24T09", "2026-11-24T10"].iter().enumerate() {
        let before = all.lines().len();
        all.begin(name);
        all.test("src/lib.rs::kept", 1.0, 0.5, json!({}));
        all.end(2.0, i32::from(run == 1));
        fs::write(folder.join(format!("{name}.ndjson")), &all.lines()[before..]).unwrap();
    }
}

#[test]
fn the_latest_run_is_shown_and_those_before_it_are_earlier() {
    let (workspace, runs) = workspace();
    keep_runs(&runs);
    // An unreadable file of an earlier run is ignored.
    fs::write(runs.join("2026-11-24T07.ndjson"), "torn").unwrap();
    for arguments in [&["--json"][..], &["--last", "--json"]] {
        let printed = report(workspace.path(), arguments).printed();
        let document: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(document["run"]["id"], "2026-11-24T10");
        let earlier = document["earlier_runs"].as_array().unwrap();
        let earlier: Vec<_> = earlier.iter().map(|run| &run["id"]).collect();
        assert_eq!(earlier, ["2026-11-24T09", "2026-11-24T08"]);
        assert_eq!(document["tests"][0]["earlier"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn where_no_run_is_kept_it_says_how_to_make_one() {
    let (workspace, _) = workspace();
    let complaint = report(workspace.path(), &["--last"]).complaint();
    assert!(complaint.contains("no run is kept here yet"), "{complaint}");
}

#[test]
fn outside_of_a_workspace_there_is_nothing_to_show() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = report(folder.path(), &[]).complaint();
    assert!(complaint.contains("cannot find the target directory"), "{complaint}");
}

#[test]
fn options_that_do_nothing_here_are_told() {
    let (folder, runs) = workspace();
    keep_runs(&runs);
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    command.args(["resmon", "--file=records.ndjson", "report"]).current_dir(folder.path());
    let run = command.env_remove("CARGO_TARGET_DIR").finish();
    assert!(run.stderr.contains("change nothing"), "{}", run.stderr);
    assert_eq!(run.code, Some(0));
    assert_eq!(report(folder.path(), &[]).stderr, "");
}
