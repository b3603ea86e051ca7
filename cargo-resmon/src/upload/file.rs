//! Files of records, and their parts that have not been sent.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileTypeExt;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::state::{Content, Mark, State};
use crate::input::{Input, Lines, open_file};
use crate::local;
use crate::record::Text;

/// The events that the table has.
const EVENTS: [&str; 3] = ["session_start", "test", "session_end"];

/// A file that is being sent.
pub(crate) struct Records {
    lines: Lines,
    content: Content,
    /// The number of records that have been sent.
    sent: u64,
}

/// A group of consecutive lines of a file.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The records that have not been sent, one a line.
    pub(crate) body: Vec<u8>,
    /// The content up to each of them.
    records: Vec<Content>,
    /// The content up to the end of all lines.
    end: Content,
    /// The number of records that have been sent, out of turn.
    pub(crate) before: u64,
    pub(crate) notes: u64,
    pub(crate) others: u64,
    /// The first of the others, and the reason.
    pub(crate) first_other: Option<(usize, String)>,
    /// Whether the file ends with a line that is not complete yet.
    pub(crate) is_torn: bool,
}

impl Records {
    /// Opens a file at the first line that has not been sent. `watch` sees what is read from the disk.
    pub(crate) fn open(
        input: &Input,
        state: &State,
        watch: impl FnOnce(File) -> Box<dyn Read>,
    ) -> anyhow::Result<Self> {
        let unreadable = || format!("cannot read {}", input.name());
        let mut file = seekable(input).with_context(unreadable)?;
        let first = Box::new(file.try_clone().with_context(unreadable)?);
        let (count, sent, content) = known(Lines::new(input.name(), first)?, state)?;
        file.rewind().with_context(unreadable)?;
        let mut records = Self {
            lines: Lines::new(input.name(), watch(file))?,
            content: Content::default(),
            sent,
        };
        for _ in 0..count {
            let Some(line) = records.lines.next()? else { break };
            if !line.is_blank() {
                records.content = records.content.with(line.text);
            }
        }
        if records.content != content {
            bail!("{} was written anew while it was read: upload it again", input.name());
        }
        Ok(records)
    }

    /// Returns the number of records before the first that is sent now.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns the next lines until their records reach `most_bytes`, which the last record may exceed. `None` at the
    /// end.
    pub(crate) fn next(
        &mut self,
        state: &State,
        most_bytes: usize,
    ) -> anyhow::Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        let mut is_empty = true;
        while chunk.body.len() < most_bytes {
            let Some(line) = self.lines.next()? else { break };
            is_empty = false;
            if line.is_blank() {
                continue;
            }
            let kind = line.fault.clone().map_or_else(|| kind(line.text), Err);
            if kind.is_err() && !line.is_whole {
                // It is still being written: the next upload sends it.
                chunk.is_torn = true;
                break;
            }
            self.content = self.content.with(line.text);
            match kind {
                Ok(Kind::Note) => chunk.notes += 1,
                Ok(Kind::Record) if state.mark(&self.content).is_some() => chunk.before += 1,
                Ok(Kind::Record) => {
                    chunk.records.push(self.content.clone());
                    chunk.body.extend(line.text);
                    chunk.body.push(b'\n');
                }
                Err(why) => {
                    chunk.others += 1;
                    chunk.first_other.get_or_insert((line.number, why));
                }
            }
        }
        chunk.end = self.content.clone();
        Ok((!is_empty).then_some(chunk))
    }
}

impl Chunk {
    pub(crate) fn records(&self) -> u64 {
        self.records.len() as u64
    }

    /// Returns what to remember of this chunk, before which everything has arrived. `arrived` tells of each record
    /// whether it has.
    pub(crate) fn marks(self, arrived: &[bool]) -> Vec<(Content, Mark)> {
        let whole = arrived.iter().take_while(|arrived| **arrived).count();
        let mut marks = Vec::new();
        if whole == self.records.len() && whole as u64 + self.before > 0 {
            marks.push((self.end, Mark::All));
        } else if let Some(last) = whole.checked_sub(1) {
            marks.push((self.records[last].clone(), Mark::All));
        }
        let rest = self.records.into_iter().zip(arrived).skip(whole);
        marks.extend(rest.filter(|(_, arrived)| **arrived).map(|(record, _)| (record, Mark::Last)));
        marks
    }
}

/// Opens an input so that it can be read twice. What comes from a pipe is stored in a temporary file.
fn seekable(input: &Input) -> io::Result<File> {
    if let Input::File(path) = input
        && !fs::metadata(path)?.file_type().is_fifo()
    {
        return open_file(path);
    }
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input.open()?, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// Returns the part of a content that has been sent as a whole: the number of its lines and of its records.
fn known(mut lines: Lines, state: &State) -> anyhow::Result<(usize, u64, Content)> {
    let (mut count, mut records, mut content) = (0, 0, Content::default());
    let mut known = (0, 0, Content::default());
    if state.is_empty() {
        return Ok(known);
    }
    while let Some(line) = lines.next()? {
        count += 1;
        if line.is_blank() {
            continue;
        }
        records += u64::from(matches!(kind(line.text), Ok(Kind::Record)));
        content = content.with(line.text);
        if state.mark(&content) == Some(Mark::All) {
            known = (count, records, content.clone());
        }
    }
    Ok(known)
}

/// A line that resmon wrote.
enum Kind {
    Record,
    /// A line for which the table has no columns, such as the figures of a test binary.
    Note,
}

/// The fields by which a line is known.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    event_type: Text<'a>,
    #[serde(borrow)]
    test_nodeid: Option<Text<'a>>,
}

/// Returns the kind of a line, else the reason why it is none of resmon's. The text continues "line 3 is".
fn kind(line: &[u8]) -> Result<Kind, String> {
    let text = std::str::from_utf8(line).map_err(|_| "not UTF-8")?;
    let head: Head<'_> =
        serde_json::from_str(text).map_err(|error| crate::record::describe(&error))?;
    let event = head.event_type.get().unwrap_or_default();
    if EVENTS.contains(&event) {
        Ok(Kind::Record)
    } else if local::is_local(event) || head.test_nodeid.is_some() {
        Ok(Kind::Note)
    } else {
        Err("of another kind".to_owned())
    }
}
