//! Files with invalid content, and records that lack fields.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::command::{Finish, report};
use crate::records::{Records, timestamp};

#[test]
fn a_missing_file_is_named() {
    let records = Records::empty();
    let complaint = report(&records.path("none.ndjson")).finish().complaint();
    assert!(complaint.starts_with("resmon: error: cannot read "), "{complaint}");
    assert!(complaint.contains("none.ndjson"), "{complaint}");
}

#[test]
fn an_empty_file_is_called_empty() {
    let complaint = report(&Records::empty().write()).finish().complaint();
    assert!(complaint.contains("is empty: nothing has been recorded"), "{complaint}");
}

#[test]
fn files_of_other_programs_are_refused_with_the_reason() {
    let others: [(&[u8], &str); 6] = [
        (b"[package]\nname = \"x\"\n", "line 1 is not JSON"),
        (b"{\"level\":\"info\"}\n", "line 1 is not a record: missing field `event_type`"),
        (b"[1,2,3]\n", "line 1 is not a record"),
        (b"\x7fELF\x00\x01\xff\xfe", "line 1 is"),
        (b"\n\n\n", "no records of resmon"),
        (b"{\"event_type\":\"of_a_later_version\"}\n", "no records of resmon"),
    ];
    for (bytes, reason) in others {
        let complaint = report(&Records::empty().write_bytes(bytes)).finish().complaint();
        assert!(complaint.contains(reason), "{complaint}");
        assert!(!complaint.contains("panicked"), "{complaint}");
    }
}

#[test]
fn lines_that_are_no_records_are_counted_and_the_rest_is_shown() {
    let mut records = Records::new();
    records.test("src/lib.rs::before", 1.0, 1.0, json!({}));
    records.line("not a record");
    records.line(r#"{"event_type":"test","test_nodeid":"src/lib.rs::odd","duration_s":"long"}"#);
    records.test("src/lib.rs::after", 2.0, 1.0, json!({}));
    records.end(3.0, 0);
    let printed = report(&records.write()).finish().printed();
    assert!(printed.contains("\n2 tests: 2 passed\n"), "{printed}");
    assert!(
        printed.contains("2 lines of the file are left out: the first, line 3, is not JSON"),
        "{printed}"
    );
}

#[test]
fn a_torn_last_line_is_told() {
    let mut records = Records::new();
    records.test("src/lib.rs::whole", 1.0, 1.0, json!({}));
    let torn = &records.lines()[..records.lines().len() - 100];
    let kept = format!("{}{}", records.lines(), &torn[torn.rfind('\n').unwrap() + 1..]);
    let printed = report(&records.write_bytes(kept.as_bytes())).finish().printed();
    assert!(
        printed.contains("1 line of the file is left out: line 3, is cut off in the middle"),
        "{printed}"
    );
    assert!(printed.contains("\n1 test: 1 passed\n"), "{printed}");
}

#[test]
fn a_last_line_without_its_end_is_still_a_record() {
    let mut records = Records::new();
    records.test("src/lib.rs::last", 1.0, 1.0, json!({}));
    let file = records.write_bytes(records.lines().trim_end().as_bytes());
    let printed = report(&file).finish().printed();
    assert!(printed.contains("\n1 test: 1 passed\n") && !printed.contains("left out"), "{printed}");
}

#[test]
fn a_line_without_end_is_left_out() {
    let mut records = Records::new();
    records.line(&format!("{{\"event_type\":\"{}\"}}", "x".repeat(5 << 20)));
    records.test("src/lib.rs::after", 1.0, 1.0, json!({}));
    let printed = report(&records.write()).finish().printed();
    assert!(printed.contains("line 2, is longer than 1048576 bytes"), "{printed}");
    assert!(printed.contains("\n1 test: 1 passed\n"), "{printed}");
}

#[test]
fn records_that_came_twice_count_once() {
    let mut records = Records::new();
    records.test("src/lib.rs::once", 1.0, 1.0, json!({}));
    records.test("src/lib.rs::once", 1.0, 1.0, json!({ "batch_num": 2 }));
    records.test("src/lib.rs::once", 2.0, 1.0, json!({ "attempt": 2 }));
    records.end(3.0, 0);
    let document = read_json(&records.write());
    assert_eq!(document["duplicate_records"], 1);
    assert_eq!(document["tests"][0]["attempts"].as_array().unwrap().len(), 2);
}

fn read_json(file: &Path) -> Value {
    serde_json::from_str(&report(file).arg("--json").finish().printed()).unwrap()
}

#[test]
fn every_field_but_the_event_may_be_missing() {
    let mut records = Records::empty();
    records.push(&json!({ "event_type": "session_start" }));
    records.push(&json!({ "event_type": "test" }));
    records.push(&json!({ "event_type": "test", "test_nodeid": "src/lib.rs::bare" }));
    records.push(&json!({ "event_type": "session_end" }));
    let file = records.write();
    let page = records.path("page.html");
    for form in [None, Some("--json"), Some("--markdown")] {
        let printed = report(&file).args(form).finish().printed();
        assert!(printed.contains("2 tests") || printed.contains("\"tests\":2"), "{printed}");
        assert!(!printed.contains("NaN"), "{printed}");
    }
    report(&file).arg("--html").arg(&page).finish().printed();
    assert!(fs::read_to_string(page).unwrap().contains("src/lib.rs::bare"));
}

#[test]
fn figures_that_cannot_be_are_left_out() {
    let mut records = Records::new();
    records.test(
        "src/lib.rs::odd",
        1.0,
        -5.0,
        json!({ "cpu_user_s": 1e300, "cpu_system_s": -1.0, "cpu_after": 4000.0, "rss_peak": -1,
            "rss_before": i64::MIN, "rss_after": i64::MAX, "attempt": i32::MIN,
            "mem_available_min": i64::MIN, "concurrent_tests": i64::MIN, "signal": i32::MIN }),
    );
    records.push(&json!({ "event_type": "session_end", "run_id": "run-1",
        "records_dropped": i64::MAX, "exit_status": i32::MIN, "mem_total_bytes": -1 }));
    let file = records.write();
    let document = read_json(&file);
    for field in ["duration_s", "cpu_s", "rss_peak", "rss_growth"] {
        assert_eq!(document["tests"][0][field], Value::Null, "{field}");
    }
    for form in ["--markdown", "--json"] {
        report(&file).arg(form).finish().printed();
    }
    report(&file).arg("--html").arg(records.path("page.html")).finish().printed();
    report(&file).finish().printed();
}

#[test]
fn the_ends_of_time_are_survived() {
    let mut records = Records::new();
    for time in ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00Z", "1970-01-01T00:00:00Z"] {
        let id = format!("src/lib.rs::at_{time}");
        records.push(&json!({ "event_type": "test", "test_nodeid": id, "run_id": "run-1",
            "timestamp": time, "duration_s": 999_999_999.0, "cpu_after": 5.0 }));
    }
    let file = records.write();
    let printed = report(&file).finish().printed();
    assert!(printed.contains("\n3 tests"), "{printed}");
    report(&file).arg("--html").arg(records.path("page.html")).finish().printed();
}

