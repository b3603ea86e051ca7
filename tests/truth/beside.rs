//! Loads that run at the same time as other tests, of which resmon knows some.

use crate::{
    MIB, Place, alone, assert_idle, assert_near, cpu, records,
    suite::DRIVEN,
    support::{Record, Run},
};

#[test]
fn beside_noise_a_tests_own_thread_counts() {
    let place = Place::new();
    let run = place.run("loads::").args(["suite::noise::", "--test-threads=16"]);
    assert!(run.env(DRIVEN, "1").finish().exits(0).is_quiet());
    let records = place.records();
    let test = |load: &str| records.test(&format!("loads::{load}")).clone();
    for test in records.tests() {
        assert!(test.int("concurrent_tests") > 1, "{test:#?}");
        assert_eq!(test.text("cpu_scope"), "thread", "{test:#?}");
    }
    assert_idle(&test("sleeps"));
    assert_near(cpu(&test("spins")), place.told("spins"));
    // The test's own thread starts the others and waits for them.
    assert!(cpu(&test("four_threads_spin")) < 0.02);
    assert!(test("holds_memory").int("rss_peak") >= 256 * MIB * 19 / 20);
    assert_available(&test("holds_memory"), &place);
    alone::assert_all(test("writes").int("io_write_bytes"));
    alone::assert_all(test("reads").int("io_read_bytes"));
    for (load, field) in alone::COUNTED {
        alone::assert_counted(test(load).int(field), place.told(load));
    }
}

#[test]
fn plain_tests_are_not_charged_to_another() {
    for name in ["there_before", "begins_during", "comes_and_goes", "busy_harness"] {
        let place = Place::new();
        let run = place.run(&format!("suite::plain::{name}::")).arg("--test-threads=2");
        assert!(run.env(DRIVEN, "1").finish().exits(0).is_quiet());
        let records = place.records();
        let test = records.test(name);
        // The rest is the CPU time that the test needs to wait for the others.
        let rest = cpu(test) - place.told(name);
        assert!((-0.001..0.005).contains(&rest), "{test:#?}");
        assert_eq!((test.text("cpu_scope"), test.int("concurrent_tests")), ("thread", 1), "{name}");
    }
}

fn driven(filter: &str, threads: u32) -> crate::Records {
    let threads = format!("--test-threads={threads}");
    records(filter, |run: Run| run.arg(threads).env(DRIVEN, "1"))
}

#[test]
fn what_an_earlier_test_has_left_is_not_charged_to_a_later_one() {
    let records = driven("suite::left::", 1);
    let test = records.test("suite::left::b_sleeps");
    assert_idle(test);
    assert_eq!(test.text("cpu_scope"), "thread");
}

#[test]
fn a_thread_that_an_earlier_test_has_left_may_wake_up() {
    let records = driven("suite::left_asleep::", 1);
    let test = records.test("suite::left_asleep::b_spins_in_another_thread");
    assert_eq!(test.text("cpu_scope"), "thread", "{test:#?}");
    assert_idle(test);
}

#[test]
fn tests_that_run_at_once_are_counted() {
    let records = driven("suite::together::", 3);
    assert_eq!(records.tests().len(), 4);
    assert!(records.tests().iter().all(|test| test.int("concurrent_tests") == 3));
    let one_by_one = crate::records("suite::together::", |run| run.arg("--test-threads=1"));
    assert_eq!(one_by_one.tests().len(), 4);
    assert!(one_by_one.tests().iter().all(|test| test.int("concurrent_tests") == 1));
}

#[test]
fn what_has_moved_has_the_figures_of_the_process_or_none() {
    // A lone test that ends on another thread has the figures of its process.
    let records = records("suite::moved::", |run| run.arg("--test-threads=1"));
    assert_near(cpu(records.test("moved")), 0.1);
    assert_near(cpu(records.test("there and back")), 0.16);
    // With other tests, nothing is known about it.
    let records = driven("suite::moved::", 3);
    for name in ["moved", "there and back"] {
        let test = records.test(name);
        let fields = ["cpu_user_s", "cpu_system_s", "cpu_scope", "io_read_bytes", "io_write_bytes"];
        let of_thread = ["page_faults_major", "ctx_switches_involuntary"];
        for field in fields.iter().chain(&of_thread) {
            assert!(!test.has(field), "{field} of {test:#?}");
        }
        assert!(test.has("rss_peak"));
    }
}

/// Requires a `mem_available_min` of at most the load's own reading, with a tolerance for changes between two readings.
/// A lone test has no sampler: nobody reads available memory while the test holds the memory.
fn assert_available(test: &Record, place: &Place) {
    #[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 bytes")]
    let [least, moment] = [test.int("mem_available_min"), 32 * MIB].map(|bytes| bytes as f64);
    assert!(least <= place.told("holds_memory") + moment, "{test:#?}");
}
