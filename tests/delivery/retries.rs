//! Handling of failed requests.

use std::time::Duration;

use crate::{
    TOKEN, assert_whole, suite_at, suite_to,
    support::{Answer, Finished, Nobody, Request, Run, Server},
};

/// Returns a run of the suite with enough time for all retries.
fn patient(server: &Server) -> Run {
    suite_at(server).env("RESMON_FLUSH_TIMEOUT", "60")
}

/// Returns the bodies of the requests, each with the number of consecutive requests that have it.
fn bodies(requests: &[Request]) -> Vec<(&str, usize)> {
    let mut bodies: Vec<(&str, usize)> = Vec::new();
    for request in requests {
        match bodies.last_mut() {
            Some((body, times)) if *body == request.body => *times += 1,
            _ => bodies.push((&request.body, 1)),
        }
    }
    bodies
}

/// Requires a warning with the number of lost records, the URL and the reason. The token must not be printed.
#[track_caller]
fn assert_warned(run: &Finished, url: &str, what: &str, why: &str) {
    let warnings = run.warnings();
    let says = |warning: &&str| [url, what, why].iter().all(|part| warning.contains(part));
    assert!(warnings.iter().any(says), "{what}, {why}: {warnings:#?}");
    assert!(!run.stderr.contains(TOKEN) && !run.stdout.contains(TOKEN));
}

/// Part of the warning about the request that fails in most of these tests.
const START: &str = "1 session event";

#[test]
fn what_is_worth_a_second_try_gets_one_and_arrives() {
    for status in [408, 429, 500, 502, 503, 504] {
        let server = Server::in_turn([Answer::status(status)]);
        let run = patient(&server).finish().exits(0);
        assert!(run.is_quiet(), "{status}: {}", run.stderr);
        let requests = server.requests();
        assert_eq!(requests[0].body, requests[1].body, "{status}");
        let waited = requests[1].arrived - requests[0].arrived;
        assert!(waited >= Duration::from_millis(200), "{status}: {waited:?}");
        assert_eq!(bodies(&requests)[0].1, 2);
        assert_eq!(bodies(&requests)[1..].iter().map(|body| body.1).max(), Some(1));
    }
}

#[test]
fn a_broken_connection_is_worth_a_second_try() {
    for answer in [Answer::Close, Answer::Reset] {
        let server = Server::in_turn([answer.clone()]);
        let run = patient(&server).finish().exits(0);
        assert!(run.is_quiet(), "{answer:?}: {}", run.stderr);
        let requests = server.requests();
        assert_eq!(bodies(&requests)[0].1, 2, "{answer:?}");
        assert_eq!(requests[1].records().start().event(), "session_start");
        assert_eq!(server.records().tests().len(), crate::suite::TESTS);
    }
}

#[test]
fn after_the_second_try_a_batch_is_given_up_and_the_next_one_sent() {
    for answer in [Answer::status(503), Answer::Reset] {
        let server = Server::in_turn([answer.clone(), answer.clone()]);
        let run = patient(&server).finish().exits(0);
        assert_eq!(run.warnings().len(), 1, "{}", run.stderr);
        assert_warned(&run, &server.url(), START, "");
        let records = server.records();
        assert_eq!(records.of_event("session_start").len(), 2);
        assert_eq!(records.tests().len(), crate::suite::TESTS);
        assert_eq!(records.end().int("exit_status"), 0);
    }
}

#[test]
fn a_warning_says_what_the_server_said() {
    let server = Server::always(Answer::status(503));
    let run = patient(&server).finish().exits(0);
    assert_warned(&run, &server.url(), START, "503");
    assert_warned(&run, &server.url(), " test records", "503");
}

#[test]
fn what_a_second_try_cannot_mend_gets_none() {
    for status in [400, 401, 403, 404, 413, 422] {
        let server = Server::in_turn([Answer::status(status)]);
        let run = patient(&server).finish().exits(0);
        assert_warned(&run, &server.url(), START, &status.to_string());
        assert_eq!(run.warnings().len(), 1, "{}", run.stderr);
        // The session start arrived once, and everything else after it.
        assert_whole(&server.records(), 50);
    }
}

#[test]
fn a_server_that_echoes_the_token_does_not_get_it_printed() {
    let server =
        Server::always(Answer::reply(403, &format!("{{\"error\":\"bad token {TOKEN}\"}}")));
    let run = patient(&server).finish().exits(0);
    assert_warned(&run, &server.url(), START, "403");
}

