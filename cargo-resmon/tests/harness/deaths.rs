//! Why a test died, in the report: memory, disk, or a signal of somebody else.

use std::path::PathBuf;

use serde_json::Value;

use crate::Suite;
use crate::support::group::{ControlGroup, with_small_disk};
use crate::support::{Finished, Fixture, Run, has_nextest};

const MIB: u64 = 1 << 20;

fn suite() -> Suite {
    let suite = Suite::of(Fixture::new("hungry"));
    // A limit is for the tests, not for the compiler.
    suite.test(&["--no-run", "--test=ends"]).finish().exits(0);
    suite
}

/// Returns `run` with the arguments to run tests of the fixture, which are ignored otherwise.
fn tests(suite: &Suite, run: Run, arguments: &[&str]) -> Finished {
    let run = run.args(["resmon", "test", "--offline", "--test=ends", "--", "--ignored"]);
    let run = suite.in_place(run.args(arguments));
    run.env("RESMON_SPOOL_DIR", suite.folder.path().join("spool")).finish().exits(101)
}

/// Returns the report of the run as JSON.
fn report(suite: &Suite, run: &Finished) -> Value {
    let line = run.stderr.lines().rev().find_map(|line| line.split_once(" recorded in "));
    let copy = PathBuf::from(line.unwrap_or_else(|| panic!("no place in {}", run.stderr)).1);
    let report = suite.resmon(&["report", "--json"]).arg(copy).finish().exits(0);
    serde_json::from_str(&report.stdout).expect("it is JSON")
}

/// Returns the texts of the advice of a kind.
fn advice<'a>(report: &'a Value, kind: &str) -> Vec<&'a str> {
    let all = report["advice"].as_array().expect("a list").iter();
    all.filter(|advice| advice["kind"] == kind)
        .filter_map(|advice| advice["text"].as_str())
        .collect()
}

#[test]
fn the_kernel_kills_at_the_limit_of_the_control_group() {
    let suite = suite();
    let Some(group) = ControlGroup::limited("tests", 256 * MIB) else { return };
    let run = group.run(env!("CARGO_BIN_EXE_cargo-resmon"));
    let run = tests(&suite, run, &["memory_", "--test-threads=3"]);
    let report = report(&suite, &run);
    let deaths = report["deaths"].as_array().expect("a list");
    assert_eq!(deaths.len(), 1, "{deaths:#?}");
    let death = &deaths[0];
    assert_eq!(death["verdict"], "out_of_memory", "{death:#}");
    assert_eq!(death["limit_reached_bytes"], 256 * MIB);
    assert_eq!(death["kernel_kills"], 1);
    assert_eq!(death["tests"].as_array().map(Vec::len), Some(3), "{death:#}");
    assert_eq!(report["resources"]["mem_limit_bytes"], 256 * MIB);
    let largest = report["binaries"][0]["rss_peak"].as_u64().expect("it is known");
    assert!((128 * MIB..=256 * MIB).contains(&largest), "{largest}");
    let advice = advice(&report, "killed");
    let wanted = "killed by the kernel: the memory limit of 256 MiB for the control group (the container) was reached while 3 tests ran; the largest process had ";
    assert!(advice.iter().all(|text| text.starts_with(wanted)), "{advice:#?}");
    let wanted = "hungry tests/ends.rs, in which 3 tests ran  killed by the kernel: memory limit of 256 MiB reached";
    assert!(run.stderr.contains(wanted), "{}", run.stderr);
}

/// A signal of somebody else, in and outside of a control group with a limit.
#[test]
fn another_process_kills() {
    let suite = suite();
    let own = env!("CARGO_BIN_EXE_cargo-resmon");
    let group = ControlGroup::limited("plain", 512 * MIB);
    let runs = [Some(Run::new(own)), group.as_ref().map(|group| group.run(own))];
    for run in runs.into_iter().flatten() {
        let run = tests(&suite, run, &["is_killed"]);
        let report = report(&suite, &run);
        let death = &report["deaths"][0];
        assert_eq!(death["tests"].as_array().map(Vec::len), Some(1), "{death:#}");
        // Another test may exceed its limit at this moment. Then a counter of the whole machine rises.
        let is_alone = death["machine_kills"] == 0;
        match (death["kernel_kills"].as_u64(), is_alone) {
            (Some(kills), true) => {
                assert_eq!((kills, &death["verdict"]), (0, &Value::from("other")), "{death:#}");
                let advice = advice(&report, "killed");
                let wanted = "ended by SIGKILL, but not for lack of memory: the kernel killed no process of its control group for that; ";
                assert!(advice[0].starts_with(wanted), "{advice:#?}");
                let wanted = "hungry/tests/ends.rs::is_killed";
                assert!(!run.stderr.contains("by the kernel: memory"), "{wanted}: {}", run.stderr);
            }
            _ => assert_ne!(death["verdict"], "out_of_memory", "{death:#}"),
        }
    }
}

#[test]
fn nextest_kills_one_attempt_after_the_other() {
    if !has_nextest() {
        return;
    }
    let suite = suite();
    let arguments =
        ["nextest", "run", "--offline", "--test=ends", "--run-ignored=only", "--retries=1"];
    let run = suite.resmon(&arguments).arg("is_killed").env_remove("RESMON_FILE").finish();
    let report = report(&suite, &run);
    let deaths = report["deaths"].as_array().expect("a list");
    let attempts: Vec<_> = deaths.iter().map(|death| &death["attempt"]).collect();
    assert_eq!(attempts, [1, 2], "{deaths:#?}");
    assert_eq!(deaths[0]["name"], report["tests"][0]["id"]);
    assert_ne!(deaths[0]["verdict"], "out_of_memory", "{deaths:#?}");
}

#[test]
fn a_disk_runs_full() {
    let suite = suite();
    let folder = suite.folder.path().join("small");
    std::fs::create_dir(&folder).expect("a folder of our own");
    let own = env!("CARGO_BIN_EXE_cargo-resmon");
    let Some(run) = with_small_disk(&folder, own) else { return };
    let run = tests(&suite, run.env("TMPDIR", &folder), &["fills_the_disk"]);
    let report = report(&suite, &run);
    let path = folder.to_str().expect("text");
    let disks = report["resources"]["disks"].as_array().expect("a list");
    let disk = disks.iter().find(|disk| disk["path"] == path);
    assert_eq!(disk.map(|disk| &disk["total_bytes"]), Some(&Value::from(256 << 10)), "{disks:#?}");
    assert_eq!(disk.map(|disk| &disk["free_min"]), Some(&Value::from(0)), "{disks:#?}");
    let wanted = format!(
        "the disk of {path} ran out: at its lowest 0 B of 256 KiB were free, so that writes may have failed"
    );
    assert_eq!(advice(&report, "disk_full"), [wanted]);
    assert!(run.stderr.contains("Why it died"), "{}", run.stderr);
}
