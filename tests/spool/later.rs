//! Records that could not be delivered wait for the next session that can deliver them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Condvar, Mutex},
};

use crate::{
    Endpoint, Place, TOKEN, duplicates,
    endpoint::State,
    of_session,
    suite::EARLY,
    summary,
    support::{Answer, Gate, Record, Server, wait_for},
    whole,
};

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn what_is_not_delivered_is_kept_and_no_one_else_may_read_it() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let run = place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    assert_eq!(summary(&place.waiting()), whole());
    let warnings = run.warnings();
    let kept = format!("; kept in {:?}", place.spool());
    assert!(!warnings.is_empty() && warnings.iter().all(|warning| warning.contains(&kept)));
    assert_eq!(mode(place.spool()), 0o700);
    assert_eq!(mode(place.only(".ndjson")), 0o600);
}

#[test]
fn the_next_session_delivers_it_oldest_first() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    for _ in 0..3 {
        place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    }
    let waiting = place.waiting();
    assert_eq!(waiting.len(), 3 * (EARLY + 2));
    endpoint.recover();
    let run = place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    let taken = endpoint.taken();
    let old = |record: &&Record| {
        waiting.iter().any(|kept| kept.text("session_id") == record.text("session_id"))
    };
    let old: Vec<_> = taken.iter().filter(old).map(crate::key).collect();
    assert_eq!(old, waiting.iter().map(crate::key).collect::<Vec<_>>());
    assert_eq!(taken.len(), 4 * (EARLY + 2));
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn a_run_against_an_endpoint_that_is_up_leaves_nothing() {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    let run = place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_eq!(summary(&endpoint.taken()), whole());
    assert_eq!(place.names(), [""; 0]);
    assert_eq!(mode(place.spool()), 0o700);
}

/// An event that a thread can wait for.
#[derive(Default)]
struct Flag(Mutex<bool>, Condvar);

impl Flag {
    fn set(&self) {
        *self.0.lock().expect("no panics under this lock") = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let flag = self.0.lock().expect("no panics under this lock");
        drop(self.1.wait_while(flag, |flag| !*flag).expect("see above"));
    }
}

/// Leaves records of a session with the commit `old`, whose fields are `long` bytes longer.
fn with_old_records(place: &Place, url: &str, long: usize) {
    let run = place.to(url, "suite::early::").env("GITHUB_SHA", "old");
    let run = run.env("GITHUB_REF_NAME", "r".repeat(long)).env("GITHUB_JOB", "j".repeat(long));
    run.finish().exits(0);
}

