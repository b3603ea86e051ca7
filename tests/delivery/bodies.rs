//! Request bodies: large ones are compressed, and one that is too large for the endpoint is split.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tempfile::tempdir;

use crate::{
    assert_whole, suite, suite_at,
    support::{Answer, Records, Request, Run, Server},
};

/// Size in bytes from which a body must be compressed.
const LARGE: usize = 16 << 10;

/// Size in bytes up to which a body must not be compressed.
const SMALL: usize = 1 << 10;

#[test]
fn large_bodies_are_gzipped_and_small_ones_are_not() {
    let server = Server::accepting();
    let run = suite_at(&server).finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_whole(&server.records(), 50);
    let requests = server.requests();
    let (mut large, mut small) = (0, 0);
    for request in &requests {
        let (bytes, sent) = (request.body.len(), request.length());
        if bytes >= LARGE {
            large += 1;
            assert!(request.is_gzipped(), "a body of {bytes} bytes is not compressed");
            assert!(sent < bytes / 2, "{bytes} bytes became {sent}");
        } else if bytes <= SMALL {
            small += 1;
            assert!(!request.is_gzipped(), "a body of {bytes} bytes is compressed");
        }
    }
    assert!(large > 0 && small > 0, "{requests:#?}");
}

/// Largest number of records that [`limited`] accepts in one request.
const MOST: usize = 20;

/// Answers as an endpoint that accepts at most [`MOST`] records in one request.
fn limited(request: &Request) -> Answer {
    match request.body.lines().count() {
        rows @ ..=MOST => Answer::accepted(rows, 0),
        _ => Answer::status(413),
    }
}

/// Returns the records of the requests that the server did not refuse, in order of arrival.
fn accepted(requests: &[Request], refused: impl Fn(&Request) -> bool) -> Records {
    let accepted = requests.iter().filter(|request| !refused(request));
    Records(accepted.flat_map(|request| request.records().0).collect())
}

/// Returns whether [`limited`] answers 413 to this request.
fn is_too_large(request: &Request) -> bool {
    request.body.lines().count() > MOST
}

/// Gives the run enough time for all of its requests.
fn patient(run: Run) -> Run {
    run.env("RESMON_FLUSH_TIMEOUT", "60")
}

#[test]
fn a_body_that_is_too_large_is_split_until_it_fits() {
    let server = Server::answering(|_, request| limited(request));
    let run = patient(suite_at(&server)).finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_whole(&accepted(&server.requests(), is_too_large), 50);
}

#[test]
fn records_of_an_earlier_session_are_split_too() {
    let (down, folder) = (Arc::new(AtomicBool::new(true)), tempdir().expect("a folder of our own"));
    let is_down = Arc::clone(&down);
    let server = Server::answering(move |_, request| {
        if is_down.load(Ordering::SeqCst) { Answer::status(503) } else { limited(request) }
    });
    let run = || patient(suite_at(&server)).env("RESMON_SPOOL_DIR", folder.path().join("spool"));
    let earlier = run().finish().exits(0);
    assert!(!earlier.warnings().is_empty(), "{}", earlier.stderr);
    let failed = server.requests().len();
    down.store(false, Ordering::SeqCst);
    let run = run().finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    let records = accepted(&server.requests()[failed..], is_too_large);
    let sessions = records.distinct("session_id");
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    for session in sessions {
        let of = records.0.iter().filter(|record| record.text("session_id") == session);
        let of = Records(of.cloned().collect());
        assert_eq!(of.of_event("session_start").len(), 1);
        assert_eq!(of.of_event("session_end").len(), 1);
        let mut ids: Vec<&str> = of.tests().iter().map(|test| test.id()).collect();
        assert_eq!(ids.len(), suite::TESTS, "{session}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), suite::TESTS, "{session}");
    }
}

#[test]
fn a_record_that_is_too_large_by_itself_is_the_only_one_refused() {
    const REFUSED: &str = "suite::f::t6";
    let is_refused = |request: &Request| request.body.contains(&format!("::{REFUSED}\""));
    let server = Server::answering(move |_, request| {
        if is_refused(request) {
            Answer::status(413)
        } else {
            Answer::accepted(request.body.lines().count(), 0)
        }
    });
    let run = patient(suite_at(&server)).finish().exits(0);
    let warnings = run.warnings();
    assert_eq!(warnings.len(), 1, "{}", run.stderr);
    assert!(warnings[0].contains("413") && warnings[0].contains("1 test record"), "{warnings:?}");
    let records = accepted(&server.requests(), is_refused);
    assert_eq!(records.tests().len(), suite::TESTS - 1);
    assert!(records.of_test(REFUSED).is_empty());
    assert_eq!(records.start().event(), "session_start");
    assert_eq!(records.end().int("exit_status"), 0);
}
