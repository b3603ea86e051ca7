//! Delivery to Tinybird by `cargo resmon`, while the tests run.

use std::time::Duration;

use crate::{
    Suite, one_session,
    support::{Answer, Gate, Nobody, Run, Server},
};

const TOKEN: &str = "p.a-secret-token";

fn with_token(run: Run, url: &str) -> Run {
    run.env("TINYBIRD_WRITE_TOKEN", TOKEN).env("TINYBIRD_API_URL", url)
}

#[test]
fn one_connection_full_batches_and_one_session() {
    let suite = Suite::new();
    let server = Server::accepting();
    let Some(run) = suite.nextest(&["--workspace"]) else { return };
    let run = with_token(run, &server.url()).env("RESMON_BATCH_SIZE", "5");
    let run = run.finish().exits(0);
    assert_eq!(run.warnings(), [""; 0]);
    assert!(!run.stderr.contains(TOKEN) && !run.stdout.contains(TOKEN));
    let records = server.records();
    assert_eq!(one_session(&records, 0).len(), 16);
    assert_eq!(server.connections(), 1);
    for request in server.requests() {
        let records = request.records();
        let tests = records.tests().len();
        let is_last = records.tests().iter().any(|test| test.int("batch_num") == 4);
        assert!(tests % 5 == 0 || is_last, "{tests} tests in a request");
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    }
    assert_eq!(suite.spool(), [""; 0]);
    assert!(!suite.file().exists(), "a token goes before a file");
}

#[test]
fn batches_arrive_while_the_run_goes_on() {
    let suite = Suite::new();
    let server = Server::accepting();
    let gate = Gate::closed();
    let Some(run) = suite.nextest(&["--workspace", "-E", "not test(wobbles)"]) else { return };
    let run = with_token(run, &server.url()).env("FIXTURE_GATE", gate.address());
    let running = run.env("RESMON_BATCH_SIZE", "4").start();
    let waiting = gate.wait_for(2);
    server.wait_until(|requests| {
        requests.iter().any(|request| request.body.contains("\"event_type\":\"test\""))
    });
    drop(waiting);
    running.finish().exits(0);
    one_session(&server.records(), 0);
}

#[test]
fn what_is_not_delivered_waits_for_the_next_run() {
    let suite = Suite::new();
    let nobody = Nobody::listening();
    let arguments = ["--package=marked", "--lib", "--", "--skip=wobbles"];
    let run = with_token(suite.test(&arguments), &nobody.url()).finish().exits(0);
    assert!(run.warnings().iter().any(|warning| warning.contains("not delivered")));
    let server = Server::always(Answer::status(503));
    with_token(suite.test(&arguments), &server.url()).finish().exits(0);
    assert!(server.requests().len() > 1);
    let kept = suite.spool().into_iter().filter(|name| name.ends_with(".ndjson"));
    assert_eq!(kept.count(), 2, "one for each server");
}

#[test]
fn the_end_is_not_held_up_for_long() {
    let suite = Suite::new();
    let server = Server::deaf();
    let arguments = ["--package=marked", "--lib", "--", "--skip=wobbles"];
    let run = with_token(suite.test(&arguments), &server.url()).env("RESMON_FLUSH_TIMEOUT", "0.5");
    let run = run.finish().exits(0);
    assert!(run.took < Duration::from_secs(60));
    assert!(run.warnings().iter().any(|warning| warning.contains("kept in")), "{}", run.stderr);
}
