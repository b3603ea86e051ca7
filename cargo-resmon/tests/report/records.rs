//! Builds files of records.

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// Start of the first run of a file, in milliseconds since 1970.
const START: i64 = 1_795_500_000_000;

/// A file of records in a folder of its own.
#[derive(Debug)]
pub(crate) struct Records {
    folder: TempDir,
    lines: String,
    run: String,
    /// Start of the current run, in milliseconds since 1970.
    start: i64,
}

/// Formats milliseconds since 1970 as a record's timestamp.
pub(crate) fn timestamp(millis: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(millis).unwrap();
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string()
}

impl Records {
    /// Creates a file without lines.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, lines: String::new(), run: "run-0".to_owned(), start: START }
    }

    /// Creates a file with the start of a run.
    pub(crate) fn new() -> Self {
        let mut records = Self::empty();
        records.begin("run-1");
        records
    }

    /// Begins a run one hour after the previous one.
    pub(crate) fn begin(&mut self, run: &str) {
        run.clone_into(&mut self.run);
        self.start += 3_600_000;
        let mut start = self.machine("session_start");
        start["timestamp"] = timestamp(self.start).into();
        for (name, value) in [
            ("os", "linux"),
            ("arch", "x86_64"),
            ("cpu_model", "Some CPU"),
            ("hostname", "machine"),
        ] {
            start[name] = value.into();
        }
        self.push(&start);
    }

    /// Ends the run, `seconds` after its start.
    pub(crate) fn end(&mut self, seconds: f64, status: i32) {
        let mut end = self.machine("session_end");
        end["timestamp"] = timestamp(self.after(seconds)).into();
        end["exit_status"] = status.into();
        self.push(&end);
    }

    fn machine(&self, event: &str) -> Value {
        json!({
            "event_type": event,
            "test_nodeid": "__session__",
            "session_id": self.run,
            "run_id": self.run,
            "package": "shop",
            "cpu_count": 4,
            "cpu_limit": 2.0,
            "mem_total_bytes": 16_i64 << 30,
            "mem_limit_bytes": 4_i64 << 30,
            "disk_total_bytes": 100_i64 << 30,
        })
    }

    #[allow(clippy::cast_possible_truncation, reason = "a few seconds")]
    pub(crate) fn after(&self, seconds: f64) -> i64 {
        self.start + (seconds * 1000.0) as i64
    }

    /// Adds a passed test that ends `at` seconds after the run's start and took `seconds`; `more` overrides fields.
    #[allow(clippy::needless_pass_by_value, reason = "so that `json!` can be written at the call")]
    pub(crate) fn test(&mut self, id: &str, at: f64, seconds: f64, more: Value) {
        let mut test = json!({
            "event_type": "test",
            "test_nodeid": id,
            "timestamp": timestamp(self.after(at)),
            "batch_num": 1,
            "session_id": self.run,
            "run_id": self.run,
            "package": "shop",
            "outcome": "passed",
            "attempt": 1,
            "concurrent_tests": 1,
            "duration_s": seconds,
            "cpu_before": 50.0,
            "cpu_after": 60.0,
            "mem_available_before": 10_i64 << 30,
            "mem_available_after": 9_i64 << 30,
            "mem_percent_before": 37.5,
            "mem_percent_after": 43.75,
            "disk_free_before": 50_i64 << 30,
            "disk_free_after": 50_i64 << 30,
            "disk_percent_before": 50.0,
            "disk_percent_after": 50.0,
            "cpu_user_s": seconds * 0.5,
            "cpu_system_s": seconds * 0.1,
            "cpu_scope": "process",
            "rss_before": 10 << 20,
            "rss_after": 12 << 20,
            "rss_peak": 20 << 20,
            "mem_available_min": 9_i64 << 30,
        });
        merge(test.as_object_mut().unwrap(), more);
        self.push(&test);
    }

    /// Adds a passed test binary that ends `at` seconds after the run's start and took `seconds`; `more` overrides
    /// fields.
    #[allow(clippy::needless_pass_by_value, reason = "so that `json!` can be written at the call")]
    pub(crate) fn binary(&mut self, target: &str, at: f64, seconds: f64, more: Value) {
        let mut binary = json!({
            "event_type": "process",
            "test_nodeid": "__process__",
            "timestamp": timestamp(self.after(at)),
            "session_id": self.run,
            "run_id": self.run,
            "executable": format!("/w/target/debug/deps/{target}-0123456789abcdef"),
            "package": "shop",
            "exit_status": 0,
            "tests": 0,
            "tests_bad": 0,
            "duration_s": seconds,
            "cpu_before": 50.0,
            "cpu_after": 60.0,
            "cpu_user_s": seconds * 0.5,
            "cpu_system_s": seconds * 0.1,
            "cpu_scope": "process",
            "rss_peak": 64 << 20,
            "io_read_bytes": 0,
            "io_write_bytes": 4096,
        });
        merge(binary.as_object_mut().unwrap(), more);
        self.push(&binary);
    }

    /// Adds a test whose process died.
    pub(crate) fn crash(&mut self, id: &str, at: f64, signal: i32) {
        self.push(&json!({
            "event_type": "test",
            "test_nodeid": id,
            "timestamp": timestamp(self.after(at)),
            "session_id": self.run,
            "run_id": self.run,
            "outcome": "crashed",
            "signal": signal,
            "cpu_before": 50.0,
        }));
    }

    /// Adds a record that only the copy of a run has.
    #[allow(clippy::needless_pass_by_value, reason = "so that `json!` can be written at the call")]
    pub(crate) fn local(&mut self, event: &str, more: Value) {
        let mut record = json!({
            "event_type": event,
            "test_nodeid": format!("__{event}__"),
            "session_id": self.run,
            "run_id": self.run,
        });
        merge(record.as_object_mut().unwrap(), more);
        self.push(&record);
    }

    pub(crate) fn push(&mut self, record: &Value) {
        self.line(&record.to_string());
    }

    pub(crate) fn line(&mut self, line: &str) {
        self.lines.push_str(line);
        self.lines.push('\n');
    }

    /// Returns the lines so far.
    pub(crate) fn lines(&self) -> &str {
        &self.lines
    }

    /// Writes the file. Returns its path.
    pub(crate) fn write(&self) -> PathBuf {
        self.write_bytes(self.lines.as_bytes())
    }

    /// Writes these bytes into the file. Returns its path.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> PathBuf {
        let path = self.path("records.ndjson");
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Returns a path in the folder of the file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Sets fields of a record. `null` removes a field.
fn merge(record: &mut Map<String, Value>, more: Value) {
    let Value::Object(more) = more else { return };
    for (name, value) in more {
        if value.is_null() {
            record.remove(&name);
        } else {
            record.insert(name, value);
        }
    }
}

