//! The table `ci_test_metrics`, written by hand from the contract and independent of resmon's code. A field that the
//! code renames, retypes, forgets or invents fails here.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::record::milliseconds;

/// A column of the table.
struct Field {
    name: &'static str,
    kind: Kind,
    /// Values of `event_type` that carry the column; other events must not.
    events: &'static [&'static str],
    /// Whether each of those records must have the column. Columns that some platforms lack are optional.
    required: bool,
    /// Whether the value is known only at the end of a test or session, so that it is missing after a crash.
    after: bool,
}

/// The type and range of a value.
enum Kind {
    /// A JSON string with any content.
    Text,
    /// A JSON string that is not blank.
    Name,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// `FILE::NAME`, or `__session__` in a session event.
    NodeId,
    /// `2025-01-15T10:30:00.123+00:00`
    Timestamp,
    /// A JSON integer in this range.
    Int(RangeInclusive<i64>),
    /// A JSON number in this range.
    Float(RangeInclusive<f64>),
}

use Kind::{Float, Int, Name, NodeId, OneOf, Text, Timestamp};

const ALL: &[&str] = &["session_start", "test", "session_end"];
const TEST: &[&str] = &["test"];
const SESSION: &[&str] = &["session_start", "session_end"];
const START: &[&str] = &["session_start"];
const END: &[&str] = &["session_end"];

const INT32: RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;
const FROM_ONE: RangeInclusive<i64> = 1..=i32::MAX as i64;
const BYTES: RangeInclusive<i64> = 0..=i64::MAX;
const COUNT: RangeInclusive<i64> = 0..=i64::MAX;
/// Range of memory and disk sizes in bytes. A machine has at least 1 MiB: a smaller number is in a wrong unit.
const TOTAL_BYTES: RangeInclusive<i64> = 1 << 20..=i64::MAX;
const PERCENT: RangeInclusive<f64> = 0.0..=100.0;
const CPUS: RangeInclusive<f64> = 0.001..=65_536.0;
/// Range of durations in seconds. No test takes longer than a day.
const SECONDS: RangeInclusive<f64> = 0.0..=86_400.0;
const SIGNAL: RangeInclusive<i64> = 1..=64;
const OUTCOMES: &[&str] = &["passed", "failed", "unfinished", "crashed", "unknown"];

const FIELDS: &[Field] = &[
    required("event_type", ALL, OneOf(ALL)),
    required("test_nodeid", ALL, NodeId),
    required("timestamp", ALL, Timestamp),
    required("batch_num", TEST, Int(FROM_ONE)),
    after("duration_s", TEST, Float(SECONDS)),
    required("cpu_before", TEST, Float(PERCENT)),
    after("cpu_after", TEST, Float(PERCENT)),
    required("cpu_count", SESSION, Int(FROM_ONE)),
    required("mem_total_bytes", SESSION, Int(TOTAL_BYTES)),
    required("mem_available_before", TEST, Int(BYTES)),
    after("mem_available_after", TEST, Int(BYTES)),
    required("mem_percent_before", TEST, Float(PERCENT)),
    after("mem_percent_after", TEST, Float(PERCENT)),
    required("disk_total_bytes", SESSION, Int(TOTAL_BYTES)),
    required("disk_free_before", TEST, Int(BYTES)),
    after("disk_free_after", TEST, Int(BYTES)),
    required("disk_percent_before", TEST, Float(PERCENT)),
    after("disk_percent_after", TEST, Float(PERCENT)),
    required("exit_status", END, Int(INT32)),
    required("gh_run_id", ALL, Text),
    required("gh_sha", ALL, Text),
    required("gh_ref_name", ALL, Text),
    required("gh_workflow", ALL, Text),
    required("gh_job", ALL, Text),
    required("gh_actor", ALL, Text),
    required("gh_repository", ALL, Text),
    required("gh_run_attempt", ALL, Text),
    // These fields are resmon's own.
    required("session_id", ALL, Name),
    required("run_id", ALL, Name),
    required("package", ALL, Name),
    // Only tests under `cargo resmon` have this field.
    optional("target", ALL, Name),
    required("outcome", TEST, OneOf(OUTCOMES)),
    required("attempt", TEST, Int(FROM_ONE)),
    after("concurrent_tests", TEST, Int(FROM_ONE)),
    measured("cpu_user_s", Float(SECONDS)),
    measured("cpu_system_s", Float(SECONDS)),
    measured("cpu_scope", OneOf(&["process", "thread"])),
    optional("rss_before", TEST, Int(BYTES)),
    measured("rss_after", Int(BYTES)),
    measured("rss_peak", Int(BYTES)),
    measured("mem_available_min", Int(BYTES)),
    measured("page_faults_major", Int(COUNT)),
    measured("ctx_switches_involuntary", Int(COUNT)),
    measured("io_read_bytes", Int(BYTES)),
    measured("io_write_bytes", Int(BYTES)),
    outside("signal", Int(SIGNAL)),
    required("mem_limit_bytes", SESSION, Int(BYTES)),
    required("cpu_limit", SESSION, Float(CPUS)),
    required("os", START, Name),
    required("arch", START, Name),
    optional("cpu_model", START, Name),
    required("hostname", START, Name),
    measured("alloc_count", Int(COUNT)),
    measured("alloc_bytes", Int(COUNT)),
    measured("alloc_peak_bytes", Int(COUNT)),
    after("tests_recorded", END, Int(COUNT)),
    after("tests_failed", END, Int(COUNT)),
    after("records_dropped", END, Int(COUNT)),
];

