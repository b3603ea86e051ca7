//! Timestamps and durations.

use crate::{
    Place, next_millisecond,
    support::{Gate, record::now},
};

#[test]
fn timestamps_lie_where_things_happened() {
    let place = Place::new();
    let before = now();
    place.run("suite::many::").arg("--test-threads=1").finish().exits(0);
    let after = now();
    let times: Vec<i64> = place.records().0.iter().map(crate::support::Record::time).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(before <= times[0] && times[times.len() - 1] <= after, "{before} {times:?} {after}");
}

#[test]
fn a_session_starts_with_its_process_not_with_its_first_test() {
    let place = Place::new();
    let gate = Gate::closed();
    let running = place
        .run("suite::order::")
        .arg("--test-threads=1")
        .env("SUITE_FIRST", gate.address())
        .start();
    let waiting = gate.wait_for(1);
    assert!(!place.file.exists(), "no test of resmon's has run yet");
    let opened = next_millisecond();
    drop(waiting);
    running.finish().exits(0);
    let records = place.records();
    assert!(records.start().time() < opened);
    assert!(records.test("suite::order::b_instrumented").time() >= opened);
}

#[test]
fn a_test_lasts_from_its_begin_to_its_end() {
    let place = Place::new();
    let gate = Gate::closed();
    let started = now();
    let running = place
        .run("suite::order::")
        .arg("--test-threads=1")
        .env("SUITE_GATE", gate.address())
        .start();
    let waiting = gate.wait_for(1);
    let arrived = now();
    for _ in 0..20 {
        next_millisecond();
    }
    let opened = now();
    drop(waiting);
    running.finish().exits(0);
    let ended = now();
    let records = place.records();
    let test = records.test("suite::order::c_waits");
    assert!(opened <= test.time() && test.time() <= ended);
    let millis = |from: i64, to: i64| f64::from(i32::try_from(to - from).expect("minutes"));
    let duration = test.float("duration_s") * 1000.0;
    // The two clocks are read one after the other, and one of them has whole milliseconds only.
    assert!(duration >= millis(arrived, opened) - 1.0, "{duration} ms");
    assert!(duration <= millis(started, ended) + 1.0, "{duration} ms");
}