/// Builds three runs of ten tests. The last run has a crash, a failure, a retry, and a test that uses most of the
/// memory.
pub(crate) fn eventful() -> Records {
    let mut records = Records::empty();
    for run in 1..=3 {
        records.begin(&format!("run-{run}"));
        for number in 0..6 {
            let at = f64::from(number) + 1.0;
            records.test(&format!("src/lib.rs::tests::short_{number}"), at, 0.05, json!({}));
        }
        let slow = if run == 3 { 4.0 } else { 1.0 };
        records.test("tests/api.rs::slow", 6.0, slow, json!({}));
        let hungry = json!({ "rss_peak": 3_i64 << 30, "rss_after": 1_i64 << 30 });
        records.test("tests/api.rs::hungry", 7.0, 0.5, hungry);
        if run == 3 {
            for (attempt, outcome) in [(1, "failed"), (2, "failed"), (3, "passed")] {
                let more = json!({ "attempt": attempt, "outcome": outcome });
                records.test("tests/api.rs::flaky", 7.0 + f64::from(attempt), 0.8, more);
            }
            let failed =
                json!({ "outcome": "failed", "cpu_scope": "thread", "concurrent_tests": 3 });
            records.test("tests/api.rs::broken", 9.0, 0.3, failed);
            records.crash("tests/api.rs::overflows", 9.5, 11);
        }
        records.end(11.0, if run == 3 { 101 } else { 0 });
    }
    records
}

