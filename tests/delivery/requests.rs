//! Requests of a delivery without errors.

use std::{
    sync::{Mutex, mpsc},
    time::Duration,
};

use crate::{
    TOKEN, assert_whole, suite, suite_at,
    support::{Answer, Gate, Request, Run, Server},
};

/// Returns the number of test records in a request: 0 for a session event, which is sent on its own.
#[track_caller]
fn tests_in(request: &Request) -> usize {
    let records = request.records();
    let tests = records.tests().len();
    assert!(tests == 0 && records.0.len() == 1 || tests == records.0.len(), "{request:#?}");
    tests
}

/// Returns the number of test records in all requests.
#[track_caller]
fn sent(requests: &[Request]) -> usize {
    requests.iter().map(tests_in).sum()
}

#[test]
fn a_session_arrives_whole_over_one_connection() {
    let server = Server::accepting();
    let run = suite_at(&server).finish().exits(0);
    assert_eq!(run.counts().passed, suite::TESTS);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_whole(&server.records(), 50);
    assert_eq!(server.connections(), 1);
    for request in server.requests() {
        assert_eq!(request.method, "POST");
        assert_eq!(request.target, "/v0/events?name=ci_test_metrics");
        assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
        assert_eq!(request.header("content-type"), Some("application/x-ndjson"));
        assert!(!request.body.contains(TOKEN));
    }
}

#[test]
fn session_events_come_alone_and_tests_in_whole_batches() {
    let server = Server::accepting();
    suite_at(&server).finish().exits(0);
    let sizes: Vec<usize> = server.requests().iter().map(tests_in).collect();
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    assert_eq!((first, last), (0, 0), "{sizes:?}");
    let batches = &sizes[1..sizes.len() - 1];
    let (rest, whole) = batches.split_last().expect("there are tests");
    assert!(whole.iter().all(|size| size % 50 == 0 && *size > 0), "{sizes:?}");
    assert_eq!(whole.iter().sum::<usize>() + rest, suite::TESTS);
}

#[test]
fn a_full_batch_leaves_while_the_tests_run_and_the_rest_at_the_end() {
    let server = Server::accepting();
    let gate = Gate::closed();
    let running = suite_at(&server)
        .args(["waits::", "--test-threads=1"])
        .env("SUITE_GATE", gate.address())
        .start();
    let waiting = gate.wait_for(1);
    let requests = server.wait_until(|requests| sent(requests) >= 100);
    assert_eq!(sent(&requests), 100);
    assert_eq!(requests[0].records().start().event(), "session_start");
    drop(waiting);
    running.finish().exits(0);
    assert_eq!(sent(&server.requests()), 121);
}

#[test]
fn a_sender_that_is_behind_puts_batches_together() {
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let server = Server::answering(move |_, request| {
        // The first answer waits until all tests have finished. Later answers find the channel closed.
        let _ = held.lock().expect("no panics under this lock").recv();
        Answer::accepted(request.body.lines().count(), 0)
    });
    let gate = Gate::closed();
    let running = suite_at(&server)
        .args(["waits::", "--test-threads=1"])
        .env("SUITE_GATE", gate.address())
        .env("RESMON_BATCH_SIZE", "1")
        .start();
    let waiting = gate.wait_for(1);
    drop(release);
    let requests = server.wait_until(|requests| sent(requests) == suite::TESTS);
    assert!(requests.len() < 10, "{} requests", requests.len());
    drop(waiting);
    running.finish().exits(0);
    let records = server.records();
    assert_eq!(records.tests().len(), suite::TESTS + 1);
    for (index, test) in (1..).zip(records.tests()) {
        assert_eq!(test.int("batch_num"), index);
    }
}

#[test]
fn a_request_of_several_batches_is_a_mebibyte_at_most() {
    // All tests finish before the first answer arrives.
    let late = Answer::After(Duration::from_millis(500), Box::new(Answer::accepted(1, 0)));
    let server = Server::in_turn([late]);
    suite_at(&server)
        .env("RESMON_BATCH_SIZE", "10")
        .env("GITHUB_REF_NAME", "long".repeat(8192))
        .finish()
        .exits(0);
    assert_whole(&server.records(), 10);
    for request in server.requests() {
        assert!(request.body.len() <= 1 << 20, "{} bytes", request.body.len());
        assert_eq!(tests_in(&request) % 10, 0);
    }
}

#[test]
fn the_batch_size_is_the_users_choice() {
    for size in [1, 7, 120, 121] {
        let server = Server::accepting();
        suite_at(&server).env("RESMON_BATCH_SIZE", size.to_string()).finish().exits(0);
        assert_whole(&server.records(), size);
    }
}

#[test]
fn a_server_that_closes_after_each_answer_gets_everything() {
    for header in [None, Some(("Connection", "close".to_owned()))] {
        let closes = Answer::Last { headers: header.into_iter().collect() };
        let server = Server::always(closes);
        let run = suite_at(&server).finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
        assert_whole(&server.records(), 50);
    }
}

#[test]
fn a_process_that_runs_one_test_sends_one_request() {
    let server = Server::accepting();
    let session =
        |run: Run| run.env("NEXTEST_EXECUTION_MODE", "process-per-test").finish().exits(0);
    session(suite_at(&server).args(["suite::a::t0", "--exact"]));
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let records = requests[0].records();
    assert_eq!(records.events(), ["session_start", "test", "session_end"]);
    assert_eq!(records.tests()[0].int("batch_num"), 1);
}
