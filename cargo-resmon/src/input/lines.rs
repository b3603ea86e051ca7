//! The lines of a file of records.

use std::io::{self, BufRead, BufReader, Read};

use anyhow::anyhow;

use super::unpack::unpack;

/// The maximum length of a line in bytes. A longer one is not a record.
pub(crate) const LINE: u64 = 1 << 20;

/// The reader of an input's lines.
pub(crate) struct Lines {
    name: String,
    text: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
    number: usize,
}

/// A line of an input.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    /// The text of the line, without spaces and the line feed at its end. Empty if it is too long.
    pub(crate) text: &'a [u8],
    /// The reason why it cannot be a record, whatever is in it.
    pub(crate) fault: Option<String>,
    /// Whether a line feed ends it. Only the last line may have none.
    pub(crate) is_whole: bool,
}

impl Lines {
    /// Reads from a stream, which is unpacked if it is compressed. `name` is for messages.
    pub(crate) fn new(name: String, stream: Box<dyn Read>) -> anyhow::Result<Self> {
        let text = unpack(stream).map_err(|error| anyhow!("cannot read {name}: {error}"))?;
        let text = BufReader::with_capacity(1 << 16, text);
        Ok(Self { name, text, line: Vec::new(), number: 0 })
    }

    /// Returns the next line; `None` at the end.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Line<'_>>> {
        let read = next_line(&mut self.text, &mut self.line);
        let is_there = read.map_err(|error| match self.number {
            0 => anyhow!("cannot read {}: {error}", self.name),
            number => anyhow!("cannot read {} after line {number}: {error}", self.name),
        })?;
        if !is_there {
            return Ok(None);
        }
        self.number += 1;
        let is_too_long = self.line.len() as u64 > LINE;
        Ok(Some(Line {
            number: self.number,
            text: if is_too_long { &[] } else { self.line.trim_ascii() },
            fault: is_too_long.then(|| format!("longer than {LINE} bytes")),
            is_whole: is_too_long || self.line.last() == Some(&b'\n'),
        }))
    }
}

impl Line<'_> {
    pub(crate) fn is_blank(&self) -> bool {
        self.text.is_empty() && self.fault.is_none()
    }
}

/// Reads the next line, but no more than needed to see that it is too long. Returns `false` at the end.
fn next_line(text: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    text.by_ref().take(LINE + 1).read_until(b'\n', line)?;
    if line.len() as u64 > LINE && line.last() != Some(&b'\n') {
        text.skip_until(b'\n')?;
    }
    Ok(!line.is_empty())
}