#[test]
fn the_newest_run_of_a_file_is_shown_wherever_it_stands() {
    let mut records = Records::empty();
    records.begin("old");
    records.test("src/lib.rs::old", 1.0, 1.0, json!({}));
    let old = records.lines().to_owned();
    let mut records = Records::empty();
    records.begin("older");
    records.begin("new");
    records.test("src/lib.rs::new", 1.0, 1.0, json!({}));
    let new_first = format!("{}{old}", records.lines());
    let document = read_json(&records.write_bytes(new_first.as_bytes()));
    assert_eq!(document["run"]["id"], "new");
    assert_eq!(document["tests"].as_array().unwrap().len(), 1);
    assert_eq!(document["earlier_runs"].as_array().unwrap().len(), 2);
}

#[test]
fn of_very_many_runs_the_newest_are_kept() {
    let mut records = Records::empty();
    for run in 0..200 {
        records.begin(&format!("run-{run}"));
        records.test("src/lib.rs::same", 1.0, 1.0, json!({}));
    }
    let document = read_json(&records.write());
    assert_eq!(document["run"]["id"], "run-199");
    let earlier: Vec<_> =
        document["earlier_runs"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
    assert_eq!(earlier.len(), 20);
    assert_eq!(*earlier[0], "run-198");
    assert_eq!(*earlier[19], "run-179");
}

#[test]
fn sessions_of_a_run_in_several_processes_are_one_run() {
    let mut records = Records::empty();
    for process in 0..3 {
        for event in ["session_start", "test", "session_end"] {
            records.push(&json!({ "event_type": event, "run_id": "one", "package": "shop",
                "test_nodeid": format!("tests/{process}.rs::works"), "outcome": "passed",
                "session_id": format!("process-{process}"), "duration_s": 0.5,
                "timestamp": timestamp(1_795_500_000_000 + process * 1000),
                "exit_status": i32::from(process == 1) * 101 }));
        }
    }
    let document = read_json(&records.write());
    assert_eq!(document["run"]["sessions_started"], 3);
    assert_eq!(document["run"]["sessions_ended"], 3);
    assert_eq!(document["run"]["exit_status"], 101);
    assert_eq!(document["totals"]["passed"], 3);
}
