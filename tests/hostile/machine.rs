//! A machine whose `/proc` is hidden.

use std::fs;

use crate::{Case, Mode, after, lacking, support::Run};

#[resmon::test]
#[ignore = "hostile"]
fn reads_nothing() {}

/// Fields that are read from `/proc`.
const FROM_PROC: [&str; 10] = [
    "cpu_before",
    "cpu_after",
    "cpu_count",
    "mem_total_bytes",
    "mem_available_before",
    "mem_available_after",
    "mem_percent_before",
    "mem_percent_after",
    "mem_limit_bytes",
    "cpu_model",
];

#[test]
fn without_proc_its_fields_are_left_out() {
    const HIDE: &str = "mount -t tmpfs none /proc &&";
    let may = Run::new("unshare").args(["--mount", "sh", "-c", &format!("{HIDE} true")]).finish();
    if may.code != Some(0) {
        println!("skipped: /proc cannot be hidden: {}", may.stderr);
        return;
    }
    let inner = format!("{HIDE} exec \"$0\" \"$@\"");
    let prefix = format!("exec unshare --mount sh -c '{inner}' \"$0\" \"$@\";");
    after(&prefix, "machine::reads_nothing", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        let records = lacking(&ndjson(case), &FROM_PROC);
        let events: Vec<_> = records.iter().map(|record| &record["event_type"]).collect();
        assert_eq!(events, ["session_start", "test", "session_end"]);
        assert_eq!(records[1]["outcome"], "passed");
        assert_eq!(records[2]["exit_status"], 0);
        for field in FROM_PROC.iter().filter(|field| **field != "cpu_count") {
            assert!(records.iter().all(|record| !record.contains_key(*field)), "{field}");
        }
        // Without `/proc`, other threads cannot be seen, and storage I/O is unknown. Only the runner's variables say
        // that the process runs a single test.
        let scope = if case.mode == Mode::ProcessPerTest { "process" } else { "thread" };
        assert_eq!(records[1]["cpu_scope"], scope);
        assert!(!["io_read_bytes", "io_write_bytes"].iter().any(|io| records[1].contains_key(*io)));
    });
}

fn ndjson(case: &Case) -> String {
    match case.mode {
        Mode::File => fs::read_to_string(case.file()).expect("written"),
        Mode::Tinybird | Mode::ProcessPerTest => {
            case.server.requests().iter().map(|r| r.body.as_str()).collect()
        }
    }
}
