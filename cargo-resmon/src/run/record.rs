//! A line of an intake, and a record that is made of some.

use std::ops::Range;

use serde_json::{Map, Value};

/// Fields in their order.
pub(crate) type Fields = Map<String, Value>;

/// What a line of an intake is.
#[derive(Debug)]
pub(crate) enum Line {
    /// The first one.
    Run(Fields),
    /// A runner is about to start a process.
    Begin(Fields),
    /// That process has ended.
    End(Fields),
    /// A record of a session within a process.
    Record(Source, Fields),
}

/// Which process a record is from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// That of the runner, `0` if none started the process.
    pub(crate) unit: String,
    pub(crate) pid: u64,
    /// `session_id`, which begins with neither.
    pub(crate) session: String,
}

impl Line {
    /// `None` if it is not one, such as what a process left that died in the middle of its write.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let text = str::from_utf8(line).ok()?;
        // Behind a line that a process left unfinished.
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

/// Copies fields that are there and not yet in `to`.
pub(crate) fn add(to: &mut Fields, from: &Fields, names: &[&str]) {
    for &name in names {
        if let Some(value) = from.get(name)
            && !to.contains_key(name)
        {
            to.insert(name.to_owned(), value.clone());
        }
    }
}

/// Copies fields that are there over those that are in `to`.
pub(crate) fn replace(to: &mut Fields, from: &Fields, names: &[&str]) {
    for &name in names {
        if let Some(value) = from.get(name) {
            to.insert(name.to_owned(), value.clone());
        }
    }
}

/// What has become of some lines.
#[derive(Debug)]
pub(crate) enum Made {
    /// The record of a test, without what is the same in all of the run.
    Test(Fields),
    /// What a test binary took, which the table has no place for.
    Process(Fields),
    /// All that these lines said has been made something of.
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