#[test]
fn after_three_batches_given_up_in_a_row_no_more_are_sent() {
    for (status, tries) in [(403, 1), (503, 2)] {
        let server = Server::always(Answer::status(status));
        // There are more batches than may be given up, even if waiting batches share a request.
        let run = patient(&server).env("RESMON_BATCH_SIZE", "1").finish().exits(0);
        let requests = server.requests();
        let bodies = bodies(&requests);
        assert!(bodies.len() <= 4, "{}", bodies.len());
        assert!(bodies.iter().all(|(_, times)| *times == tries), "{bodies:#?}");
        // The number of warnings is limited, but they count all records.
        assert!(run.warnings().len() <= 5, "{}", run.stderr);
        assert_eq!(records_in(&run), crate::suite::TESTS + 2, "{}", run.stderr);
    }
}

#[test]
fn three_that_are_not_in_a_row_are_no_end() {
    let server = Server::answering(|n, _| match n % 2 {
        0 => Answer::status(403),
        _ => Answer::accepted(1, 0),
    });
    // The records are so long that a request holds at most three batches, so there are at least six requests.
    let run = patient(&server)
        .env("RESMON_BATCH_SIZE", "10")
        .env("GITHUB_REF_NAME", "long".repeat(8192))
        .finish()
        .exits(0);
    assert!(run.warnings().len() >= 3, "{}", run.stderr);
    assert_whole(&server.records(), 10);
}

/// Returns the sum of the numbers of records in the warnings.
fn records_in(run: &Finished) -> usize {
    let words: Vec<&str> = run.stderr.split_whitespace().collect();
    let counts = words.windows(2).filter_map(|pair| match pair[1] {
        "record" | "records" | "session" | "test" => pair[0].parse::<usize>().ok(),
        _ => None,
    });
    counts.sum()
}

#[test]
fn retry_after_is_honoured() {
    let server = Server::in_turn([Answer::status(429).with("Retry-After", &2)]);
    patient(&server).finish().exits(0);
    let requests = server.requests();
    assert!(requests[1].arrived - requests[0].arrived >= Duration::from_secs(2));
}

#[test]
fn retry_after_is_honoured_for_five_seconds_at_most() {
    let server = Server::in_turn([Answer::status(503).with("Retry-After", &30)]);
    patient(&server).finish().exits(0);
    let requests = server.requests();
    let waited = requests[1].arrived - requests[0].arrived;
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_secs(25), "{waited:?}");
}

#[test]
fn a_retry_after_that_is_no_number_is_no_matter() {
    for value in ["soon", "-1", "99999999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT", ""] {
        let server = Server::in_turn([Answer::status(429).with("Retry-After", &value)]);
        let run = patient(&server).finish().exits(0);
        assert!(run.is_quiet(), "{value}: {}", run.stderr);
        assert_eq!(bodies(&server.requests())[0].1, 2, "{value}");
    }
}

#[test]
fn rows_in_quarantine_are_warned_about() {
    let server = Server::answering(|_, request| {
        let rows = request.body.lines().count();
        Answer::accepted(rows - 1, 1)
    });
    let run = patient(&server).finish().exits(0);
    assert!(run.warnings().iter().any(|warning| warning.contains("quarantine")), "{}", run.stderr);
    assert_whole(&server.records(), 50);
}

#[test]
fn an_answer_of_success_may_say_anything() {
    let long = "x".repeat(1 << 21);
    for (status, body) in [
        (200, "{\"successful_rows\":1,\"quarantined_rows\":0}"),
        (202, ""),
        (201, "<html>thanks</html>"),
        (202, "{\"quarantined_rows\":\"many\"}"),
        (202, "{\"quarantined_rows\":-1}"),
        (202, "[1, 2"),
        (202, &*long),
    ] {
        let server = Server::always(Answer::reply(status, body));
        let run = patient(&server).finish().exits(0);
        assert!(run.is_quiet(), "{status} {body:.40}: {}", run.stderr);
        assert_whole(&server.records(), 50);
    }
}

#[test]
fn an_answer_of_success_that_breaks_off_is_not_sent_again() {
    let server = Server::in_turn([Answer::CutShort]);
    patient(&server).finish().exits(0);
    assert_whole(&server.records(), 50);
}

#[test]
fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Server::accepting();
        let server = Server::always(
            Answer::status(status).with("Location", &format!("{}/v0/events", elsewhere.url())),
        );
        let run = patient(&server).finish().exits(0);
        assert_warned(&run, &server.url(), START, &status.to_string());
        assert_eq!(elsewhere.connections(), 0, "{status}");
        assert!(bodies(&server.requests()).iter().all(|(_, times)| *times == 1), "{status}");
    }
}

#[test]
fn a_port_where_nobody_listens_is_warned_about() {
    let nobody = Nobody::listening();
    let run = suite_to(&nobody.url()).finish().exits(0);
    assert_warned(&run, &nobody.url(), START, "refused");
}
