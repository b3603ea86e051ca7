//! The report on records of a real run.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::command::{Finish, report};
use crate::records::Records;

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            let text = fs::read_to_string(&from).unwrap();
            // The path becomes a literal TOML string, because paths of Windows contain backslashes.
            fs::write(to, text.replace("\"../../..\"", &format!("'{WORKSPACE}'"))).unwrap();
        }
    }
}

/// Runs the fixture `two-packages` with the real Cargo.
#[test]
fn a_run_of_a_workspace_is_one_report() {
    let records = Records::empty();
    let (suite, file) = (records.path("suite"), records.path("records.ndjson"));
    copy(&Path::new(WORKSPACE).join("tests/fixtures/two-packages"), &suite);
    // These versions are available without a network.
    fs::copy(Path::new(WORKSPACE).join("Cargo.lock"), suite.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("two-packages");
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let ran = Command::new(cargo)
        .args(["test", "--offline", "--no-fail-fast"])
        .current_dir(&suite)
        .env("PWD", &suite)
        .env("CARGO_TARGET_DIR", target)
        .env("RESMON_FILE", &file)
        .env_remove("TINYBIRD_WRITE_TOKEN")
        .env_remove("RESMON_DISABLE")
        .env_remove("RESMON_RUN_ID")
        .env_remove("NEXTEST_RUN_ID")
        .output()
        .unwrap();
    assert!(file.exists(), "{}", String::from_utf8_lossy(&ran.stderr));
    let document: Value =
        serde_json::from_str(&report(&file).arg("--json").finish().printed()).unwrap();
    let tests = fs::read_to_string(&file).unwrap().matches(r#""event_type":"test""#).count();
    assert!(tests > 0);
    assert_eq!(document["totals"]["tests"], tests);
    assert_eq!(document["run"]["packages"], serde_json::json!(["cart", "stock"]));
    assert_eq!(document["run"]["sessions_started"], document["run"]["sessions_ended"]);
    assert_eq!(document["unreadable_lines"], 0);
    for test in document["tests"].as_array().unwrap() {
        assert!(test["duration_s"].as_f64().unwrap() < 60.0, "{test}");
    }
    let printed = report(&file).finish().printed();
    assert!(printed.starts_with("2 packages, "), "{printed}");
}
