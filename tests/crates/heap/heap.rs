//! Heap figures where `resmon::Alloc` is installed. Each test runs this binary's own tests of [`suite`] in a new
//! process; their figures are known to the byte.

#[path = "../../support/mod.rs"]
mod support;

mod beside;
mod suite;

use std::path::PathBuf;

use support::{Record, Records, Run};
use tempfile::{TempDir, tempdir};

#[global_allocator]
static ALLOC: resmon::Alloc = resmon::Alloc::system();

const MIB: i64 = 1 << 20;

/// A folder for a run's records.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempdir().expect("a folder of our own"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("records.ndjson")
    }

    /// Returns a run of the tests with this filter that writes its records here.
    fn run(&self, filter: &str) -> Run {
        // Cargo sets this variable, from which tests without the attribute get their package.
        Run::own_tests(filter).env("CARGO_PKG_NAME", "heap").env("RESMON_FILE", self.file())
    }

    fn records(&self) -> Records {
        Records::of_file(self.file())
    }
}

/// Returns the records of tests that run one after another.
fn alone(filter: &str) -> Records {
    let place = Place::new();
    assert!(place.run(filter).arg("--test-threads=1").finish().exits(0).is_quiet());
    let records = place.records();
    assert!(records.tests().iter().all(|test| test.int("concurrent_tests") == 1));
    records
}

/// Returns the number of allocations, their bytes, and the peak of bytes held at once.
fn used(test: &Record) -> [i64; 3] {
    ["alloc_count", "alloc_bytes", "alloc_peak_bytes"].map(|field| test.int(field))
}

#[test]
fn each_allocation_counts() {
    let records = alone("suite::one::");
    for (name, expected) in [
        ("nothing", [0, 0, 0]),
        ("ten_thousand", [10_000, 10_240_000, 1024]),
        ("two_at_once", [3, 3 * MIB, 2 * MIB]),
        ("grows", [2, 16 + 64, 64]),
        ("shrinks", [2, 64 + 16, 64]),
        ("zeroed", [1, 4096, 4096]),
        ("never_freed", [1, 100, 100]),
    ] {
        assert_eq!(used(records.test(&format!("suite::one::{name}"))), expected, "{name}");
    }
}

#[test]
fn a_budget_is_exceeded_by_a_byte_and_by_an_allocation() {
    let run = Run::own_tests("suite::budgets::").arg("--include-ignored").finish().exits(101);
    assert!(run.stdout.contains("test suite::budgets::within ... ok\n"), "{}", run.stdout);
    for message in [
        "the heap peaked at 1.5 MiB, max_heap is 1 MiB; write `max_heap = \"2 MiB\"` to allow it",
        "allocations: 11, max_allocs is 10; write `max_allocs = 11` to allow it",
    ] {
        assert!(run.stdout.contains(message), "{}", run.stdout);
    }
}

/// Allocations of a part count for the part and for the whole test. Those of resmon count for neither.
#[test]
fn a_part_of_a_test_has_figures_of_its_own() {
    let records = alone("suite::parts::");
    for (name, expected) in [
        ("before", [1, MIB, MIB]),
        ("within", [2, 3 * MIB, 2 * MIB]),
        ("suite::parts::outer", [4, 6 * MIB, 2 * MIB]),
        ("first", [1, MIB, MIB]),
        ("second", [2, 2 * MIB, 2 * MIB]),
        ("suite::parts::overlap", [2, 2 * MIB, 2 * MIB]),
    ] {
        assert_eq!(used(records.test(name)), expected, "{name}");
    }
}

#[test]
fn threads_that_a_lone_test_starts_count() {
    for (name, threads) in
        [("joined", "that are joined"), ("scoped", "in a scope"), ("left_running", "that live on")]
    {
        // Threads that one test leaves running would count as bystanders of the next, so each has its own process.
        let records = alone(&format!("suite::threads::{name}"));
        let work = used(records.test(&format!("work of threads {threads}")));
        assert_eq!(work[..2], [10_000, 10_240_000], "{threads}");
        // Each of the four threads holds one block at a time.
        assert!(work[2] <= 4 * 1024 + 5 * (64 << 10), "{threads}: {}", work[2]);
        let test = used(records.test(&format!("suite::threads::{name}")));
        assert!(test[0] > 10_000 && test[1] < 2 * 10_240_000, "{name}: {test:?}");
    }
}

#[test]
fn the_peak_of_several_threads_is_that_of_all_together() {
    for name in ["four_threads_hold_a_mib_each", "many_short_threads_leave_their_memory_to_others"]
    {
        // Threads that one test leaves running would count as bystanders of the next, so each has its own process.
        let name = format!("suite::peaks::{name}");
        let peak = used(alone(&name).test(&name))[2];
        // The peak is exact to 64 KiB for each thread.
        assert!((peak - 4 * MIB).abs() <= 5 * (64 << 10), "{name}: {peak}");
    }
}

#[test]
fn a_guard_that_ends_on_another_thread_knows_of_the_process_or_of_nothing() {
    let records = alone("suite::moved");
    let [_, bytes, peak] = used(records.test("moved"));
    // The figures include the start of a thread.
    assert!((MIB..MIB + (64 << 10)).contains(&bytes), "{bytes}");
    assert!((peak - MIB).abs() < 2 * (64 << 10), "{peak}");
}

#[test]
fn a_test_that_is_ended_by_another_thread_has_figures_if_it_was_alone() {
    let place = Place::new();
    place.run("suite::exits").arg("--test-threads=1").env("SUITE_EXITS", "1").finish().exits(3);
    let records = place.records();
    let test = records.test("suite::exits");
    assert_eq!(test.outcome(), "unfinished");
    assert!(test.int("alloc_bytes") >= MIB);
}

#[test]
fn a_future_whose_thread_did_something_else_has_no_figures_of_its_thread() {
    let place = Place::new();
    place.run("suite::futures").finish().exits(0);
    let records = place.records();
    assert!(!records.test("waits while another is polled").has("alloc_count"));
    let other = used(records.test("is polled meanwhile"));
    assert_eq!(other, [10_000, 10_240_000, 1024]);
    assert!(records.tests().iter().all(|test| test.int("concurrent_tests") == 2));
}
