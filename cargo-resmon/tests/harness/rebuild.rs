//! Cargo's cache stays valid, and other wrappers of the compiler are still called.

use std::fs;

use tempfile::tempdir;

use crate::{Suite, compiled, environment::script, package, support::host};

const TEST: &str = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn passes() {}\n}\n";

#[test]
fn the_second_run_compiles_nothing_and_a_plain_one_between_them_changes_nothing() {
    let folder = tempdir().expect("a folder of our own");
    let suite = Suite::of(package(folder.path(), "cached", "", TEST));
    let arguments = ["--lib"];
    let first = suite.test(&arguments).finish().exits(0);
    assert!(compiled(&first), "{}", first.stderr);
    let plain = suite.plain(&arguments).finish().exits(0);
    assert!(compiled(&plain), "plain binaries are others: {}", plain.stderr);
    for _ in 0..2 {
        let again = suite.test(&arguments).finish().exits(0);
        assert!(!compiled(&again), "{}", again.stderr);
        let plain = suite.plain(&arguments).finish().exits(0);
        assert!(!compiled(&plain), "{}", plain.stderr);
    }
    assert_eq!(suite.records().tests().len(), 3);
    // A changed file is compiled again.
    fs::write(folder.path().join("src/lib.rs"), TEST.replace("passes", "passes_too"))
        .expect("ours");
    let changed = suite.test(&arguments).finish().exits(0);
    assert!(
        compiled(&changed) && changed.stdout.contains("tests::passes_too"),
        "{}",
        changed.stdout
    );
}

#[test]
fn a_release_build_and_lto_work() {
    let folder = tempdir().expect("a folder of our own");
    let profile = "[profile.release]\nlto = \"fat\"\npanic = \"abort\"";
    let suite = Suite::of(package(folder.path(), "optimized", profile, TEST));
    let run = suite.same_as_plain(&["--release", "--lib"]);
    assert_eq!((run.counts().passed, suite.records().tests().len()), (1, 1), "{}", run.stderr);
}

#[test]
fn a_target_may_be_named() {
    let suite = Suite::new();
    suite.test(&["--package=bare", "--target", &host()]).finish().exits(0);
    assert_eq!(suite.records().tests().len(), 2);
}

#[test]
fn a_wrapper_that_is_configured_goes_on_wrapping() {
    let folder = tempdir().expect("a folder of our own");
    let wrapper = script(folder.path(), "exec \"$@\"");
    let suite = Suite::of(package(&folder.path().join("package"), "wrapped", "", TEST));
    let config = folder.path().join("package/.cargo/config.toml");
    fs::create_dir_all(config.with_file_name("")).expect("a folder of our own");
    fs::write(&config, format!("[build]\nrustc-workspace-wrapper = \"{wrapper}\"\n"))
        .expect("the same");
    suite.test(&["--lib"]).finish().exits(0);
    assert_eq!(suite.records().tests().len(), 1);
    let calls = fs::read_to_string(folder.path().join("calls")).expect("it was called");
    let call = calls.lines().find(|call| call.contains(" --test ")).expect("for the test binary");
    assert!(call.contains("resmon_harness"), "{call}");
    assert!(
        !calls.contains("--crate-name resmon_harness"),
        "the harness is none of the workspace: {calls}"
    );
}

#[test]
fn a_wrapper_of_the_command_line_goes_on_wrapping() {
    let folder = tempdir().expect("a folder of our own");
    let wrapper = script(folder.path(), "exec \"$@\"");
    let suite = Suite::of(package(&folder.path().join("package"), "wrapped-by-flag", "", TEST));
    let config = format!("build.rustc-workspace-wrapper={wrapper:?}");
    suite.test(&["--lib", "--config", &config]).finish().exits(0);
    assert_eq!(suite.records().tests().len(), 1);
    let calls = fs::read_to_string(folder.path().join("calls")).expect("it was called");
    assert!(calls.contains("resmon_harness"), "{calls}");
}

#[test]
fn a_wrapper_around_all_compilations_is_called_around_this_one() {
    let folder = tempdir().expect("a folder of our own");
    let wrapper = script(folder.path(), "exec \"$@\"");
    let suite = Suite::of(package(&folder.path().join("package"), "cached-by-another", "", TEST));
    suite.test(&["--lib"]).env("RUSTC_WRAPPER", &wrapper).finish().exits(0);
    assert_eq!(suite.records().tests().len(), 1);
    let calls = fs::read_to_string(folder.path().join("calls")).expect("it was called");
    assert!(
        calls.lines().any(|call| call.contains("/resmon-rustc ") && call.contains(" --test ")),
        "{calls}"
    );
}
