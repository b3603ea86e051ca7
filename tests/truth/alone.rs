//! Loads that are alone in the process, in the two ways in which resmon knows it. Under plain `cargo test` there may be
//! tests that resmon does not know.

use crate::{
    MIB, Place, assert_idle, assert_near, cpu,
    support::{Fixture, Record, Records, has_nextest},
};

/// Loads, each with the field whose value it has counted itself.
pub(crate) const COUNTED: [(&str, &str); 2] =
    [("faults", "page_faults_major"), ("is_preempted", "ctx_switches_involuntary")];

/// Runs a load in each way in which it is alone.
fn in_each_way(load: &str, check: impl Fn(&Record, &Place)) {
    let name = format!("loads::{load}");
    for way in ["one thread", "process per test"] {
        let place = Place::new();
        let run = place.run(&name).arg("--exact");
        let run = match way {
            "one thread" => run.arg("--test-threads=1"),
            _ => run.arg("--nocapture").env("NEXTEST_EXECUTION_MODE", "process-per-test"),
        };
        let run = run.finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
        let records = place.records();
        let test = records.test(&name);
        println!("{way}: {test:?}");
        assert_alone(test);
        check(test, &place);
    }
}

/// Runs a load where the runner does not tell whether other tests run, so that only the test's thread counts.
#[test]
fn without_the_runners_word_the_thread_counts() {
    let place = Place::new();
    place.run("loads::spins").args(["--exact", "--test-threads=2"]).finish().exits(0);
    let records = place.records();
    let test = records.test("loads::spins");
    assert_eq!((test.int("concurrent_tests"), test.text("cpu_scope")), (1, "thread"), "{test:#?}");
    assert_near(cpu(test), place.told("spins"));
}

fn assert_alone(test: &Record) {
    assert_eq!((test.int("concurrent_tests"), test.text("cpu_scope")), (1, "process"), "{test:#?}");
    let [before, after, peak] =
        ["rss_before", "rss_after", "rss_peak"].map(|field| test.int(field));
    assert!(peak >= before.max(after), "{test:#?}");
    let available = ["mem_available_before", "mem_available_after"].map(|field| test.int(field));
    assert!(available.iter().all(|&available| test.int("mem_available_min") <= available));
}

#[test]
fn a_sleeper_uses_no_cpu() {
    in_each_way("sleeps", |test, _| {
        assert_idle(test);
        assert!(test.float("duration_s") >= 0.3);
        assert_eq!(test.int("io_write_bytes"), 0);
    });
}

#[test]
fn a_spinner_uses_what_its_clock_says() {
    in_each_way("spins", |test, place| {
        assert_near(cpu(test), place.told("spins"));
        assert!(cpu(test) >= 0.2 && test.float("duration_s") >= 0.2);
    });
}

#[test]
fn threads_that_it_starts_are_a_lone_tests_own() {
    in_each_way("four_threads_spin", |test, place| {
        assert_near(cpu(test), place.told("four_threads_spin"));
        assert!(cpu(test) >= 0.2, "{test:#?}");
    });
}

/// Requires an `rss_peak` of 256 MiB above the start, to a twentieth.
fn assert_peak(test: &Record) {
    let before = test.int("rss_before");
    let [after, peak] = ["rss_after", "rss_peak"].map(|field| test.int(field) - before);
    assert!((peak - 256 * MIB).abs() <= 256 * MIB / 20, "{test:#?}");
    assert!(after.abs() <= 256 * MIB / 20, "{test:#?}");
}

#[test]
fn memory_that_was_freed_shows_in_the_peak_alone() {
    in_each_way("touches_memory", |test, _| assert_peak(test));
}

#[test]
fn memory_that_is_held_shows_in_the_peak() {
    in_each_way("holds_memory", |test, _| assert_peak(test));
}

/// Requires 64 MiB, and at most a twentieth more.
#[track_caller]
pub(crate) fn assert_all(bytes: i64) {
    assert!((64 * MIB..=64 * MIB * 21 / 20).contains(&bytes), "{bytes}");
}

#[test]
fn what_is_written_counts() {
    in_each_way("writes", |test, _| {
        assert_all(test.int("io_write_bytes"));
        // The file system may read metadata to find free blocks.
        assert!(test.int("io_read_bytes") < MIB, "{test:#?}");
    });
}

#[test]
fn what_is_read_from_the_disk_counts() {
    in_each_way("reads", |test, _| {
        assert_all(test.int("io_read_bytes"));
        assert_all(test.int("io_write_bytes"));
    });
}

#[test]
fn pages_that_are_read_from_the_disk_count_as_faults() {
    in_each_way("faults", |test, place| {
        let told = place.told("faults");
        assert!(told >= 32.0, "{told}");
        assert_counted(test.int("page_faults_major"), told);
    });
}

#[test]
fn a_rival_on_the_same_cpu_shows() {
    in_each_way("is_preempted", |test, place| {
        let told = place.told("is_preempted");
        assert!(told >= 5.0, "{told}");
        assert_counted(test.int("ctx_switches_involuntary"), told);
    });
}

/// Requires the load's own count, and at most 20 more from before the load began and after it ended.
#[track_caller]
pub(crate) fn assert_counted(figure: i64, told: f64) {
    let figure = f64::from(i32::try_from(figure).expect("a few"));
    assert!(figure >= told && figure <= told + 20.0, "{figure} for {told}");
}

/// Runs a package of these loads under the real nextest.
#[test]
fn under_nextest_all_tests_are_alone() {
    if !has_nextest() {
        return;
    }
    let place = Place::new();
    let run = Fixture::new("loads").cargo(&["nextest", "run", "-j4"]);
    let run = place.switch_on(run).finish().exits(0);
    assert!(!run.stderr.contains("resmon:"), "{}", run.stderr);
    let records: Records = place.records();
    assert_eq!(records.tests().len(), 9);
    records.tests().into_iter().for_each(assert_alone);
    assert_idle(records.test("sleeps"));
    for load in ["spins", "four_threads_spin"] {
        assert_near(cpu(records.test(load)), place.told(load));
    }
    assert_peak(records.test("touches_memory"));
    assert_peak(records.test("holds_memory"));
    assert_all(records.test("writes").int("io_write_bytes"));
    assert_all(records.test("reads").int("io_read_bytes"));
    for (load, field) in COUNTED {
        assert_counted(records.test(load).int(field), place.told(load));
    }
}
