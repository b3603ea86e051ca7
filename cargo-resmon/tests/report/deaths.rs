//! The report on what SIGKILL ended, on full disks and on the build.

use std::fs;

use serde_json::{Value, json};

use crate::command::{Finish, report};
use crate::records::{Records, killed, timestamp};

fn document(records: &Records) -> Value {
    let printed = report(&records.write()).arg("--json").finish().printed();
    serde_json::from_str(&printed).unwrap()
}

/// Returns the texts of the advice of a kind.
fn advice(records: &Records, kind: &str) -> Vec<String> {
    let document = document(records);
    let advice = document["advice"].as_array().unwrap().iter();
    let texts = advice.filter(|advice| advice["kind"] == kind).map(|advice| &advice["text"]);
    texts.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Builds a run in which SIGKILL ended a test. `cause` has what the kernel's counters told.
fn run(cause: Option<Value>) -> Records {
    let mut records = Records::new();
    records.crash("tests/api.rs::dies", 2.0, 9);
    let at = timestamp(records.after(2.0));
    if let Some(mut kill) = cause {
        kill["timestamp"] = at.into();
        kill["tests"] = json!(["tests/api.rs::dies"]);
        kill["attempt"] = 1.into();
        records.local("kill", kill);
    }
    records.end(3.0, 101);
    records
}

#[test]
fn it_is_only_said_what_the_counters_tell() {
    let others = "; a timeout, a cancelled job, a limit of CPU time or another process did it";
    let killers = "ended by SIGKILL: the system does that to a process when memory runs out, and so does a timeout or a cancelled job";
    for (cause, verdict, text) in [
        (
            Some(json!({ "kernel_kills": 1, "machine_kills": 1, "limit_reached_bytes": 2_i64 << 30 })),
            Some("out_of_memory"),
            "killed by the kernel: the memory limit of 2 GiB for the control group (the container) was reached while it ran: fewer tests at once need less, or raise the limit".to_owned(),
        ),
        (
            Some(json!({ "kernel_kills": 1, "machine_kills": 1 })),
            Some("out_of_memory"),
            "killed by the kernel: the machine's memory, or that of a control group around this one, ran out while it ran: fewer tests at once need less".to_owned(),
        ),
        (
            Some(json!({ "kernel_kills": 0, "machine_kills": 0 })),
            Some("other"),
            format!("ended by SIGKILL, but not for lack of memory: the kernel killed no process of its control group for that{others}"),
        ),
        (
            Some(json!({ "kernel_kills": 0 })),
            Some("other"),
            format!("ended by SIGKILL, but not for lack of memory: the kernel killed no process of its control group for that{others}"),
        ),
        (
            Some(json!({ "machine_kills": 0 })),
            Some("other"),
            format!("ended by SIGKILL, but not for lack of memory: the kernel killed no process of this machine for that{others}"),
        ),
        (
            Some(json!({ "kernel_kills": 0, "machine_kills": 2 })),
            Some("unknown"),
            "ended by SIGKILL: at that time the kernel killed 2 processes of this machine for lack of memory, none of them in the control group of the run; whether this is one of them is not known".to_owned(),
        ),
        (
            Some(json!({ "machine_kills": 1 })),
            Some("unknown"),
            "ended by SIGKILL: at that time the kernel killed 1 process of this machine for lack of memory; whether this is one of them is not known".to_owned(),
        ),
        (
            Some(json!({})),
            Some("unknown"),
            format!("{killers}; the system has no counter that tells which"),
        ),
        // Nobody watched.
        (None, None, killers.to_owned()),
    ] {
        let records = run(cause.clone());
        let document = document(&records);
        let deaths: Vec<_> = document["deaths"].as_array().unwrap().iter().collect();
        let verdicts: Vec<_> = deaths.iter().filter_map(|death| death["verdict"].as_str()).collect();
        assert_eq!(verdicts, Vec::from_iter(verdict), "{cause:?}");
        assert_eq!(advice(&records, "killed"), [text], "{cause:?}");
    }
}

#[test]
fn more_deaths_than_the_kernel_counts_leave_open_which_were_its() {
    let mut records = run(Some(json!({ "kernel_kills": 1, "limit_reached_bytes": 2_i64 << 30 })));
    records.crash("tests/api.rs::too", 2.5, 9);
    let at = timestamp(records.after(2.5));
    let kill = json!({ "timestamp": at, "tests": ["tests/api.rs::too"], "kernel_kills": 1 });
    records.local("kill", kill);
    let document = document(&records);
    assert_eq!(document["deaths"][0]["verdict"], "unknown");
    let advice = advice(&records, "killed");
    let wanted = "ended by SIGKILL, as 2 processes were at that time, and the kernel killed 1 of them: the memory limit of 2 GiB ";
    assert!(advice[0].starts_with(wanted), "{advice:#?}");
}

#[test]
fn two_that_the_kernel_killed_together_are_both_its() {
    let mut records = run(Some(json!({ "kernel_kills": 1 })));
    records.crash("tests/api.rs::too", 3.0, 9);
    let at = timestamp(records.after(3.0));
    let kill = json!({ "timestamp": at, "tests": ["tests/api.rs::too"], "kernel_kills": 2 });
    records.local("kill", kill);
    let document = document(&records);
    assert_eq!(document["deaths"][0]["verdict"], "out_of_memory");
    assert_eq!(document["deaths"][1]["verdict"], "out_of_memory");
}

#[test]
fn a_command_that_was_killed_is_told() {
    let mut records = Records::new();
    records.test("src/lib.rs::passes", 1.0, 0.5, json!({}));
    records.local("kill", json!({ "command": "cargo test", "kernel_kills": 0 }));
    records.end(2.0, 137);
    let advice = advice(&records, "killed");
    let wanted = "cargo test was ended by SIGKILL, but not for lack of memory: ";
    assert!(advice.len() == 1 && advice[0].starts_with(wanted), "{advice:#?}");
    let printed = report(&records.write()).finish().printed();
    let line = "\nWhy it died\n  cargo test  killed by SIGKILL, not for lack of memory\n";
    assert!(printed.contains(line), "{printed}");
}

#[test]
fn where_nothing_died_nothing_is_said() {
    let mut records = Records::new();
    records.test("src/lib.rs::passes", 1.0, 0.5, json!({}));
    records.local(
        "resources",
        json!({
            "kernel_kills": 0, "mem_limit_bytes": 1 << 30, "disks": [
                { "path": "/large", "total_bytes": 100_i64 << 30, "free_min": 1_i64 << 30 },
                { "path": "/small", "total_bytes": 256 << 10, "free_min": 64 << 10 },
            ],
        }),
    );
    records.end(2.0, 0);
    let document = document(&records);
    assert_eq!((&document["deaths"], &document["build"]), (&json!([]), &Value::Null));
    assert_eq!(document["resources"]["mem_limit_bytes"], 1 << 30);
    for form in [None, Some("--markdown")] {
        let printed = report(&records.write()).args(form).finish().printed();
        assert!(!printed.contains("died") && !printed.contains("Build"), "{printed}");
    }
}

#[test]
fn the_page_has_both_sections_and_escapes_names() {
    let mut records = killed();
    let tests = json!(["src/lib.rs::<i>&</i>"]);
    let at = timestamp(records.after(30.0));
    records.local("kill", json!({ "timestamp": at, "tests": tests, "kernel_kills": 0 }));
    let page = records.path("report.html");
    report(&records.write()).arg("--html").arg(&page).finish();
    let html = fs::read_to_string(page).unwrap();
    for text in [
        "<h2 id=\"deaths-title\">Why it died</h2>",
        "killed by the kernel: memory limit of 2&nbsp;GiB reached",
        "&lt;i&gt;&amp;",
        "<h2 id=\"build-title\">Build</h2>",
        "linker of shop",
    ] {
        let html = html.replace('\u{a0}', "&nbsp;");
        assert!(html.contains(text), "{text}");
    }
}

#[test]
fn a_copy_that_is_read_twice_tells_a_build_once() {
    let records = killed();
    let mut twice = Records::empty();
    for line in records.lines().lines().chain(records.lines().lines()) {
        twice.line(line);
    }
    let once = document(&records);
    let again = document(&twice);
    assert_eq!(once["build"], again["build"]);
    assert_eq!(once["deaths"], again["deaths"]);
    assert_eq!(once["resources"], again["resources"]);
}
