//! `cargo test`: each process is a test binary.

use serde_json::Value;
use tempfile::tempdir;

use crate::{
    Suite, copy, is_of_the_table, one_session,
    support::{Counts, Fixture, Records, Run},
};

#[test]
fn tests_with_the_attribute_have_a_record_and_the_others_their_binary() {
    let suite = Suite::new();
    let run = suite.test(&["--workspace", "--all-targets"]).finish().exits(0);
    assert_eq!(run.counts(), Counts { passed: 14, failed: 0, ignored: 11 });
    let records = suite.records();
    let tests = one_session(&records, 0);
    assert_eq!(
        tests,
        [
            ("marked/src/lib.rs::tests::passes", "passed"),
            // The attribute cannot tell the outcome of an opaque return type.
            ("marked/src/lib.rs::tests::returns", "unknown"),
            ("marked/src/lib.rs::tests::wobbles", "passed"),
            ("marked/tests/more.rs::a part", "passed"),
            ("marked/tests/more.rs::measures_a_part", "passed"),
            ("marked/tests/more.rs::runs_itself", "passed"),
            ("marked/tests/more.rs::runs_itself", "passed"),
            ("marked/tests/more.rs::waits", "passed"),
        ]
    );
    assert!(run.is_quiet(), "{}", run.stderr);
}

#[test]
fn with_nowhere_to_send_to_a_run_is_kept_and_said_to_be() {
    let suite = Suite::new();
    let run = suite.resmon(&["test", "--offline", "--package=plain"]).finish().exits(0);
    // One of the passed tests is a doctest.
    assert_eq!(run.counts(), Counts { passed: 7, failed: 0, ignored: 6 });
    assert!(!run.stdout.contains("resmon"), "{}", run.stdout);
    assert!(run.stderr.contains("0 tests recorded in "), "{}", run.stderr);
    let said = run.stderr.matches("figures per test need the harness of `cargo resmon test`");
    assert_eq!(said.count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("\nplain, 20"), "{}", run.stderr);
    assert!(run.stderr.contains("0 tests; 3 test binaries: 3 passed"), "{}", run.stderr);
    for (binary, line) in ["plain (lib)", "plain tests/other.rs", "plain examples/shows.rs"]
        .map(|binary| (binary, binary_line(&run.stderr, binary)))
    {
        assert!(line.contains(" ms ") || line.contains(" s "), "{binary}: {line}");
        assert!(line.ends_with("  passed"), "{binary}: {line}");
    }
    let library = binary_line(&run.stderr, "plain (lib)");
    assert!(library.contains(" MiB"), "one of its tests fills 64 MiB: {library}");
    let text = std::fs::read_to_string(copy(&run)).expect("it says so");
    let (records, mut processes): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| is_of_the_table(line));
    processes.retain(|line| line.contains("\"event_type\":\"process\""));
    one_session(&Records::parse(&(records.join("\n") + "\n")), 0);
    assert_eq!(processes.len(), 3, "the library, a test, an example, and no documentation");
    for process in processes {
        let process: Value = serde_json::from_str(process).expect("JSON");
        assert_eq!((&process["exit_status"], &process["package"]), (&0.into(), &"plain".into()));
        assert!(process["executable"].as_str().is_some_and(|path| path.contains("/debug/")));
        assert_eq!((&process["tests"], &process["tests_bad"]), (&0.into(), &0.into()));
        let sources = ["src/lib.rs", "tests/other.rs", "examples/shows.rs"];
        assert!(process["source"].as_str().is_some_and(|source| sources.contains(&source)));
        assert!(process["duration_s"].is_f64() && process["cpu_user_s"].is_f64());
    }
}

/// resmon resets the kernel's peak before each test, which takes it from everybody else who looks at the process.
#[test]
#[cfg(target_os = "linux")]
fn the_peak_of_a_binary_is_that_of_its_hungriest_test() {
    let suite = Suite::new();
    let arguments = ["test", "--instrument", "--offline", "--package=plain", "--lib"];
    let arguments = [&arguments[..], &["--", "--test-threads=1"]].concat();
    let run = suite.resmon(&arguments).finish().exits(0);
    let text = std::fs::read_to_string(copy(&run)).expect("it says so");
    let peak_of = |name: &str| {
        let line = text.lines().find(|line| line.contains(name)).expect("it has run");
        let record: Value = serde_json::from_str(line).expect("JSON");
        record["rss_peak"].as_u64().expect("Linux tells")
    };
    let (filled, after) = (peak_of("tests::fills_memory\""), peak_of("tests::wobbles\""));
    let binary = peak_of("__process__");
    assert!(after < filled && filled > 64 << 20, "{text}");
    assert!(binary >= filled, "{binary}, {filled}");
}

