//! Turns the records of resmon into a table for people. Its own tests are the example suite: the one
//! line below switches resmon on for the unit tests, and `tests/table.rs` marks its tests one by one.

#[cfg(test)]
#[macro_use(test)]
extern crate resmon;

use std::{
    fmt::{self, Write as _},
    io::{self, BufRead},
};

use serde_json::Value;

/// Why the records could not be shown.
#[derive(Debug)]
pub enum Error {
    /// The file could not be read.
    Io(io::Error),
    /// This line, counted from 1, is not JSON.
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

/// One line per test, and one per session, that is, per test process.
///
/// # Errors
///
/// The first line that cannot be read, or is not JSON.
pub fn table(records: impl BufRead) -> Result<String, Error> {
    let mut table = format!(
        "{:<56} {:<10} {:>8} {:>11} {:>12} {:>12}\n",
        "test", "outcome", "seconds", "CPU %", "memory", "disk"
    );
    for (index, line) in records.lines().enumerate() {
        let line = line.map_err(Error::Io)?;
        let record = serde_json::from_str(&line).map_err(|error| Error::Line(index + 1, error))?;
        table.push_str(&row(&record));
    }
    Ok(table)
}

fn row(record: &Value) -> String {
    let text = |name: &str| record[name].as_str().unwrap_or_default();
    let float = |name: &str| record[name].as_f64().unwrap_or_default();
    let int = |name: &str| record[name].as_i64().unwrap_or_default();
    let mut row = String::new();
    // Writing to a string cannot fail.
    let _ = match text("event_type") {
        "test" => writeln!(
            row,
            "{:<56} {:<10} {:>8.3} {:>11} {:>12} {:>12}",
            text("test_nodeid"),
            text("outcome"),
            float("duration_s"),
            format!("{:.0} to {:.0}", float("cpu_before"), float("cpu_after")),
            mebibytes(int("mem_available_before") - int("mem_available_after")),
            mebibytes(int("disk_free_before") - int("disk_free_after")),
        ),
        "session_end" => writeln!(
            row,
            "-- a test process of `{}` ended with exit status {}",
            text("package"),
            int("exit_status")
        ),
        _ => Ok(()),
    };
    row
}

/// A difference, with its sign.
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
