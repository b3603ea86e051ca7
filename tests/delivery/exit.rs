//! Exit codes of processes that report to Tinybird, and processes that have nothing to report.

use crate::{
    TOKEN, suite_at,
    support::{Answer, Run, Server, reported},
};

/// Returns a run of the tests with this filter that reports to this server.
fn run(filter: &str, server: &Server) -> Run {
    Run::own_tests(filter).env("TINYBIRD_WRITE_TOKEN", TOKEN).env("TINYBIRD_API_URL", server.url())
}

#[test]
#[cfg_attr(windows, ignore = "`std::process::exit` runs no exit handlers there")]
fn a_failing_test_makes_it_101_and_that_is_what_the_session_says() {
    let server = Server::accepting();
    run("special::", &server).env("SUITE_FAILS", "1").finish().exits(101);
    let records = server.records();
    assert_eq!(records.test("special::fails").outcome(), "failed");
    assert_eq!(records.test("special::exits").outcome(), "passed");
    assert_eq!(records.end().int("exit_status"), 101);
}

#[test]
#[cfg_attr(windows, ignore = "`std::process::exit` runs no exit handlers there")]
fn a_test_may_choose_the_exit_code() {
    let server = Server::accepting();
    run("special::exits", &server).env("SUITE_EXITS", "1").finish().exits(7);
    let records = server.records();
    assert_eq!(records.test("special::exits").outcome(), "unfinished");
    assert_eq!(records.end().int("exit_status"), reported(7, 0));
}

/// Forks a child, which inherits the session but must neither record nor send.
#[cfg(unix)]
#[test]
fn a_forked_child_sends_nothing_and_leaves() {
    let server = Server::accepting();
    run("special::forks", &server).env("SUITE_FORKS", "1").finish().exits(0);
    let records = server.records();
    assert_eq!(records.events(), ["session_start", "test", "session_end"]);
    assert_eq!(records.end().int("exit_status"), 0);
}

#[test]
fn a_dead_end_does_not_change_the_exit_code() {
    let server = Server::always(Answer::status(500));
    suite_at(&server).finish().exits(0);
    run("special::", &server).env("SUITE_FAILS", "1").finish().exits(101);
    run("special::exits", &server).env("SUITE_EXITS", "1").finish().exits(7);
}

#[test]
fn a_process_without_an_instrumented_test_sends_nothing() {
    let server = Server::accepting();
    for args in [
        &["--list"][..],
        &["--list", "--format", "terse"],
        &["--help"],
        &["no_test_has_this_name"],
        &["special::plain"],
        &["suite::", "--ignored"],
    ] {
        let run = run(args[0], &server).args(&args[1..]).finish().exits(0);
        assert!(run.is_quiet(), "{args:?}: {}", run.stderr);
    }
    assert_eq!(server.connections(), 0);
}
