//! The build of a run: what it needed, and whether it died.

use std::fs;

use serde_json::Value;

use crate::Suite;
use crate::support::group::ControlGroup;
use crate::support::{Fixture, Records, Run};

const MIB: u64 = 1 << 20;

/// Makes a run build in a target directory of its own.
fn fresh(suite: &Suite, run: Run) -> Run {
    run.env("CARGO_TARGET_DIR", suite.folder.path().join("target")).env("CARGO_INCREMENTAL", "0")
}

/// Returns the report of the latest run there as JSON.
fn report(suite: &Suite) -> Value {
    let report = fresh(suite, suite.resmon(&["report", "--json"])).finish().exits(0);
    serde_json::from_str(&report.stdout).expect("it is JSON")
}

#[test]
fn what_it_needed_is_in_the_report_and_in_no_record() {
    let suite = Suite::of(Fixture::new("hungry"));
    let run = fresh(&suite, suite.test(&["--lib"])).finish().exits(0);
    let report = report(&suite);
    let build = &report["build"];
    assert_eq!(build["largest"], "rustc --crate-name part", "{build:#}");
    let figure = |name: &str| build[name].as_u64().unwrap_or_else(|| panic!("{name}: {build:#}"));
    // The compiler and Cargo.
    assert!(figure("processes_max") >= 2, "{build:#}");
    assert!((32 * MIB..1 << 40).contains(&figure("largest_bytes")), "{build:#}");
    assert!(figure("mem_peak_bytes") >= figure("largest_bytes"), "{build:#}");
    assert!(figure("disk_free_min") <= figure("disk_free_before"), "{build:#}");
    let all = report["run"]["duration_s"].as_f64().expect("it is known");
    let seconds = build["duration_s"].as_f64().expect("it is known");
    assert!(seconds > 0.1 && seconds < all, "{seconds} of {all}: {build:#}");
    let lines: Vec<_> =
        run.stderr.lines().skip_while(|line| *line != "Build").skip(1).take(4).collect();
    assert!(lines[0].ends_with(" s  until the first test started"), "{}", run.stderr);
    assert!(lines[2].ends_with("  in the largest process at its highest, rustc --crate-name part"));

    let records = Records::of_file(suite.file());
    assert_eq!(records.events(), ["session_start", "session_end"]);

    // A run that compiles nothing has no section on the build.
    fresh(&suite, suite.test(&["--lib"])).finish().exits(0);
    assert_eq!(self::report(&suite)["build"], Value::Null);
}

#[test]
fn one_that_the_kernel_kills_is_reported_although_no_test_started() {
    let suite = Suite::of(Fixture::new("hungry"));
    // Enough for Cargo and for a compiler that has nothing to do.
    let Some(group) = ControlGroup::limited("build", 96 * MIB) else { return };
    let run = group.run(env!("CARGO_BIN_EXE_cargo-resmon"));
    let run = run.args(["resmon", "test", "--offline", "--lib", "--no-instrument"]);
    let run = run.folder(suite.fixture.folder()).env("RESMON_FILE", suite.file());
    let run = run.env("RESMON_SPOOL_DIR", suite.folder.path().join("spool"));
    let run = fresh(&suite, run).finish().exits(101);
    assert!(run.stderr.contains("the run ended before a test started"), "{}", run.stderr);
    let report = report(&suite);
    let death = &report["deaths"][0];
    assert_eq!((&death["name"], &death["verdict"]), (&"the build".into(), &"out_of_memory".into()));
    assert_eq!(death["limit_reached_bytes"], 96 * MIB, "{death:#}");
    let advice: Vec<_> = report["advice"].as_array().expect("a list").iter().collect();
    let text =
        advice.iter().find(|advice| advice["kind"] == "killed").map(|advice| &advice["text"]);
    let text = text.and_then(|text| text.as_str()).unwrap_or_default();
    assert!(
        text.starts_with("the kernel killed 1 process of the build: the memory limit of 96 MiB "),
        "{text}"
    );
    assert!(text.contains("the largest process was rustc --crate-name part with "), "{text}");
    assert!(!fs::exists(suite.file()).unwrap_or_default(), "no test started");
}

#[test]
fn one_that_fails_by_itself_leaves_no_run() {
    let suite = Suite::of(Fixture::new("hungry"));
    let run =
        fresh(&suite, suite.test(&["--lib", "--features=none-of-this-name"])).finish().exits(101);
    assert!(
        run.stderr.contains("no test was started, so that nothing is recorded"),
        "{}",
        run.stderr
    );
    assert!(!fs::exists(suite.folder.path().join("target/resmon/runs")).unwrap_or_default());
}
