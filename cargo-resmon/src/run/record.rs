//! Lines of an intake, and the records that are made of them.

use std::ops::Range;

use serde_json::{Map, Value};

/// The fields of a record, in their order.
pub(crate) type Fields = Map<String, Value>;

/// A parsed line of an intake.
#[derive(Debug)]
pub(crate) enum Line {
    /// The header, which is the first line.
    Run(Fields),
    /// A runner is about to start a process.
    Begin(Fields),
    /// The process of a runner has ended.
    End(Fields),
    /// A record that a process has written itself.
    Record(Source, Fields),
}

/// The process that a record is from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// The id that the runner gave to the process it started; `0` if no runner did.
    pub(crate) unit: String,
    pub(crate) pid: u64,
    /// The `session_id`: a plain session id, then the unit and the process id, separated by `-`.
    pub(crate) session: String,
}

impl Line {
    /// Parses a line. Returns `None` if it is not valid, such as the torn write of a process that died.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let text = str::from_utf8(line).ok()?;
        // A torn line of another process may come before it, without a line feed.
        let starts = ["{\"event_type\":", "{\"resmon\":"];
        let start = starts.iter().filter_map(|start| text.rfind(start)).max()?;
        let fields: Fields = serde_json::from_str(&text[start..]).ok()?;
        match fields.get("resmon").and_then(Value::as_str) {
            Some("run") => Some(Self::Run(fields)),
            Some("begin") => Some(Self::Begin(fields)),
            Some("end") => Some(Self::End(fields)),
            Some(_) => None,
            None => Some(Self::Record(Source::of(&fields)?, fields)),
        }
    }
}

impl Source {
    fn of(fields: &Fields) -> Option<Self> {
        let session = text(fields, "session_id")?;
        let mut parts = session.rsplitn(3, '-');
        let (pid, unit) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
        Some(Self { unit, pid, session: session.to_owned() })
    }
}

pub(crate) fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

/// Copies the named fields of `from` that are not yet in `to`.
pub(crate) fn add(to: &mut Fields, from: &Fields, names: &[&str]) {
    for &name in names {
        if let Some(value) = from.get(name)
            && !to.contains_key(name)
        {
            to.insert(name.to_owned(), value.clone());
        }
    }
}

/// Copies the named fields of `from` to `to`, replacing those that are there.
pub(crate) fn replace(to: &mut Fields, from: &Fields, names: &[&str]) {
    for &name in names {
        if let Some(value) = from.get(name) {
            to.insert(name.to_owned(), value.clone());
        }
    }
}

/// A result made of lines of an intake.
#[derive(Debug)]
pub(crate) enum Made {
    /// The record of a test, without the fields that all records of the run share.
    Test(Fields),
    /// The figures of a test binary. The table has no columns for them.
    Process(Fields),
    /// The byte ranges of lines that have been processed completely.
    Done(Vec<Range<u64>>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_behind_one_that_was_torn() {
        let whole = br#"{"event_type":"test","session_id":"01-ab-7"}"#;
        let torn = [&br#"{"event_type":"test","test_nod"#[..], whole].concat();
        for line in [&whole[..], &torn] {
            let Some(Line::Record(source, fields)) = Line::parse(line) else { panic!("{line:?}") };
            let wanted = Source { unit: "ab".into(), pid: 7, session: "01-ab-7".into() };
            assert_eq!((source, fields.len()), (wanted, 2));
        }
        for line in ["", "{", "[]", "{\"event_type\":\"test\"}", "{\"resmon\":\"new\"}", "\u{fffd}"]
        {
            assert!(Line::parse(line.as_bytes()).is_none(), "{line}");
        }
        assert!(Line::parse(b"\xff{\"resmon\":\"end\"}").is_none());
    }
}
