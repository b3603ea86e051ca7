//! 100,000 tests and an endpoint that is too slow: memory is bounded, the process exits in time, and all records that
//! did not arrive are kept.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    time::{Duration, Instant},
};

use crate::{
    Endpoint, Place,
    endpoint::State,
    support::{Answer, Finished, Request},
};

const FLOOD: usize = 100_000;
/// Number of tests whose records would take twice the allowed memory.
const FEWER: usize = 40_000;
const GROWTH_KIB: u64 = 16 << 10;

/// Returns the number of lines that wait, without parsing them.
fn lines_waiting(place: &Place) -> usize {
    let names = place.names();
    let is_known = |name: &String| [".ndjson", ".sent"].iter().any(|suffix| name.ends_with(suffix));
    assert!(names.iter().all(is_known), "{names:?}");
    place.waiting_lines()
}

/// Runs `tests` measurements against the endpoint, and requires bounded memory and a bounded delay at exit.
fn flood(tests: usize, place: &Place, endpoint: &Endpoint) -> Finished {
    let run = place
        .to(&endpoint.url(), "suite::flood")
        .arg("--nocapture")
        .env("SUITE_FLOOD", tests.to_string())
        .env("RESMON_FLUSH_TIMEOUT", "1")
        .finish()
        .exits(0);
    let grown = run.stdout.split("grown by ").nth(1).and_then(|rest| rest.split(' ').next());
    let grown: u64 = grown.and_then(|kib| kib.parse().ok()).expect("it says so");
    assert!(grown < GROWTH_KIB, "grown by {grown} KiB");
    let held_up = run.took.saturating_sub(run.tests_took());
    assert!(held_up < Duration::from_secs(3), "held up for {held_up:?}");
    run
}

/// Requires at most 20 requests in a second, with a tolerance for a busy machine.
#[track_caller]
fn assert_paced(requests: &[Request]) {
    let arrived: Vec<Instant> = requests.iter().map(|request| request.arrived).collect();
    for window in arrived.windows(21) {
        let took = window[20] - window[0];
        assert!(took > Duration::from_millis(700), "21 requests in {took:?}");
    }
}

/// Requires that up to 64 MiB of records wait, and that warnings count all records.
#[track_caller]
fn assert_kept(tests: usize, place: &Place, run: &Finished) {
    let waiting = lines_waiting(place);
    let sizes = place.names().into_iter().map(|name| fs::metadata(place.spool().join(name)));
    let size: u64 = sizes.map(|file| file.expect("it is there").blocks() * 512).sum();
    assert!(waiting == tests + 2 || size + (2 << 20) > 64 << 20, "{waiting} in {size} bytes");
    assert!(size < 66 << 20, "{size}");
    let total = sum_of_records(&run.stderr);
    assert_eq!(total, tests + 2, "{}", run.stderr);
    let kept = run.warnings().iter().any(|warning| warning.contains("kept in"));
    assert!(kept, "{}", run.stderr);
}

/// Returns the sum of the numbers of records in the warnings.
pub(crate) fn sum_of_records(stderr: &str) -> usize {
    let words: Vec<&str> = stderr.split_whitespace().collect();
    let counts = words.windows(2).filter_map(|pair| match pair[1] {
        "record" | "records" | "session" | "test" => pair[0].parse::<usize>().ok(),
        _ => None,
    });
    counts.sum()
}

#[test]
fn while_the_endpoint_is_down() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let run = flood(FLOOD, &place, &endpoint);
    assert_kept(FLOOD, &place, &run);
}

#[test]
fn while_the_endpoint_is_busy() {
    let (place, endpoint) = (Place::new(), Endpoint::new(State::Down(Answer::status(429))));
    let run = flood(FEWER, &place, &endpoint);
    assert_kept(FEWER, &place, &run);
    assert_paced(&endpoint.server.requests());
}

#[test]
fn while_the_endpoint_is_slow() {
    let slow = Answer::After(Duration::from_secs(1), Box::new(Answer::accepted(1, 0)));
    let (place, endpoint) = (Place::new(), Endpoint::new(State::Forgetful(slow)));
    flood(FEWER, &place, &endpoint);
    // The answer to the last request may come too late, so that its records are kept as well.
    let requests = endpoint.server.requests();
    let unanswered = requests.last().expect("some came").body.lines().count();
    let both = endpoint.lines_taken() + lines_waiting(&place);
    assert!(both == FEWER + 2 || both == FEWER + 2 + unanswered, "{both}, {unanswered}");
    // One request has the session's start, and a further one has tests.
    assert!(requests.len() > 1, "{}", requests.len());
}

/// Sends each test as a batch to a fast endpoint.
#[test]
fn no_more_than_twenty_requests_a_second() {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    place
        .to(&endpoint.url(), "suite::flood")
        .env("SUITE_FLOOD", "20000")
        .env("RESMON_BATCH_SIZE", "1")
        .finish()
        .exits(0);
    assert_eq!(endpoint.lines_taken(), 20_000 + 2);
    let requests = endpoint.server.requests();
    assert!(requests.len() > 21, "{}", requests.len());
    assert_paced(&requests);
    assert!(place.names().is_empty(), "{:?}", place.names());
}
