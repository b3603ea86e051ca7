use serde_json::{Map, Value, json};

use super::*;

type Fields = Map<String, Value>;

fn parsed<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn ended(mut value: Value) -> Ended {
    value["child"] = "u".into();
    parsed(value)
}

/// Returns the fields of the records of a nextest process that ended like this. `inside` has the records from inside,
/// each with its process.
fn made(end: Option<Value>, inside: &[(u64, Value)]) -> Vec<Fields> {
    made_of(end, inside, false)
}

fn made_of(end: Option<Value>, inside: &[(u64, Value)], may_lack_lines: bool) -> Vec<Fields> {
    let began = json!({
        "child": "u", "shim": 1, "test_name": "m::t", "binary_id": "p::api", "manifest_dir": "/w/p",
        "package": "p", "attempt": 1, "cpu_before": 9.0, "timestamp": at(1),
    });
    let mut child = Child::new(parsed(began), 0..1);
    for (pid, record) in inside {
        let source = Source { child: "u".into(), pid: *pid, session: format!("s-{pid}") };
        assert!(child.take(source.clone(), Event::SessionStart, 1..2).is_none());
        let test = Event::Test(parsed(record.clone()));
        assert!(child.take(source.clone(), test, 2..3).is_none());
        assert!(child.take(source, Event::SessionEnd { rss_peak: None }, 3..4).is_none());
    }
    if let Some(end) = end {
        child.end(ended(end), 4..5);
        assert!(child.is_done());
    }
    let mut made = Vec::new();
    child.make(&Sources::default(), may_lack_lines, &mut made);
    let records = made.into_iter().filter_map(|made| match made {
        Made::Test(test) => Some(test.fields()),
        Made::Process(process) => panic!("{process:?}"),
        Made::Killed(killed) => {
            assert_eq!((killed.tests.len(), killed.attempt), (1, Some(1)));
            None
        }
        Made::Done(places) => {
            assert!(places.contains(&(0..1)));
            None
        }
    });
    records.collect()
}

/// Returns a timestamp.
fn at(second: u8) -> String {
    format!("2026-01-01T00:00:0{second}.000+00:00")
}

fn record(outcome: &str) -> Value {
    json!({
        "event_type": "test", "test_nodeid": "tests/api.rs::m::t", "outcome": outcome, "attempt": 1,
        "duration_s": 0.5, "cpu_before": 1.0, "cpu_after": 2.0, "timestamp": at(2),
    })
}

#[test]
fn the_process_has_a_say_in_the_outcome() {
    for (inside, end, outcome) in [
        (Some("passed"), json!({"exit_code": 0}), "passed"),
        (Some("passed"), json!({"exit_code": 1}), "failed"),
        (Some("unknown"), json!({"exit_code": 0}), "passed"),
        (Some("unknown"), json!({"exit_code": 101}), "failed"),
        (Some("failed"), json!({"exit_code": 0}), "failed"),
        (Some("unfinished"), json!({"exit_code": 0}), "unfinished"),
        (Some("passed"), json!({"signal": 11}), "crashed"),
        (None, json!({"exit_code": 0}), "passed"),
        (None, json!({"exit_code": 101}), "failed"),
        (None, json!({"signal": 9}), "crashed"),
    ] {
        let mut end = end;
        end["pid"] = json!(7);
        let inside: Vec<_> = inside.map(|outcome| (7, record(outcome))).into_iter().collect();
        let made = made(Some(end), &inside);
        assert_eq!(made.len(), 1);
        assert_eq!(made[0]["outcome"], outcome, "{inside:?}");
    }
}

#[test]
fn one_record_has_what_both_know() {
    let ended = json!({
        "pid": 7, "exit_code": 0, "timestamp": at(3), "duration_s": 0.6, "cpu_after": 8.0,
        "cpu_user_s": 0.1, "rss_peak": 5, "mem_available_after": 4,
    });
    let made = made(Some(ended), &[(7, record("passed"))]);
    let wanted = json!({
        "event_type": "test", "test_nodeid": "tests/api.rs::m::t", "outcome": "passed", "attempt": 1,
        "duration_s": 0.5, "cpu_before": 9.0, "cpu_after": 2.0, "timestamp": at(2),
        "mem_available_after": 4, "cpu_user_s": 0.1, "rss_peak": 5,
    });
    assert_eq!(made, [parsed::<Fields>(wanted)]);
}