/// Describes a field that only the process which started the test can measure.
const fn outside(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, events: TEST, required: false, after: false }
}

const fn required(name: &'static str, events: &'static [&'static str], kind: Kind) -> Field {
    Field { name, kind, events, required: true, after: false }
}

const fn optional(name: &'static str, events: &'static [&'static str], kind: Kind) -> Field {
    Field { name, kind, events, required: false, after: false }
}

const fn after(name: &'static str, events: &'static [&'static str], kind: Kind) -> Field {
    Field { name, kind, events, required: true, after: true }
}

/// Describes a field measured at the end of a test, which some platforms lack. The heap fields need `resmon::Alloc`.
const fn measured(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, events: TEST, required: false, after: true }
}

/// Returns the columns in order, each with its type in the table.
pub(crate) fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.iter().map(|field| {
        let kind = match &field.kind {
            Text | Name | OneOf(_) | NodeId => "String",
            Timestamp => "DateTime64(3)",
            Int(range) if range.end() > INT32.end() => "Int64",
            Int(_) => "Int32",
            Float(_) => "Float64",
        };
        (field.name, kind)
    })
}

/// Returns the columns with the events that carry them, and whether the value is known only at the end.
pub(crate) fn places() -> impl Iterator<Item = (&'static str, &'static [&'static str], bool)> {
    FIELDS.iter().map(|field| (field.name, field.events, field.after))
}

/// Returns the columns that records must have.
pub(crate) fn required_columns() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().filter(|field| field.required).map(|field| field.name)
}

/// Returns all faults of a record; empty if it is valid.
pub(crate) fn faults(record: &Map<String, Value>) -> Vec<String> {
    let event = record.get("event_type").and_then(Value::as_str).unwrap_or_default();
    let crashed = record.get("outcome").and_then(Value::as_str) == Some("crashed");
    // A crashed record has the fields of its end if the process that started the test saw it.
    let unseen = crashed && !record.contains_key("duration_s")
        || record.get("exit_status").and_then(Value::as_i64) == Some(-1);
    let mut faults = Vec::new();
    for name in record.keys() {
        if !FIELDS.iter().any(|field| field.name == name && field.events.contains(&event)) {
            faults.push(format!("`{name}` is no field of a {event:?} event"));
        }
    }
    for field in FIELDS.iter().filter(|field| field.events.contains(&event)) {
        match record.get(field.name) {
            None if unseen && field.after => {}
            Some(_) if unseen && field.after => {
                faults.push(format!("`{}` cannot be known after a crash", field.name));
            }
            Some(_) if !crashed && field.name == "signal" => {
                faults.push("`signal` is that of a crashed test".to_owned());
            }
            None if field.required => faults.push(format!("`{}` is missing", field.name)),
            Some(value) if !fits(value, &field.kind, event) => {
                faults.push(format!("`{}` cannot be {value}", field.name));
            }
            _ => {}
        }
    }
    if !ALL.contains(&event) {
        faults.push(format!("{event:?} is no event"));
    }
    faults
}

fn fits(value: &Value, kind: &Kind, event: &str) -> bool {
    let text = value.as_str();
    match kind {
        Text => text.is_some(),
        Name => text.is_some_and(|text| !text.trim().is_empty()),
        OneOf(choices) => text.is_some_and(|text| choices.contains(&text)),
        NodeId if event == "test" => text.is_some_and(is_test_id),
        NodeId => text == Some("__session__"),
        Timestamp => text.is_some_and(|text| milliseconds(text).is_some()),
        // `as_i64` refuses `1.0`, as ClickHouse does for an integer column.
        Int(range) => value.as_i64().is_some_and(|value| range.contains(&value)),
        Float(range) => value.as_f64().is_some_and(|value| range.contains(&value)),
    }
}

/// Returns whether this is `FILE::NAME` with a relative FILE and forward slashes.
fn is_test_id(id: &str) -> bool {
    id.split_once("::").is_some_and(|(file, name)| {
        !file.is_empty()
            && !file.starts_with('/')
            && !file.contains('\\')
            && !name.is_empty()
            && name == name.trim()
    })
}
