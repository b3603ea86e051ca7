//! A configured runner still runs the tests.

use std::{fs, os::unix::process::CommandExt, path::Path, process::Command};

use tempfile::tempdir;

use crate::{
    Suite, one_session,
    support::{Fixture, Run, host},
};

/// Creates a workspace with this Cargo configuration. Its path contains spaces.
fn suite(config: &str) -> (Suite, tempfile::TempDir) {
    let scratch = tempdir().expect("a folder of our own");
    let folder = scratch.path().join("a path with spaces");
    let fixture = Fixture::copied("marked-and-plain", &folder);
    fs::create_dir_all(folder.join(".cargo")).expect("a folder of our own");
    fs::write(folder.join(".cargo/config.toml"), config).expect("the same");
    (Suite::of(fixture), scratch)
}

#[track_caller]
fn assert_runs(config: &str, prepare: impl Fn(Run) -> Run) {
    let (suite, _scratch) = suite(config);
    let run = suite.test(&["--package=plain", "--test=other"]).env("FIXTURE_RUNNER", "expected");
    let run = prepare(run).env("RESMON_FILE", "");
    let finished = run.finish().exits(0);
    assert!(finished.stderr.contains("0 tests recorded"), "{}", finished.stderr);
    let Some(run) = suite.nextest(&["--package=plain", "--test=other"]) else { return };
    prepare(run.env("FIXTURE_RUNNER", "expected")).finish().exits(0);
    let records = suite.records();
    assert_eq!(one_session(&records, 0), [("plain/tests/other.rs::passes", "passed")]);
    assert!(records.tests()[0].has("cpu_user_s"));
}

#[test]
fn in_the_configuration_as_a_list() {
    let config = format!("[target.{}]\nrunner = ['env', 'FIXTURE_RAN_BY=a list']\n", host());
    assert_runs(&config, |run| run);
}

#[test]
fn in_the_configuration_as_a_string_for_some_targets() {
    assert_runs("[target.'cfg(unix)']\nrunner = 'env FIXTURE_RAN_BY=cfg'\n", |run| run);
}

#[test]
fn in_the_environment() {
    let name = format!("CARGO_TARGET_{}_RUNNER", host().to_uppercase().replace('-', "_"));
    assert_runs("", |run| run.env(&name, "env FIXTURE_RAN_BY=environment"));
}

#[test]
fn this_program_may_be_in_a_folder_with_spaces() {
    let folder = tempdir().expect("a folder of our own");
    let own = Path::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    let copy = folder.path().join("cargo resmon");
    fs::copy(own, &copy).expect("a folder of our own");
    let suite = Suite::new();
    let run = Run::new(copy).args(["resmon", "test", "--offline", "-p", "plain", "--test=other"]);
    let run = run.folder(suite.fixture.folder()).env("CARGO_TARGET_DIR", Fixture::target());
    let run = run.env("RESMON_INSTRUMENT", "0");
    let run = run.env("RESMON_SPOOL_DIR", suite.folder.path().join("spool"));
    let finished = run.finish().exits(0);
    assert!(finished.stderr.contains("0 tests recorded"), "{}", finished.stderr);
}

#[test]
fn an_end_that_is_lost_is_no_success() {
    let folder = tempdir().expect("a folder of our own");
    let intake = folder.path().join("intake");
    fs::write(&intake, "").expect("the same");
    let mut runner = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    runner.args(["__shim", "test", "RUNNER", "false"]).env("RESMON_INTAKE", &intake);
    let ignore = || {
        // SAFETY: the call changes what the new process does with a signal, and nothing else.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        Ok(())
    };
    // The kernel reaps the children of a process that ignores SIGCHLD, so `wait4(2)` gives no status.
    // SAFETY: the closure makes one call to the kernel.
    let status = unsafe { runner.env_remove("RESMON_CHILD").pre_exec(ignore) }.status();
    assert_eq!(status.expect("it can be started").code(), Some(1));
    let told = fs::read_to_string(&intake).expect("it is still there");
    assert!(told.contains("\"resmon\":\"end\"") && !told.contains("exit_code"), "{told}");
}