#[test]
fn the_record_is_that_of_the_process_itself() {
    let end = |pid| Some(json!({"pid": pid, "exit_code": 0, "cpu_user_s": 0.1}));
    let measured = |made: &[Fields]| {
        let count = made.iter().filter(|fields| fields.contains_key("cpu_user_s")).count();
        (made.len(), count)
    };
    let two = [(8, record("passed")), (7, record("passed"))];
    assert_eq!(measured(&made(end(7), &two)), (1, 1));
    // A runner that was configured already started it.
    assert_eq!(measured(&made(end(6), &two[..1])), (1, 1));
    // It tried again until the test passed.
    let made = made(end(6), &[(8, record("failed")), (9, record("passed"))]);
    assert_eq!(measured(&made), (1, 1));
    assert_eq!(made[0]["outcome"], "passed");
}

#[test]
fn a_process_that_was_killed_with_its_shim_has_crashed() {
    let made = made(None, &[]);
    assert_eq!(made[0]["outcome"], "crashed");
    assert!(!made[0].contains_key("duration_s") && made[0].contains_key("cpu_before"));
}

#[test]
fn where_lines_may_be_missing_nothing_has_crashed() {
    assert_eq!(made_of(None, &[], true)[0]["outcome"], "unknown");
    assert_eq!(made_of(None, &[(7, record("passed"))], true)[0]["outcome"], "passed");
    assert_eq!(made_of(None, &[(7, record("passed"))], false)[0]["outcome"], "crashed");
}

#[test]
fn a_test_binary_tells_how_many_tests_it_recorded() {
    let began =
        json!({"child": "u", "shim": 1, "executable": "/t/debug/deps/api-0", "package": "p"});
    let mut child = Child::new(parsed(began), 0..1);
    for outcome in ["passed", "failed", "crashed", "unknown", "unfinished"] {
        let source = Source { child: "u".into(), pid: 7, session: "s-7".into() };
        child.take(source, Event::Test(parsed(record(outcome))), 1..2);
    }
    let source = Source { child: "u".into(), pid: 7, session: "s-7".into() };
    child.take(source, Event::SessionEnd { rss_peak: Some(9) }, 2..3);
    let end = json!({"pid": 7, "signal": 6, "duration_s": 1.5, "rss_peak": 5});
    child.end(ended(end), 3..4);
    let mut made = Vec::new();
    child.make(&Sources::default(), false, &mut made);
    let Some(Made::Process(process)) = made.first() else { panic!("{made:?}") };
    let wanted = json!({
        "event_type": "process", "test_nodeid": "__process__", "executable": "/t/debug/deps/api-0",
        "tests": 5, "tests_bad": 3, "package": "p", "duration_s": 1.5, "signal": 6,
        "rss_peak": 9,
    });
    assert_eq!(process.fields(), parsed::<Fields>(wanted));
}

#[test]
fn what_sigkill_ended_is_told_with_the_tests_that_were_open() {
    let killed = |signal| {
        let began =
            json!({"child": "u", "shim": 1, "executable": "/t/debug/deps/api-0", "package": "p"});
        let mut child = Child::new(parsed(began), 0..1);
        for (id, outcome) in [("a", "passed"), ("b", "crashed"), ("c", "crashed")] {
            let source = Source { child: "u".into(), pid: 7, session: "s-7".into() };
            let record = json!({"test_nodeid": id, "outcome": outcome});
            child.take(source, Event::Test(parsed(record)), 1..2);
        }
        child.end(ended(json!({"pid": 7, "signal": signal, "timestamp": at(2)})), 2..3);
        let mut made = Vec::new();
        child.make(&Sources::default(), false, &mut made);
        made.into_iter().find_map(|made| match made {
            Made::Killed(killed) => Some(*killed),
            _ => None,
        })
    };
    let wanted = Killed {
        timestamp: at(2).parse().ok(),
        package: Some("p".to_owned()),
        executable: Some("/t/debug/deps/api-0".to_owned()),
        tests: vec!["b".to_owned(), "c".to_owned()],
        ..Killed::default()
    };
    assert_eq!(killed(9), Some(wanted));
    assert_eq!(killed(11), None);
}
