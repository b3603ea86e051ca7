//! Apart from the variables for records, a test and its children have the same environment as without `cargo resmon`.

use std::path::Path;

use tempfile::tempdir;

use crate::{Suite, package, support::host};

/// Arguments that select the test of the fixture that prints its environment.
const PRINT_ENVIRONMENT: [&str; 6] = [
    "--package=outcomes",
    "--test=the-end",
    "--",
    "--ignored",
    "--nocapture",
    "prints_its_environment",
];

#[test]
fn a_test_sees_no_variable_of_the_build() {
    let suite = Suite::new();
    let run = suite.test(&PRINT_ENVIRONMENT).finish().exits(0);
    let environment = run
        .stdout
        .lines()
        .filter_map(|line| line.split_once("environment: ").map(|(_, variable)| variable));
    let environment: Vec<_> = environment.collect();
    assert!(
        environment.iter().any(|variable| variable.starts_with("CARGO_MANIFEST_DIR=")),
        "{}",
        run.stdout
    );
    for variable in environment {
        let name = variable.split('=').next().unwrap_or_default();
        let is_for_records =
            ["RESMON_INTAKE", "RESMON_CHILD", "RESMON_FILE", "RESMON_SPOOL_DIR"].contains(&name);
        assert!(!name.starts_with("RUSTC") && !name.ends_with("_RUNNER"), "{variable}");
        assert!(is_for_records || !name.starts_with("RESMON"), "{variable}");
    }
}

#[test]
fn a_variable_that_was_set_is_there_again() {
    let suite = Suite::new();
    let folder = tempdir().expect("a folder of our own");
    let wrapper = script(folder.path(), "exec \"$@\"");
    let run =
        suite.test(&PRINT_ENVIRONMENT).env("RUSTC_WORKSPACE_WRAPPER", &wrapper).finish().exits(0);
    assert!(run.stdout.contains(&format!("RUSTC_WORKSPACE_WRAPPER={wrapper}\n")), "{}", run.stdout);
}

#[test]
fn a_runner_that_clears_the_environment_is_said_to_hide_the_tests() {
    let folder = tempdir().expect("a folder of our own");
    let suite = Suite::of(package(folder.path(), "hidden", "", "#[test]\nfn passes() {}\n"));
    let name = format!("CARGO_TARGET_{}_RUNNER", host().to_uppercase().replace('-', "_"));
    let said = "no test is recorded: if your runner changes the user";
    let run = suite.test(&["--lib"]).env(&name, "env -i").finish().exits(0);
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(!run.stderr.contains("figures per test need"), "{}", run.stderr);
    assert_eq!(suite.records().tests().len(), 0);
    let run = suite.test(&["--lib"]).env(&name, "env").finish().exits(0);
    assert!(!run.stderr.contains(said), "{}", run.stderr);
    assert_eq!(suite.records().tests().len(), 1);
}

#[test]
fn a_cargo_that_a_test_starts_builds_plainly() {
    let suite = Suite::new();
    let folder = tempdir().expect("a folder of our own");
    let inner = folder.path().join("inner");
    package(&inner, "inner", "", "#[test]\nfn passes() {}\n");
    let arguments =
        ["--package=outcomes", "--test=the-end", "--", "--ignored", "--exact", "starts_cargo"];
    suite.test(&arguments).env("FIXTURE_INNER_PACKAGE", &inner).finish().exits(0);
    assert_eq!(suite.records().tests().len(), 1, "the test of the inner package is not measured");
    let built = inner.join("target/debug/deps").read_dir().expect("it was built");
    let names: Vec<_> = built.map(|file| file.expect("a file").file_name()).collect();
    assert!(!names.is_empty());
    let is_note = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".resmon");
    assert!(!names.iter().any(is_note), "{names:?}");
}

/// Writes a shell script that reports its call and then runs `does`. Returns the script's path.
pub(crate) fn script(folder: &Path, does: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("wrapper");
    let text = format!("#!/bin/sh\necho \"$*\" >> {}\n{does}\n", folder.join("calls").display());
    std::fs::write(&path, text).expect("a folder of our own");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("the same");
    path.to_string_lossy().into_owned()
}
