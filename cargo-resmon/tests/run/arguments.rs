//! Options of the wrapped command are passed on to it.

use resmon_record::config::{OF_CARGO_RESMON, VARIABLES};

use crate::{Suite, binaries::timeless, has_nextest, support::Run};

/// Requires the same output and exit code as from the wrapped command alone.
#[track_caller]
fn assert_same(arguments: &[&str], code: i32) {
    let suite = Suite::new();
    let wrapped = suite.resmon(arguments).env("RESMON_FILE", suite.file()).finish().exits(code);
    let bare = Run::cargo()
        .args(arguments)
        .folder(suite.fixture.folder())
        .env("CARGO_TARGET_DIR", crate::Fixture::target())
        .env("CARGO_TERM_COLOR", "never")
        .finish()
        .exits(code);
    assert_eq!(timeless(&wrapped.stdout), timeless(&bare.stdout));
    let mut stderr = timeless(&wrapped.stderr);
    let own = stderr.pop_if(|line| line.starts_with("resmon: "));
    assert_eq!(stderr, timeless(&bare.stderr));
    assert_eq!(own.is_some(), code != 0, "{own:?}");
    assert!(!suite.file().exists());
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn what_runs_no_tests_is_passed_through() {
    for arguments in [
        &["test", "--offline", "--workspace", "--no-run"][..],
        &["test", "--help"],
        &["test", "--offline", "--workspace", "--lib", "--", "--list"],
        &["test", "--offline", "--package=plain", "--lib", "--", "--help"],
        &["test", "--", "--list"],
    ] {
        assert_same(arguments, 0);
    }
    assert_same(&["test", "--no-such-option"], 1);
    if has_nextest() {
        assert_same(&["nextest", "list", "--offline", "--workspace"], 0);
        assert_same(&["nextest", "run", "--help"], 0);
        assert_same(&["nextest", "--version"], 0);
        assert_same(&["nextest", "run", "--offline", "--no-run", "--workspace"], 0);
    }
}

#[test]
fn a_run_in_which_nothing_runs_leaves_nothing() {
    let suite = Suite::new();
    let failed = suite.test(&["--package=no-such-package"]).finish().exits(101);
    assert!(failed.stderr.contains("no test was started"), "{}", failed.stderr);
    let run = suite.test(&["--package=plain", "--doc"]).finish().exits(0);
    assert!(run.stderr.contains("no test binary was seen"), "{}", run.stderr);
    assert!(!suite.file().exists());
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn switched_off_it_is_the_wrapped_command() {
    let suite = Suite::new();
    let run = suite.test(&["--package=marked", "--lib", "passes"]).env("RESMON_DISABLE", "1");
    assert!(run.finish().exits(0).is_quiet());
    assert!(!suite.file().exists());
}

#[test]
fn flags_win_over_variables() {
    let suite = Suite::new();
    let other = suite.folder.path().join("other.ndjson");
    let flag = format!("--file={}", other.display());
    let arguments = [&flag, "--run-id=mine", "--batch-size=1", "test", "--offline", "-p", "marked"];
    let arguments = [&arguments[..], &["--lib", "--", "passes", "returns"]].concat();
    let run = suite.resmon(&arguments).env("RESMON_FILE", suite.file());
    let run = run.env("RESMON_RUN_ID", "other").env("TINYBIRD_WRITE_TOKEN", "none");
    run.env("RESMON_BATCH_SIZE", "50").finish().exits(0);
    assert!(!suite.file().exists());
    let records = crate::Records::of_file(other);
    assert_eq!(records.distinct("run_id"), ["mine"]);
    let batches: Vec<_> = records.tests().iter().map(|test| test.int("batch_num")).collect();
    assert_eq!(batches, [1, 2]);
}

#[test]
fn every_option_of_nextest_may_stand_before_its_command() {
    if !has_nextest() {
        return;
    }
    let suite = Suite::new();
    let help = Run::cargo().args(["nextest", "--help"]).finish().exits(0).stdout;
    let with_value = |line: &str| {
        let option = line.trim_start().split(", ").last()?;
        let (name, value) = option.split_once(' ')?;
        (name.starts_with("--") && value.starts_with('<')).then(|| name.to_owned())
    };
    let options: Vec<_> = help.lines().filter_map(with_value).collect();
    assert!(options.len() > 3, "{help}");
    for option in options {
        // nextest refuses the option. A command that is not taken for one that runs tests is passed on without a word.
        let arguments = ["nextest", &option, "Cargo.toml", "run", "--no-such-option"];
        let run = suite.resmon(&arguments).finish();
        assert!(run.stderr.contains("nothing is recorded of this run"), "{option}: {}", run.stderr);
    }
}

#[test]
fn a_bad_flag_is_told_before_anything_runs() {
    for flag in ["--batch-size=0", "--flush-timeout=soon", "--no-such-flag"] {
        let run = Suite::new().resmon(&[flag, "test"]).finish().exits(2);
        assert!(run.stderr.contains(flag.split('=').next().expect("a name")), "{}", run.stderr);
    }
}

#[test]
fn the_help_lists_the_variables() {
    let help = Run::new(env!("CARGO_BIN_EXE_cargo-resmon")).args(["resmon", "--help"]);
    let help = help.finish().exits(0).stdout;
    let (_, variables) = help.split_once("\nVariables:\n").expect("the help has this part");
    // Long lines are wrapped.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let variables = words(variables);
    for variable in VARIABLES.iter().chain(OF_CARGO_RESMON) {
        let about = words(variable.about.trim_end_matches('.'));
        let line = format!("{} {}", variable.name, about);
        let (_, rest) = variables.split_once(&line).unwrap_or_else(|| panic!("{line} in {help}"));
        let default = format!(" [default: {}]", words(variable.default));
        assert_eq!(rest.starts_with(&default), !variable.default.is_empty(), "{line}{rest}");
    }
}
