//! Slow servers: delivery delays the end of a run for a bounded time, and never delays a test.

use std::time::Duration;

use crate::{
    assert_whole, suite, suite_at, suite_to,
    support::{Answer, Finished, Nobody, Run, Server},
};

/// Value of `RESMON_FLUSH_TIMEOUT`, in seconds.
const FLUSH: u64 = 2;

/// Runs the suite with this timeout, and requires that it ends within a second after it.
#[track_caller]
fn in_time(run: Run) -> Finished {
    let run = run.env("RESMON_FLUSH_TIMEOUT", FLUSH.to_string()).finish().exits(0);
    assert_eq!(run.counts().passed, suite::TESTS);
    assert!(run.tests_took() < Duration::from_secs(FLUSH), "tests: {:?}", run.tests_took());
    let held_up = run.took.saturating_sub(run.tests_took());
    assert!(held_up < Duration::from_secs(FLUSH + 1), "held up for {held_up:?}");
    run
}

#[test]
fn a_server_that_never_answers() {
    let server = Server::always(Answer::Silence);
    let run = in_time(suite_at(&server));
    assert!(
        matches!(run.warnings()[..], [one] if one.starts_with("122 records")),
        "{}",
        run.stderr
    );
    assert_eq!(server.requests().len(), 1, "nothing goes out behind an open request");
}

#[test]
fn a_server_that_never_reads() {
    let server = Server::deaf();
    // The records exceed the buffers of the sockets, so that not even the request can be written.
    let long = "long".repeat(30_000);
    let mut run = suite_at(&server);
    for name in ["GITHUB_SHA", "GITHUB_REF_NAME", "GITHUB_WORKFLOW", "GITHUB_JOB", "GITHUB_ACTOR"] {
        run = run.env(name, &long);
    }
    assert!(!in_time(run).warnings().is_empty());
}

#[test]
fn a_server_that_answers_byte_by_byte() {
    let server = Server::always(Answer::Drip(Duration::from_millis(200)));
    assert!(!in_time(suite_at(&server)).warnings().is_empty());
}

#[test]
fn a_server_that_asks_to_come_back_later() {
    let server = Server::always(Answer::status(429).with("Retry-After", &5));
    assert!(!in_time(suite_at(&server)).warnings().is_empty());
}

#[test]
fn a_port_where_nobody_listens() {
    let nobody = Nobody::listening();
    let run = in_time(suite_to(&nobody.url()));
    assert!(!run.warnings().is_empty());
}

#[test]
fn a_server_that_is_only_slow_gets_everything() {
    let server = Server::answering(|_, request| {
        let answer = Answer::accepted(request.body.lines().count(), 0);
        Answer::After(Duration::from_millis(300), Box::new(answer))
    });
    let run = suite_at(&server).finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_whole(&server.records(), 50);
}

#[test]
fn no_time_at_all() {
    let server = Server::always(Answer::Silence);
    let run = suite_at(&server).env("RESMON_FLUSH_TIMEOUT", "0").finish().exits(0);
    assert!(run.took.saturating_sub(run.tests_took()) < Duration::from_secs(1), "{run:?}");
}
