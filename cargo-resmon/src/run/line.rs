//! The lines of an intake.

use std::ops::Range;

use resmon_record::process;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::signals::{self, Target};
use crate::record::{Attempt, TestRecord};

/// A parsed line of an intake.
#[derive(Debug)]
pub(crate) enum Line {
    /// The first line.
    Header(Box<Header>),
    /// The wrapped command has been started.
    Command(WrappedCommand),
    /// A shim is about to start a process.
    Began(Box<Began>),
    /// The process of a shim has ended.
    Ended(Box<Ended>),
    /// A record that a process has written itself.
    Record(Source, Event),
}

/// The header: the data to deliver the intake without its `cargo resmon`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Header {
    /// The path of the run's local copy.
    pub(crate) copy: String,
    /// The destination, if it is a file.
    pub(crate) file: Option<String>,
    /// The fingerprint of the destination, if it is Tinybird.
    pub(crate) tinybird: Option<String>,
    /// Test records per batch.
    pub(crate) batch_size: u64,
    /// The fields that all records of the run share, among others.
    #[serde(flatten)]
    common: Map<String, Value>,
}

/// The wrapped command of a run.
#[derive(Debug, Deserialize)]
pub(crate) struct WrappedCommand {
    process: String,
}

/// The shim's data of a process before its start.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Began {
    /// The id that the shim gave to the process.
    pub(crate) child: String,
    /// The process id of the shim.
    shim: u32,
    /// The process name of the shim.
    #[serde(default)]
    shim_name: String,
    pub(crate) executable: Option<String>,
    /// The test that the process is started for.
    pub(crate) test_name: Option<String>,
    pub(crate) binary_id: Option<String>,
    pub(crate) manifest_dir: Option<String>,
    pub(crate) package: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) not_instrumented: Option<String>,
    pub(crate) heap_not_counted: Option<String>,
    #[serde(flatten)]
    pub(crate) figures: Attempt,
}

/// The shim's data of a process after its end.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ended {
    /// The id that the shim gave to the process.
    pub(crate) child: String,
    pub(crate) pid: u64,
    /// The exit code, unless a signal ended the process.
    pub(crate) exit_code: Option<i32>,
    #[serde(flatten)]
    pub(crate) figures: Attempt,
}

/// A record that a process has written itself.
#[derive(Debug)]
pub(crate) enum Event {
    SessionStart,
    SessionEnd {
        /// The peak of resident memory of the process, in bytes.
        rss_peak: Option<i64>,
    },
    Test(Box<TestRecord>),
    /// An event of a later version.
    Other,
}

/// The id in the place of a child's, where no shim started the process.
pub(crate) const NO_CHILD: &str = "0";

/// The process that a record is from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// The id that the shim gave to the process it started; [`NO_CHILD`] if no shim did.
    pub(crate) child: String,
    pub(crate) pid: u64,
    /// The `session_id`: a plain session id, then the id of the child and the process id, separated by `-`.
    pub(crate) session: String,
}

/// The fields that say what a line is.
#[derive(Deserialize)]
struct Kind {
    /// The kind of a line that is not a record.
    resmon: Option<String>,
    event_type: Option<String>,
    session_id: Option<String>,
    process_rss_peak: Option<i64>,
}

impl Line {
    /// Parses a line. Returns `None` if it is not valid, such as the torn write of a process that died.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let text = str::from_utf8(line).ok()?;
        // A torn line of another process may come before it, without a line feed.
        let starts = ["{\"event_type\":", "{\"resmon\":"];
        let start = starts.iter().filter_map(|start| text.rfind(start)).max()?;
        let text = &text[start..];
        let kind: Kind = serde_json::from_str(text).ok()?;
        Some(match kind.resmon.as_deref() {
            Some("run") => Self::Header(serde_json::from_str(text).ok()?),
            Some("command") => Self::Command(serde_json::from_str(text).ok()?),
            Some("begin") => Self::Began(serde_json::from_str(text).ok()?),
            Some("end") => Self::Ended(serde_json::from_str(text).ok()?),
            Some(_) => return None,
            None => {
                let source = Source::of(kind.session_id.as_deref()?)?;
                Self::Record(source, Event::parse(&kind, text)?)
            }
        })
    }
}

impl WrappedCommand {
    /// Whether the process is alive. `false` where the system has no names of processes.
    pub(crate) fn is_alive(&self) -> bool {
        process::is_alive(&self.process)
    }
}

impl Began {
    /// Returns the shim as a target of signals, if it is alive.
    pub(crate) fn shim(&self) -> Option<Target> {
        Target::named(self.shim.try_into().ok()?, &self.shim_name)
    }

    /// Whether the shim is alive.
    pub(crate) fn is_shim_alive(&self) -> bool {
        if !self.shim_name.is_empty() {
            return process::is_alive(&self.shim_name);
        }
        self.shim.try_into().is_ok_and(signals::exists)
    }
}

impl Header {
    /// Returns the fields that all records of the run share: the ids and the GitHub fields.
    pub(crate) fn common(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.common.iter().filter(|(name, _)| is_common(name))
    }
}

impl Event {
    fn parse(kind: &Kind, text: &str) -> Option<Self> {
        Some(match kind.event_type.as_deref()? {
            "session_start" => Self::SessionStart,
            "session_end" => Self::SessionEnd { rss_peak: kind.process_rss_peak },
            "test" => {
                let mut record: TestRecord = serde_json::from_str(text).ok()?;
                record.others.retain(|name, _| {
                    !is_common(name) && !["event_type", "batch_num"].contains(&name.as_str())
                });
                Self::Test(Box::new(record))
            }
            _ => Self::Other,
        })
    }
}

/// Whether the run sets this field itself, in all its records.
fn is_common(name: &str) -> bool {
    ["session_id", "run_id"].contains(&name) || name.starts_with("gh_")
}

impl Source {
    fn of(session: &str) -> Option<Self> {
        let mut parts = session.rsplitn(3, '-');
        let (pid, child) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
        Some(Self { child, pid, session: session.to_owned() })
    }
}

/// A result made of lines of an intake.
#[derive(Debug)]
pub(crate) enum Made {
    /// The record of a test.
    Test(Box<TestRecord>),
    /// The record of a test binary.
    Process(Box<crate::record::ProcessRecord>),
    /// A child that SIGKILL ended.
    Killed(Box<crate::local::Killed>),
    /// The byte ranges of lines that have been processed completely.
    Done(Vec<Range<u64>>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_behind_one_that_was_torn() {
        let whole = br#"{"event_type":"test","test_nodeid":"a","session_id":"01-ab-7","gh_sha":"","new":1}"#;
        let torn = [&br#"{"event_type":"test","test_nod"#[..], whole].concat();
        for line in [&whole[..], &torn] {
            let Some(Line::Record(source, Event::Test(test))) = Line::parse(line) else {
                panic!("{line:?}")
            };
            let wanted = Source { child: "ab".into(), pid: 7, session: "01-ab-7".into() };
            assert_eq!((source, test.test_nodeid.as_str()), (wanted, "a"));
            assert_eq!(test.others.keys().collect::<Vec<_>>(), ["new"]);
        }
        for line in ["", "{", "[]", "{\"event_type\":\"test\"}", "{\"resmon\":\"new\"}", "\u{fffd}"]
        {
            assert!(Line::parse(line.as_bytes()).is_none(), "{line}");
        }
        assert!(Line::parse(b"\xff{\"resmon\":\"end\"}").is_none());
    }
}
