//! Records that arrived, checked against the schema.

use std::{fs, path::Path};

use serde_json::{Map, Value};

use super::schema;

/// A record that satisfies the schema.
#[derive(Clone, Debug)]
pub(crate) struct Record(Map<String, Value>);

impl Record {
    /// Parses one line of NDJSON. Panics with all faults of the record.
    pub(crate) fn parse(line: &str) -> Self {
        let fields: Map<String, Value> = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("not a JSON object: {error}: {line:?}"));
        let mut faults = schema::faults(&fields);
        // The parser keeps only the last of two equal keys. Quotes within strings are escaped, so this counts keys
        // only.
        for name in fields.keys() {
            if line.matches(&format!("\"{name}\":")).count() != 1 {
                faults.push(format!("`{name}` is there twice"));
            }
        }
        assert!(faults.is_empty(), "{}\nin {line}", faults.join("\n"));
        Self(fields)
    }

    /// Returns the text of a String field.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("`{field}` is no text"))
    }

    /// Returns the number of an integer field.
    pub(crate) fn int(&self, field: &str) -> i64 {
        self.0[field].as_i64().unwrap_or_else(|| panic!("`{field}` is no integer"))
    }

    /// Returns the number of a float field.
    pub(crate) fn float(&self, field: &str) -> f64 {
        self.0[field].as_f64().unwrap_or_else(|| panic!("`{field}` is no number"))
    }

    /// Returns whether the record has the field.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Returns `session_start`, `test` or `session_end`.
    pub(crate) fn event(&self) -> &str {
        self.text("event_type")
    }

    /// Returns the id, `FILE::NAME`.
    pub(crate) fn id(&self) -> &str {
        self.text("test_nodeid")
    }

    /// Returns NAME of `FILE::NAME`, which `--exact` takes.
    pub(crate) fn name(&self) -> &str {
        self.id().split_once("::").map_or("", |(_file, name)| name)
    }

    /// Returns `passed`, `failed`, …
    pub(crate) fn outcome(&self) -> &str {
        self.text("outcome")
    }

    /// Returns the timestamp in milliseconds since 1970.
    pub(crate) fn time(&self) -> i64 {
        milliseconds(self.text("timestamp")).expect("checked by the schema")
    }
}

/// Records in the order in which they arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records(pub(crate) Vec<Record>);

impl Records {
    /// Reads a file of records. A missing file has none. Panics if the file ends in the middle of a line.
    pub(crate) fn of_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        if !path.exists() {
            return Self::default();
        }
        Self::parse(&fs::read_to_string(path).expect("a file of records is UTF-8"))
    }

    /// Parses NDJSON in which every line ends in a newline, the last one included.
    pub(crate) fn parse(ndjson: &str) -> Self {
        assert!(ndjson.is_empty() || ndjson.ends_with('\n'), "torn: {ndjson:?}");
        Self(ndjson.lines().map(Record::parse).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the `event_type` of each record.
    pub(crate) fn events(&self) -> Vec<&str> {
        self.0.iter().map(Record::event).collect()
    }

    /// Returns the records with this `event_type`.
    pub(crate) fn of_event(&self, event: &str) -> Vec<&Record> {
        self.0.iter().filter(|record| record.event() == event).collect()
    }

    /// Returns the test records.
    pub(crate) fn tests(&self) -> Vec<&Record> {
        self.of_event("test")
    }

    /// Returns the records of the test with this name, one for each attempt.
    pub(crate) fn of_test(&self, name: &str) -> Vec<&Record> {
        self.tests().into_iter().filter(|record| record.name() == name).collect()
    }

    /// Returns the only record of a test.
    pub(crate) fn test(&self, name: &str) -> &Record {
        only(&self.of_test(name), name)
    }

    /// Returns the only `session_start`.
    pub(crate) fn start(&self) -> &Record {
        only(&self.of_event("session_start"), "session_start")
    }

    /// Returns the only `session_end`.
    pub(crate) fn end(&self) -> &Record {
        only(&self.of_event("session_end"), "session_end")
    }

    /// Returns the distinct values of a text field, sorted.
    pub(crate) fn distinct(&self, field: &str) -> Vec<&str> {
        let mut values: Vec<&str> = self.0.iter().map(|record| record.text(field)).collect();
        values.sort_unstable();
        values.dedup();
        values
    }
}

fn only<'a>(records: &[&'a Record], what: &str) -> &'a Record {
    assert_eq!(records.len(), 1, "records of {what}: {records:#?}");
    records[0]
}

/// Parses an RFC 3339 timestamp with exactly three decimals and `+00:00` into milliseconds since 1970. `None` for any
/// other form, and for a time outside of the years in which these tests can run.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    const FORM: &str = "dddd-dd-ddTdd:dd:dd.ddd+00:00";
    let fits = |(found, wanted): (u8, u8)| match wanted {
        b'd' => found.is_ascii_digit(),
        _ => found == wanted,
    };
    if text.len() != FORM.len() || !text.bytes().zip(FORM.bytes()).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().expect("digits");
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    if !(2025..2100).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    // Howard Hinnant's days_from_civil for years after 0. The year begins in March, so that a leap day is its last day.
    let (march_year, march_month) =
        if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = march_year * 365 + march_year / 4 - march_year / 100
        + march_year / 400
        + (153 * march_month + 2) / 5
        + day
        - 1
        - 719_468;
    let millis = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + number(20, 23);
    let day_ahead = now() + 24 * 3600 * 1000;
    (millis < day_ahead).then_some(millis)
}

/// Returns the current time in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("the clock is past 1970");
    i64::try_from(since.as_millis()).expect("the clock is before the year 292 million")
}
