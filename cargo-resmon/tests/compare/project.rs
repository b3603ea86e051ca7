//! Workspaces with records of several runs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Finish, Finished};
use crate::records::Records;

/// A workspace of one package, with a folder for the records of each side.
pub(crate) struct Project {
    folder: TempDir,
    records: Records,
    runs: usize,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = "[package]\nname = \"shop\"\nedition = \"2024\"\n[workspace]\n";
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "").unwrap();
        Self { folder, records: Records::empty(), runs: 0 }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes runs, each to a file of its own in the folder `side`. `build` gets the number of the run, from 0.
    pub(crate) fn runs(&mut self, side: &str, count: usize, build: impl Fn(&mut Records, usize)) {
        for run in 0..count {
            self.runs += 1;
            let before = self.records.lines().len();
            self.records.begin(&format!("run-{}", self.runs));
            build(&mut self.records, run);
            self.records.end(60.0, 0);
            let lines = self.records.lines()[before..].to_owned();
            self.write(&format!("{side}/{run}.ndjson"), &lines);
        }
    }

    /// Writes kept runs of the workspace.
    pub(crate) fn keep(&mut self, count: usize, build: impl Fn(&mut Records, usize)) {
        let before = self.runs;
        self.runs("kept", count, build);
        for run in 0..count {
            let number = before + run + 1;
            let name =
                format!("target/resmon/runs/202611240{number:02}000000-{number:02}abcdef.ndjson");
            let lines = fs::read_to_string(self.path(&format!("kept/{run}.ndjson"))).unwrap();
            self.write(&name, &lines);
        }
        fs::remove_dir_all(self.path("kept")).unwrap();
    }

    /// Returns the names of the kept runs' files.
    pub(crate) fn kept(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("target/resmon/runs")).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs `cargo resmon` in the workspace.
    pub(crate) fn resmon(&self, arguments: &[&str]) -> Finished {
        self.command(arguments).finish()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
        command.arg("resmon").args(arguments).current_dir(self.folder.path());
        for variable in ["COLUMNS", "NO_COLOR", "CARGO_TARGET_DIR", "GITHUB_STEP_SUMMARY"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs `cargo resmon compare`.
    pub(crate) fn compare(&self, arguments: &[&str]) -> Finished {
        self.resmon(&[&["compare"], arguments].concat())
    }

    /// Returns the JSON of a comparison, which must be possible.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let finished = self.compare(&[arguments, &["--json"]].concat());
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        serde_json::from_str(&finished.stdout).unwrap()
    }
}

/// Returns the metric of a test in a comparison.
#[track_caller]
pub(crate) fn metric<'a>(comparison: &'a Value, id: &str, metric: &str) -> &'a Value {
    let tests = comparison["tests"].as_array().unwrap();
    let test = tests.iter().find(|test| test["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    let metrics = test["metrics"].as_array().unwrap();
    let found = metrics.iter().find(|one| one["metric"] == metric);
    found.unwrap_or_else(|| panic!("no {metric} in {test}"))
}

/// Returns the noise of a run as a factor: up to 2 %, another one for each test.
#[allow(clippy::cast_precision_loss, reason = "small numbers")]
pub(crate) fn noise(run: usize, test: usize) -> f64 {
    1.0 + ((run * 7 + test * 3) % 5) as f64 * 0.01 - 0.02
}

/// Adds eight tests of 100 to 800 ms, on a machine that is slower by a factor.
#[allow(clippy::cast_precision_loss, reason = "small numbers")]
pub(crate) fn steady(records: &mut Records, run: usize, slower: f64) {
    for test in 1..=8 {
        let seconds = 0.1 * test as f64 * slower * noise(run, test);
        records.test(&format!("src/lib.rs::tests::steady_{test}"), test as f64, seconds, json!({}));
    }
}

/// Writes five runs of `main` and five of `pr`, on a machine that is slower by a fifth, with changes of every kind.
pub(crate) fn eventful() -> Project {
    let mut project = Project::new();
    project.runs("main", 5, |records, run| {
        steady(records, run, 1.0);
        side(records, run, 1.0, false);
    });
    project.runs("pr", 5, |records, run| {
        steady(records, run, 1.2);
        side(records, run, 1.2, true);
    });
    project
}

fn side(records: &mut Records, run: usize, slower: f64, is_head: bool) {
    let mut test = |id: &str, seconds: f64, more: Value| {
        records.test(&format!("tests/api.rs::{id}"), 20.0, seconds * slower * noise(run, 1), more);
    };
    let change = |base: f64, head: f64| if is_head { head } else { base };
    test("slow", change(1.0, 1.5), json!({}));
    test("quick", change(2.0, 1.0), json!({}));
    let count = |base: usize, head: usize| if is_head { head } else { base };
    test("hungry", 0.2, json!({ "rss_peak": (count(100, 300) + run) << 20 }));
    let heap = json!({
        "alloc_peak_bytes": count(1_000_000, 2_000_000),
        "alloc_bytes": 5_000_000,
        "alloc_count": count(100, 120),
    });
    test("allocates", 0.2, heap);
    let failed = json!({ "outcome": "failed" });
    test("breaks", 0.2, if is_head { failed.clone() } else { json!({}) });
    test("mended", 0.2, if is_head { json!({}) } else { failed.clone() });
    test("wavers", 0.2, if is_head && run == 2 { failed } else { json!({}) });
    test(if is_head { "arrived" } else { "left" }, 0.2, json!({}));
}