/// Builds a run of test binaries of two packages: one has the attribute, one failed, and one was killed.
pub(crate) fn of_binaries() -> Records {
    let mut records = Records::new();
    records.test("tests/api.rs::passes", 3.0, 0.5, json!({}));
    let api = json!({ "source": "tests/api.rs", "tests": 1 });
    records.binary("api", 3.1, 0.6, api);
    records.binary("shop", 4.0, 0.25, json!({ "source": "src/lib.rs" }));
    let failed = json!({ "source": "tests/orders.rs", "exit_status": 101, "rss_peak": null });
    records.binary("orders", 6.0, 2.0, failed);
    let killed = json!({ "package": "store", "exit_status": null, "signal": 9,
        "rss_peak": 3_i64 << 30 });
    records.binary("store", 9.0, 1.5, killed);
    records.end(9.5, 101);
    records
}

/// Builds a run whose copy tells of its build, its memory and its disks: the kernel killed a test binary at the limit of
/// the control group, and something else a test under nextest.
pub(crate) fn killed() -> Records {
    let mut records = Records::new();
    let at = |seconds| records.after(seconds);
    let (built, died, ended) = (timestamp(at(12.5)), timestamp(at(16.0)), timestamp(at(20.0)));
    records.local("build", json!({
        "timestamp": built, "duration_s": 12.5, "mem_peak_bytes": 3_i64 << 30, "processes_max": 9,
        "largest": "linker of shop", "largest_bytes": 5_i64 << 28, "disk_free_before": 40_i64 << 30,
        "disk_free_min": 37_i64 << 30, "disk_free_after": 38_i64 << 30, "kernel_kills": 0,
        "machine_kills": 0,
    }));
    records.test("tests/api.rs::beside", 17.0, 4.0, json!({}));
    records.crash("tests/api.rs::hungry", 14.0, 9);
    records.crash("tests/api.rs::hungry_too", 14.5, 9);
    let killed = json!({ "exit_status": null, "signal": 9, "rss_peak": 13_i64 << 27, "tests": 2,
        "tests_bad": 2, "source": "tests/api.rs" });
    records.binary("api", 16.0, 3.0, killed);
    records.local(
        "kill",
        json!({
            "timestamp": died, "executable": "/w/target/debug/deps/api-0123456789abcdef",
            "tests": ["tests/api.rs::hungry", "tests/api.rs::hungry_too"], "kernel_kills": 1,
            "machine_kills": 1, "limit_reached_bytes": 2_i64 << 30,
        }),
    );
    records.crash("tests/slow.rs::hangs", 20.0, 9);
    records.local("kill", json!({
        "timestamp": ended, "tests": ["tests/slow.rs::hangs"], "kernel_kills": 0, "machine_kills": 0,
    }));
    records.local("resources", json!({
        "timestamp": ended, "kernel_kills": 1, "machine_kills": 1, "limit_reached_bytes": 2_i64 << 30,
        "mem_limit_bytes": 2_i64 << 30, "mem_peak_bytes": 2_i64 << 30, "mem_stalled_s": 3.25,
        "mem_available_min": 9_i64 << 30, "swap_total_bytes": 0, "swap_free_min": 0,
        "disks": [
            { "path": "/w/target", "total_bytes": 100_i64 << 30, "free_min": 37_i64 << 30 },
            { "path": "/tmp", "total_bytes": 1_i64 << 30, "free_min": 0 },
        ],
    }));
    records.end(21.0, 101);
    records
}
