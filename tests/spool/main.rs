//! Records that do not arrive at once: real processes that die, real endpoints that fail, and the directory in which
//! the records wait. Each test runs this binary's own tests of [`suite`] in new processes.
#![cfg(all(unix, feature = "tinybird"))]

#[path = "../support/mod.rs"]
mod support;

mod bound;
mod crash;
mod directory;
mod endpoint;
mod faults;
mod flood;
mod foreign;
mod interleavings;
mod kill;
mod later;
mod place;
mod sender;
mod suite;

use std::collections::BTreeMap;

use endpoint::Endpoint;
use place::Place;
use support::Record;

/// Token that may not be in any file.
const TOKEN: &str = "p.eyJ1IjogInNlY3JldCJ9.not-to-be-kept";

/// Returns the fields that identify a record, and by which a duplicate is found.
fn key(record: &Record) -> (String, String, String, i64, String) {
    let attempt = if record.event() == "test" { record.int("attempt") } else { 0 };
    let text = |field| record.text(field).to_owned();
    (text("session_id"), text("event_type"), text("test_nodeid"), attempt, text("timestamp"))
}

/// Returns the records that occur more than once.
fn duplicates(records: &[Record]) -> Vec<&Record> {
    let mut count = BTreeMap::new();
    for record in records {
        *count.entry(key(record)).or_insert(0) += 1;
    }
    records.iter().filter(|record| count[&key(record)] > 1).collect()
}

/// Returns the records of one session, in their order.
fn of_session(records: &[Record], session_id: &str) -> Vec<Record> {
    records.iter().filter(|record| record.text("session_id") == session_id).cloned().collect()
}

/// Describes each record: the event of a session's, the name and outcome of a test's.
fn summary(records: &[Record]) -> Vec<String> {
    let of = |record: &Record| match record.event() {
        "test" => format!("{} {}", record.name().trim_start_matches("suite::"), record.outcome()),
        "session_end" => format!("session_end {}", record.int("exit_status")),
        event => event.to_owned(),
    };
    records.iter().map(of).collect()
}

/// Returns the [`summary`] of a session of [`suite::early`] that ended well.
fn whole() -> Vec<String> {
    let tests = (0..suite::EARLY).map(|n| format!("early::t{n} passed"));
    let (start, end) = ("session_start".to_owned(), "session_end 0".to_owned());
    std::iter::once(start).chain(tests).chain([end]).collect()
}

/// Returns the id of the only session whose end was written by another process.
fn dead(records: &[Record]) -> &str {
    let ends = records.iter().filter(|record| record.event() == "session_end");
    let dead: Vec<_> = ends.filter(|end| end.int("exit_status") == -1).collect();
    assert_eq!(dead.len(), 1, "{:?}", summary(records));
    dead[0].text("session_id")
}
