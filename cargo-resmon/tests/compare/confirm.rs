//! `--confirm`: the real program runs the tests of a real package again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Finish, Finished};
use crate::project::Project;

/// A package with eight tests. One of them takes as many milliseconds as a file says.
struct Package {
    project: Project,
}

impl Package {
    fn new() -> Self {
        let project = Project::new();
        let manifest = "[package]\nname = \"confirmed\"\nedition = \"2024\"\n[workspace]\n";
        project.write("Cargo.toml", manifest);
        let wait = |name: &str, millis: &str| {
            format!(
                "#[test]\nfn {name}() {{ std::thread::sleep(std::time::Duration::from_millis({millis})); }}\n"
            )
        };
        let steady: String = (1..8).map(|test| wait(&format!("steady_{test}"), "40")).collect();
        let delay = "std::fs::read_to_string(\"delay\").unwrap().trim().parse().unwrap()";
        project.write("tests/api.rs", &(steady + &wait("slow", delay)));
        Self { project }
    }

    fn takes(&self, millis: u32) {
        self.project.write("delay", &millis.to_string());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        // Shared with the tests of the harness, which is then built only once.
        command.env("CARGO_TARGET_DIR", target());
        for variable in
            ["RESMON_FILE", "RESMON_INSTRUMENT", "TINYBIRD_WRITE_TOKEN", "CARGO_ENCODED_RUSTFLAGS"]
        {
            command.env_remove(variable);
        }
        command.env("RESMON_SPOOL_DIR", self.project.path("spool"));
        command
    }

    /// Runs the tests, and records them in a file.
    fn record(&self, file: &str, run: &str) {
        let mut command = self.command(&["test", "--offline"]);
        command.env("RESMON_FILE", self.project.path(file)).env("RESMON_RUN_ID", run);
        command.finish().printed();
    }

    fn compare(&self) -> Finished {
        let limit = ["compare", "base.ndjson", "head.ndjson", "--fail", "time:+50%"];
        let confirm = ["--confirm", "4", "--json", "--", "test", "--offline"];
        self.command(&[&limit[..], &confirm].concat()).finish()
    }
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures/target")
}

#[test]
fn a_suspect_fails_only_if_it_is_slow_when_it_runs_again() {
    let package = Package::new();
    package.takes(100);
    for run in ["base-1", "base-2", "base-3"] {
        package.record("base.ndjson", run);
    }
    package.takes(600);
    package.record("head.ndjson", "head-1");

    let slow = package.compare();
    assert_eq!(slow.code, Some(3), "{}{}", slow.stdout, slow.stderr);
    assert!(
        slow.stderr.contains("running 1 suspect again, 4 times, with 7 other tests"),
        "{}",
        slow.stderr
    );
    let json: serde_json::Value = serde_json::from_str(&slow.stdout).expect("stdout is JSON alone");
    assert_eq!(json["head"]["runs"].as_array().unwrap().len(), 5);

    // The slow run was an accident.
    package.takes(100);
    let quick = package.compare();
    assert_eq!(quick.code, Some(0), "{}{}", quick.stdout, quick.stderr);

    // These runs are kept nowhere.
    for kept in fs::read_dir(target().join("resmon/runs")).unwrap() {
        // Another test may remove the oldest runs meanwhile.
        let records = fs::read_to_string(kept.unwrap().path()).unwrap_or_default();
        assert!(!records.contains("\"run_id\":\"confirm-"), "{records}");
    }

    // Without a suspect nothing runs.
    package.record("fine.ndjson", "fine-1");
    let fine = ["compare", "base.ndjson", "fine.ndjson", "--fail", "time:+150%", "--confirm", "4"];
    let fine = package.command(&fine).finish();
    assert_eq!(fine.code, Some(0), "{}", fine.stderr);
    assert!(!fine.stderr.contains("again"), "{}", fine.stderr);
}