/// Leaves old records for several requests. A test ends while the first one is open, and its record is sent next.
#[test]
fn own_records_go_before_old_ones() {
    static GO: Flag = Flag(Mutex::new(false), Condvar::new());
    static UP: Flag = Flag(Mutex::new(false), Condvar::new());
    let server = Server::answering(|_, request| {
        if !*UP.0.lock().expect("no panics under this lock") {
            return Answer::status(403);
        }
        if request.body.contains("\"gh_sha\":\"old\"") {
            GO.wait();
        }
        Answer::accepted(request.body.lines().count(), 0)
    });
    let (place, gate) = (Place::new(), Gate::closed());
    with_old_records(&place, &server.url(), 100_000);
    server.wait_until_closed();
    let before = server.requests().len();
    UP.set();
    let running = place
        .to(&server.url(), "suite::early::t0")
        .arg("suite::held::one")
        .env("RESMON_BATCH_SIZE", "1")
        .env("SUITE_HELD", gate.address())
        .start();
    let waiting = gate.wait_for(1);
    let old = |request: &crate::support::Request| request.body.contains("\"gh_sha\":\"old\"");
    // The first request of old records is open. Requests that came earlier are answered.
    server.wait_until(|requests| requests[before..].iter().any(old));
    drop(waiting);
    // The process waits for the answer at its exit, when the spool has all of its records.
    let is_own_end =
        |record: &Record| record.event() == "session_end" && record.text("gh_sha") != "old";
    wait_for("the end of the session", || place.waiting().iter().any(is_own_end).then_some(()));
    GO.set();
    running.finish().exits(0);
    let requests = &server.requests()[before..];
    let order: Vec<bool> = requests.iter().map(old).collect();
    let first = order.iter().position(|old| *old).expect("waited for");
    assert!(order[first + 1..].contains(&true), "there is one request of old records only");
    let last_own = order.iter().rposition(|old| !*old).expect("its end");
    let between = order[first + 1..last_own].iter().filter(|old| **old).count();
    assert_eq!(between, 0, "{order:?}");
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Runs three processes while the old records are being sent, without an answer yet.
#[test]
fn two_processes_never_send_the_same() {
    static GO: Flag = Flag(Mutex::new(false), Condvar::new());
    static UP: Flag = Flag(Mutex::new(false), Condvar::new());
    let server = Server::answering(|_, request| {
        if !*UP.0.lock().expect("no panics under this lock") {
            return Answer::status(403);
        }
        if request.body.contains("\"gh_sha\":\"old\"") {
            GO.wait();
        }
        Answer::accepted(request.body.lines().count(), 0)
    });
    let (place, gate) = (Place::new(), Gate::closed());
    with_old_records(&place, &server.url(), 1);
    server.wait_until_closed();
    let before = server.requests().len();
    UP.set();
    let running: Vec<_> = (0..3)
        .map(|_| {
            let run = place.to(&server.url(), "suite::early::").arg("suite::held::one");
            run.env("RESMON_BATCH_SIZE", "1").env("SUITE_HELD", gate.address()).start()
        })
        .collect();
    let waiting = gate.wait_for(3);
    // The old records wait for their answer, and the tests of two processes arrive meanwhile.
    let tests = |requests: &[crate::support::Request]| {
        let new = requests[before..].iter().filter(|request| !request.body.contains("\"old\""));
        new.flat_map(|request| request.records().0)
            .filter(|record| record.event() == "test")
            .count()
    };
    server.wait_until(|requests| tests(requests) >= 2 * EARLY);
    GO.set();
    drop(waiting);
    for running in running {
        running.finish().exits(0);
    }
    let records: Vec<_> =
        server.requests()[before..].iter().flat_map(|request| request.records().0).collect();
    assert!(duplicates(&records).is_empty(), "{:#?}", duplicates(&records));
    assert_eq!(records.len(), EARLY + 2 + 3 * (EARLY + 3));
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn what_was_meant_for_another_is_not_sent_to_this_one() {
    let (place, endpoint, other) = (Place::new(), Endpoint::down(), Endpoint::up());
    place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    let waiting = place.waiting();
    endpoint.recover();
    let to = |url: &str| place.to(url, "suite::early::t0");
    to(&other.url()).finish().exits(0);
    to(&endpoint.url()).env("TINYBIRD_WRITE_TOKEN", "p.another").finish().exits(0);
    to(&endpoint.url()).env("RESMON_DATASOURCE", "another").finish().exits(0);
    to(&format!("{}/another", endpoint.url())).finish().exits(0);
    place.to_file("suite::early::t0").finish().exits(0);
    assert_eq!((endpoint.lines_taken(), other.lines_taken()), (9, 3));
    assert_eq!(summary(&place.waiting()), summary(&waiting));
    // A trailing slash does not change the destination.
    to(&format!("{}/", endpoint.url())).finish().exits(0);
    let taken = endpoint.taken();
    let session = waiting[0].text("session_id");
    assert_eq!(summary(&of_session(&taken, session)), whole());
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn the_token_is_in_no_file() {
    let (place, endpoint, gate) = (Place::new(), Endpoint::down(), Gate::closed());
    place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    endpoint.server.wait_until_closed();
    endpoint.set(State::Down(Answer::Silence));
    let mut running = place
        .to(&endpoint.url(), "suite::early::")
        .arg("suite::held::one")
        .env("SUITE_HELD", gate.address())
        .start();
    let _waiting = gate.wait_for(1);
    place.wait_for_sender();
    let mut suffixes = Vec::new();
    for entry in fs::read_dir(place.spool()).expect("it is there") {
        let path = entry.expect("it is there").path();
        let content = fs::read(&path).expect("it is a file");
        let content = String::from_utf8_lossy(&content);
        assert!(!content.contains(TOKEN), "{path:?}");
        assert_eq!(mode(&path), 0o600, "{path:?}");
        suffixes.push(path.extension().expect("all have one").to_string_lossy().into_owned());
    }
    suffixes.sort();
    assert_eq!(suffixes, ["ndjson", "ndjson", "sender", "session"]);
    running.kill();
    running.finish();
    place.kill_sender();
}
