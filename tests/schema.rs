//! Tests of the tests: the schema check can fail, and the server and the gate work.

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Map, Value, json};
use support::{Answer, Gate, Records, Run, Server, record::milliseconds, schema::faults};

fn test_record() -> Map<String, Value> {
    object(json!({
        "event_type": "test", "test_nodeid": "tests/a.rs::m::t", "timestamp": "2026-02-28T23:59:59.999+00:00",
        "batch_num": 1, "duration_s": 0.25, "cpu_before": 0.0, "cpu_after": 100,
        "mem_available_before": 1, "mem_available_after": 2, "mem_percent_before": 1.5, "mem_percent_after": 2.5,
        "disk_free_before": 1, "disk_free_after": 2, "disk_percent_before": 1.5, "disk_percent_after": 2.5,
        "gh_run_id": "", "gh_sha": "", "gh_ref_name": "", "gh_workflow": "", "gh_job": "", "gh_actor": "",
        "gh_repository": "", "gh_run_attempt": "", "session_id": "s", "run_id": "r", "package": "p",
        "outcome": "passed", "attempt": 1, "concurrent_tests": 1,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

#[test]
fn a_right_record_has_no_faults() {
    assert_eq!(faults(&test_record()), [""; 0]);
}

#[test]
fn every_field_is_required() {
    for name in test_record().keys() {
        let mut record = test_record();
        record.remove(name);
        assert!(!faults(&record).is_empty(), "{name}");
    }
}

#[test]
fn a_crashed_test_has_what_was_known_before() {
    let after =
        |name: &&str| name.ends_with("_after") || ["duration_s", "concurrent_tests"].contains(name);
    let mut record = test_record();
    record.insert("outcome".to_owned(), json!("crashed"));
    // A crashed record may have all fields: `cargo resmon` saw the end of the process.
    assert_eq!(faults(&record), [""; 0]);
    record.insert("signal".to_owned(), json!(11));
    assert_eq!(faults(&record), [""; 0]);
    record.remove("duration_s");
    assert_eq!(faults(&record).len(), 6);
    record.retain(|name, _| !after(&name.as_str()));
    assert_eq!(faults(&record), [""; 0]);
    record.remove("cpu_before");
    assert_eq!(faults(&record).len(), 1);
}

#[test]
fn a_wrong_value_is_a_fault() {
    for (name, value) in [
        ("batch_num", json!(0)),
        ("batch_num", json!(1.0)),
        ("batch_num", json!("1")),
        ("cpu_after", json!(100.1)),
        ("cpu_before", json!(null)),
        ("duration_s", json!(-0.1)),
        ("mem_available_before", json!(-1)),
        ("disk_free_after", json!(1.5)),
        ("gh_sha", json!(null)),
        ("run_id", json!("")),
        ("outcome", json!("ok")),
        ("test_nodeid", json!("__session__")),
        ("test_nodeid", json!("tests\\a.rs::t")),
        ("test_nodeid", json!("/tests/a.rs::t")),
        ("event_type", json!("session_start")),
        ("exit_status", json!(0)),
        ("signal", json!(9)),
        ("surprise", json!(0)),
    ] {
        let mut record = test_record();
        record.insert(name.to_owned(), value);
        assert!(!faults(&record).is_empty(), "{name}");
    }
}

#[test]
fn timestamps_have_one_form() {
    assert_eq!(milliseconds("2026-02-28T23:59:59.999+00:00"), Some(1_772_323_199_999));
    for text in [
        "2026-02-28T23:59:59.999Z",
        "2026-02-28 23:59:59.999+00:00",
        "2026-02-28T23:59:59+00:00",
        "2026-02-28T23:59:59.999999+00:00",
        "2026-02-28T23:59:59.999+01:00",
        "2026-13-28T23:59:59.999+00:00",
        "1970-01-01T00:00:00.000+00:00",
        "2099-01-01T00:00:00.000+00:00",
    ] {
        assert_eq!(milliseconds(text), None, "{text}");
    }
}

#[test]
#[should_panic(expected = "torn")]
fn a_line_without_its_end_is_torn() {
    Records::parse("{\"event_type\":\"te");
}

#[test]
#[should_panic(expected = "`batch_num` is there twice")]
fn a_key_given_twice_is_a_fault() {
    let line = serde_json::to_string(&test_record()).expect("plain data");
    Records::parse(&format!("{{\"batch_num\":1,{}\n", &line[1..]));
}

#[test]
fn the_server_answers_as_told_and_keeps_the_requests() {
    let server = Server::in_turn([Answer::status(503).with("Retry-After", &2)]);
    let mut client = TcpStream::connect(&server.url()["http://".len()..]).expect("it listens");
    let mut ask = |body: &str| {
        let length = body.len();
        write!(client, "POST /x?y=z HTTP/1.1\r\ncontent-length: {length}\r\n\r\n{body}")
            .expect("open");
        let mut answer = [0; 4096];
        let count = client.read(&mut answer).expect("open");
        String::from_utf8_lossy(&answer[..count]).into_owned()
    };
    let first = ask("one");
    assert!(first.starts_with("HTTP/1.1 503 ") && first.contains("Retry-After: 2\r\n"), "{first}");
    let second = ask("");
    assert!(second.starts_with("HTTP/1.1 202 "), "{second}");
    let requests = server.wait_for(2);
    assert_eq!((requests[0].target.as_str(), requests[0].body.as_str()), ("/x?y=z", "one"));
    assert_eq!((requests[1].connection, server.connections()), (0, 1));
}

#[test]
fn the_server_can_reset_and_close() {
    for (answer, kind) in [(Answer::Close, None), (Answer::Reset, Some("ConnectionReset"))] {
        let server = Server::always(answer);
        let mut client = TcpStream::connect(&server.url()["http://".len()..]).expect("it listens");
        client.write_all(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab").expect("open");
        let end = client.read(&mut [0; 64]);
        assert_eq!(end.as_ref().err().map(|error| format!("{:?}", error.kind())).as_deref(), kind);
        assert!(kind.is_some() || matches!(end, Ok(0)), "{end:?}");
        assert_eq!(server.requests()[0].body, "ab");
    }
}

mod suite {
    #[test]
    fn waits_at_the_gate() {
        super::support::gate::pass("SUITE_GATE");
    }
}

#[test]
fn the_gate_holds_a_test_until_it_is_opened() {
    let gate = Gate::closed();
    let running = Run::own_tests("suite::").env("SUITE_GATE", gate.address()).start();
    drop(gate.wait_for(1));
    let finished = running.finish().exits(0);
    assert_eq!(finished.counts().passed, 1);
    assert!(finished.is_quiet() && finished.warnings().is_empty());
}
