//! Cargo and libtest get their arguments. Arguments for resmon do not reach them.

use crate::{Suite, notes, support::Run, tests};

const LIBRARY: &str = "--package=outcomes";

#[test]
fn libtest_takes_its_arguments() {
    for arguments in [
        &["--lib", "--", "--exact", "tests::passes"][..],
        &["--lib", "tests::returns_"],
        &["--lib", "--", "--skip", "panic", "--skip", "return", "--skip", "fails"],
        &["--lib", "--", "--ignored"],
        &["--lib", "--", "--include-ignored", "--test-threads", "1"],
        &["--lib", "--", "--format", "terse", "passes"],
        &["--lib", "--", "--quiet", "no_such_test"],
    ] {
        let arguments = [&[LIBRARY], arguments].concat();
        Suite::new().same_as_plain(&arguments);
    }
}

#[test]
fn a_filter_decides_what_is_recorded() {
    let suite = Suite::new();
    suite.test(&[LIBRARY, "--lib", "--", "--exact", "tests::passes"]).finish().exits(0);
    assert_eq!(tests(&suite.records()), [("outcomes/src/lib.rs::tests::passes", "passed")]);
}

#[test]
fn a_list_is_the_same_and_records_nothing() {
    let suite = Suite::new();
    let arguments = [LIBRARY, "--lib", "--", "--list"];
    let (list, plain) =
        (suite.test(&arguments).finish().exits(0), suite.plain(&arguments).finish().exits(0));
    assert_eq!(list.stdout, plain.stdout);
    assert!(!suite.file().exists());
    // The run reuses the binaries that `--list` built.
    let run = suite.test(&[LIBRARY, "--lib", "passes"]).finish().exits(0);
    assert!(!crate::compiled(&run), "{}", run.stderr);
}

#[test]
fn documentation_is_tested_as_ever() {
    let suite = Suite::new();
    let run = suite.same_as_plain(&[LIBRARY, "--doc"]);
    assert_eq!(run.counts().passed, 1);
}

#[test]
fn flags_of_resmon_are_known_before_and_after_the_subcommand() {
    let suite = Suite::new();
    let other = suite.folder.path().join("other.ndjson");
    let file = format!("--file={}", other.display());
    let arguments =
        ["test", &file, LIBRARY, "--offline", "--lib", "--run-id", "mine", "--", "passes"];
    suite.resmon(&arguments).finish().exits(0);
    let records = crate::Records::of_file(&other);
    assert_eq!((records.tests().len(), records.distinct("run_id")), (1, vec!["mine"]));
    assert!(!suite.file().exists());
}

/// Requires that no flag of `cargo resmon` has the name of a flag of Cargo or nextest: it may stand after the
/// subcommand.
#[test]
fn no_flag_of_resmon_is_one_of_the_wrapped_commands() {
    let help =
        Run::new(env!("CARGO_BIN_EXE_cargo-resmon")).args(["resmon", "--help"]).finish().exits(0);
    let flags = |text: &str| -> Vec<String> {
        let words = text.split_whitespace().filter(|word| word.starts_with("--"));
        words.map(|word| word.trim_matches(|c: char| !c.is_alphabetic()).to_owned()).collect()
    };
    let own: Vec<_> = flags(&help.stdout);
    let own = || {
        own.iter().filter(|flag| {
            !["help", "version", "workspace", "nocapture", ""].contains(&flag.as_str())
        })
    };
    assert!(own().any(|flag| flag == "heap") && own().any(|flag| flag == "no-instrument"));
    let mut wrapped = vec![Run::cargo().args(["test", "--help"]).finish().exits(0).stdout];
    let nextest = Run::cargo().args(["nextest", "run", "--help"]).finish();
    wrapped.extend((nextest.code == Some(0)).then_some(nextest.stdout));
    for text in wrapped {
        let wrapped = flags(&text);
        assert!(wrapped.iter().any(|flag| flag == "workspace"));
        let both: Vec<_> = own().filter(|flag| wrapped.contains(flag)).collect();
        assert!(both.is_empty(), "{both:?}");
    }
}

#[test]
fn it_can_be_switched_off() {
    for (flags, variable) in [(&["--no-instrument"][..], ""), (&[], "0"), (&[], "off")] {
        let suite = Suite::new();
        let arguments = [&["test", "--offline", LIBRARY, "--lib"], flags, &["passes"]].concat();
        let run = suite.resmon(&arguments).env("RESMON_INSTRUMENT", variable).finish().exits(0);
        assert!(run.stderr.contains("figures per test need the harness"), "{}", run.stderr);
        assert_eq!((suite.records().tests().len(), notes(&run).len()), (0, 0));
    }
}
