//! Turns the records of resmon into a table for people. The tests of this package are the example suite. They do not
//! know resmon: `cargo resmon test --package report` measures them unchanged.

use std::{
    fmt,
    io::{self, BufRead},
};

use serde_json::Value;

/// The reason that records cannot be shown.
#[derive(Debug)]
pub enum Error {
    /// The file could not be read.
    Io(io::Error),
    /// The line with this number, counted from 1, is not JSON.
    Line(usize, serde_json::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line(number, error) => write!(f, "line {number}: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// Returns a table with one line per test and one per session, that is, per test process.
///
/// # Errors
///
/// Returns the error of the first line that cannot be read or is not JSON.
pub fn table(records: impl BufRead) -> Result<String, Error> {
    let mut rows =
        vec![["test", "outcome", "seconds", "CPU %", "memory", "disk"].map(String::from)];
    for (index, line) in records.lines().enumerate() {
        let line = line.map_err(Error::Io)?;
        let record = serde_json::from_str(&line).map_err(|error| Error::Line(index + 1, error))?;
        rows.extend(row(&record));
    }
    let width = rows.iter().map(|row| row[0].len()).max().unwrap_or_default();
    let mut table = String::new();
    for [test, outcome, seconds, cpu, memory, disk] in rows {
        let row = format!(
            "{test:width$}  {outcome:10}  {seconds:>8}  {cpu:>10}  {memory:>11}  {disk:>11}"
        );
        table.push_str(row.trim_end());
        table.push('\n');
    }
    Ok(table)
}

/// Returns one line of the table, or `None` for other events. A cell is empty if the record lacks the field: a crashed
/// test has no fields of its end.
fn row(record: &Value) -> Option<[String; 6]> {
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let float = |name: &str| record[name].as_f64();
    let int = |name: &str| record[name].as_i64();
    let less = |before: &str, after: &str| Some(mebibytes(int(before)? - int(after)?));
    match record["event_type"].as_str()? {
        "test" => Some([
            text("test_nodeid"),
            text("outcome"),
            float("duration_s").map(|seconds| format!("{seconds:.3}")).unwrap_or_default(),
            float("cpu_before")
                .zip(float("cpu_after"))
                .map(|(before, after)| format!("{before:.0} to {after:.0}"))
                .unwrap_or_default(),
            less("mem_available_before", "mem_available_after").unwrap_or_default(),
            less("disk_free_before", "disk_free_after").unwrap_or_default(),
        ]),
        "session_end" => {
            let mut row = [const { String::new() }; 6];
            row[0] = format!("end of a test process of `{}`", text("package"));
            row[1] = int("exit_status").map(|status| format!("exit {status}")).unwrap_or_default();
            Some(row)
        }
        _ => None,
    }
}

/// Formats a difference in bytes as MiB, with its sign.
fn mebibytes(bytes: i64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    let sign = if tenths < 0 { '-' } else { '+' };
    format!("{sign}{}.{} MiB", tenths.abs() / 10, tenths.abs() % 10)
}

#[cfg(test)]
mod tests {
    use super::{mebibytes, table};

    #[test]
    fn differences_have_a_sign() {
        assert_eq!(mebibytes(3 << 20), "+3.0 MiB");
        assert_eq!(mebibytes(-(1 << 19)), "-0.5 MiB");
        assert_eq!(mebibytes(0), "+0.0 MiB");
    }

    #[test]
    fn no_records_give_the_heading_alone() -> Result<(), super::Error> {
        assert_eq!(table(&b""[..])?.lines().count(), 1);
        Ok(())
    }
}