/// Returns the report's line about a test binary.
#[track_caller]
fn binary_line<'a>(report: &'a str, binary: &str) -> &'a str {
    let lines = report.lines().skip_while(|line| !line.starts_with("Test binaries ("));
    let mut lines = lines.take_while(|line| !line.is_empty());
    let line = lines.find(|line| line.contains(binary));
    line.unwrap_or_else(|| panic!("nothing of {binary} in {report}"))
}

#[test]
fn a_test_without_the_attribute_that_crashes_is_told_by_its_binary() {
    let suite = Suite::new();
    let arguments = ["test", "--offline", "--package=plain", "--lib", "--", "--ignored", "aborts"];
    let run = suite.resmon(&arguments).finish().exits(101);
    let mut lines = run.stderr.lines().skip_while(|line| *line != "Look at these first");
    let first = lines.nth(1).unwrap_or_else(|| panic!("nothing in {}", run.stderr));
    assert!(first.starts_with("  crashed  plain (lib)  test binary, SIGABRT"), "{first}");
    assert!(binary_line(&run.stderr, "plain (lib)").ends_with("  SIGABRT"), "{}", run.stderr);
}

#[test]
fn a_crash_that_a_test_tells_is_not_told_of_its_binary_again() {
    let suite = Suite::new();
    let arguments = ["--package=marked", "--lib", "--", "--ignored", "aborts"];
    let run = suite.test(&arguments).finish().exits(101);
    let lines = run.stderr.lines().skip_while(|line| *line != "Look at these first").skip(1);
    let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    assert!(lines.len() == 1 && lines[0].contains("tests::aborts"), "{}", run.stderr);
    assert!(binary_line(&run.stderr, "marked (lib)").ends_with("  SIGABRT"), "{}", run.stderr);
    assert!(!run.stderr.contains("figures per test need"), "{}", run.stderr);
}

#[test]
fn the_summary_of_a_step_gets_the_report() {
    let suite = Suite::new();
    let folder = tempdir().expect("a folder of our own");
    let summary = folder.path().join("summary.md");
    std::fs::write(&summary, "# Before\n").expect("ours");
    let run = suite.test(&["--package=marked", "--lib"]);
    run.env("GITHUB_STEP_SUMMARY", &summary).finish().exits(0);
    let text = std::fs::read_to_string(&summary).expect("still there");
    assert!(text.starts_with("# Before\n"), "{text}");
    assert!(text.contains("marked/src/lib.rs::tests::passes"), "{text}");
}

#[test]
fn a_crash_is_told_in_the_run_with_its_signal() {
    let suite = Suite::new();
    let arguments = ["--package=marked", "--lib", "--", "--ignored", "aborts"];
    suite.test(&arguments).finish().exits(101);
    let records = suite.records();
    let tests = one_session(&records, 101);
    assert_eq!(tests, [("marked/src/lib.rs::tests::aborts", "crashed")]);
    assert_eq!(records.tests()[0].int("signal"), i64::from(libc::SIGABRT));
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn a_test_that_exits_takes_its_binary_with_it() {
    let suite = Suite::new();
    let arguments = ["--package=marked", "--lib", "--", "--ignored", "exits"];
    suite.test(&arguments).finish().exits(7);
    let records = suite.records();
    assert_eq!(one_session(&records, 7), [("marked/src/lib.rs::tests::exits", "unfinished")]);
}

#[test]
fn its_output_is_the_wrapped_command_s_own() {
    let suite = Suite::new();
    let skipped = ["hangs", "exits", "aborts", "firm", "disk", "takes_longer"];
    let skipped = skipped.map(|name| format!("--skip={name}"));
    let mut arguments =
        vec!["--workspace", "--no-fail-fast", "--", "--test-threads=1", "--include-ignored"];
    arguments.extend(skipped.iter().map(String::as_str));
    let wrapped = suite.test(&arguments).finish().exits(101);
    let bare = Run::cargo().args(["test", "--offline"]).args(&arguments);
    let bare = bare.folder(suite.fixture.folder()).env("CARGO_TARGET_DIR", Fixture::target());
    let bare = bare.env("CARGO_TERM_COLOR", "never").finish().exits(101);
    assert_eq!(timeless(&wrapped.stdout), timeless(&bare.stdout));
    let (mut lines, expected) = (timeless(&wrapped.stderr), timeless(&bare.stderr));
    let report = lines.split_off(expected.len());
    assert_eq!(lines, expected);
    assert!(report.iter().any(|line| line == "Most time"), "{report:?}");
}

/// Returns the lines without durations and thread ids.
pub(crate) fn timeless(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| {
        let passing = ["Compiling", "Finished", "Blocking", "all doctests ran in"];
        !passing.iter().any(|word| line.trim_start().starts_with(word))
    });
    let without = |line: &str| {
        let line = line.split("; finished in ").next().expect("one at least");
        let parts: Vec<_> = line.split(['(', ')']).collect();
        if line.starts_with("thread ") { parts[0].to_owned() } else { line.to_owned() }
    };
    lines.map(without).collect()
}
