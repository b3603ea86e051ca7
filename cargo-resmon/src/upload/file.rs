//! Files of records, and the stored state of how much of them has been sent.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;
use resmon_record::fingerprint::fingerprint;
use resmon_record::spool::Spool;
use resmon_runtime::collector::Plan;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::run_store;

/// The maximum length of a record in bytes.
const LONGEST: u64 = 1 << 20;
/// The number of sent bytes to compare, to detect whether the file is still the same.
const KNOWN: u64 = 4096;

/// The store of how much of each file has been sent to a destination.
#[derive(Debug)]
pub(crate) struct State {
    directory: PathBuf,
    destination: String,
}

/// A file that is being sent.
#[derive(Debug)]
pub(crate) struct Records {
    file: BufReader<File>,
    /// The path of its state file.
    state: PathBuf,
    path: String,
    position: u64,
    sent: u64,
}

/// A group of consecutive lines of a file.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) body: Vec<u8>,
    pub(crate) records: u64,
    pub(crate) notes: u64,
    pub(crate) others: u64,
    /// The length of all lines in bytes.
    pub(crate) bytes: u64,
    /// The offset of their end in the file.
    end: u64,
}

impl State {
    /// Opens the store in the spool directory: that of the plan, of the workspace, or outside a workspace of the user.
    pub(crate) fn open(plan: &Plan, destination: &str) -> anyhow::Result<Self> {
        let directory = plan.spool().map_or_else(run_store::spool, Path::to_owned);
        let unusable =
            || format!("there is no place to remember what has been sent: {directory:?}");
        let spool = Spool::open(&directory).map_err(anyhow::Error::msg).with_context(unusable)?;
        Ok(Self { directory: spool.directory().to_owned(), destination: destination.to_owned() })
    }

    /// Opens a file at the first line that has not been sent.
    pub(crate) fn of(&self, path: &Path) -> anyhow::Result<Records> {
        let mut file = File::open(path)?;
        let path = fs::canonicalize(path)?.to_string_lossy().into_owned();
        let name = format!("upload-{}.json", fingerprint(&[&path, &self.destination]));
        let state = self.directory.join(name);
        let (position, sent) = known(&state, &mut file).unwrap_or_default();
        file.seek(SeekFrom::Start(position))?;
        Ok(Records { file: BufReader::new(file), state, path, position, sent })
    }
}

/// Returns the offset up to which a file was sent and the number of sent records, if the file is still the same.
fn known(state: &Path, file: &mut File) -> Option<(u64, u64)> {
    let state: Value = serde_json::from_str(&fs::read_to_string(state).ok()?).ok()?;
    let (end, sent) = (state["end"].as_u64()?, state["sent"].as_u64()?);
    let is_same = state["known"].as_str()? == digest(file, end).ok()?;
    is_same.then_some((end, sent))
}

/// Returns a fingerprint of the last [`KNOWN`] bytes before an offset.
fn digest(file: &mut File, end: u64) -> io::Result<String> {
    let start = end.saturating_sub(KNOWN);
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    Ok(fingerprint(&[&String::from_utf8_lossy(&bytes)]))
}

impl Records {
    /// Returns the number of records that have been sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns the next lines until their records reach `most_bytes`, which the last record may exceed. `None` at the
    /// end.
    pub(crate) fn next(&mut self, most_bytes: usize) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        while chunk.body.len() < most_bytes {
            let mut line = Vec::new();
            let read = self.file.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
            if read == 0 {
                break;
            }
            if !line.ends_with(b"\n") && read < LONGEST {
                line.push(b'\n');
                // An incomplete last line is still being written: the next upload sends it.
                if !is_record(&line) {
                    break;
                }
            }
            self.position += read;
            chunk.bytes += read;
            if line.starts_with(b"{\"event_type\":\"process\"") {
                chunk.notes += 1;
            } else if is_record(&line) {
                chunk.records += 1;
                chunk.body.extend(line);
            } else if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
                chunk.others += 1;
            }
        }
        chunk.end = self.position;
        Ok((chunk.bytes > 0).then_some(chunk))
    }

    /// Stores that all records up to the end of this chunk have arrived.
    pub(crate) fn remember(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        self.sent += chunk.records;
        let mut file = File::open(&self.path)?;
        let known = digest(&mut file, chunk.end)?;
        let state = json!({"path": self.path, "end": chunk.end, "sent": self.sent, "known": known});
        // Replaced atomically: with a torn state file, all records would be sent again.
        let new = self.state.with_extension("new");
        fs::write(&new, state.to_string())?;
        fs::rename(&new, &self.state)?;
        Ok(())
    }
}

/// Returns whether a line, with its line feed, is a record.
fn is_record(line: &[u8]) -> bool {
    line.starts_with(b"{\"event_type\":\"")
        && line.ends_with(b"}\n")
        && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}
