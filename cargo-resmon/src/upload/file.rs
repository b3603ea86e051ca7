//! A file of records, and how much of it has been sent already.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;
use resmon_record::fingerprint::fingerprint;
use resmon_record::spool::Spool;
use resmon_runtime::collector::Plan;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::runs;

/// A line that is longer than this is no record.
const LONGEST: u64 = 1 << 20;
/// So much of what was sent is looked at again, to tell whether the file is the same.
const KNOWN: u64 = 4096;

/// Where it is remembered what has been sent.
#[derive(Debug)]
pub(crate) struct State {
    directory: PathBuf,
    destination: String,
}

/// A file that is being sent.
#[derive(Debug)]
pub(crate) struct Records {
    file: BufReader<File>,
    /// Where its state is.
    state: PathBuf,
    path: String,
    position: u64,
    sent: u64,
}

/// Some of its lines.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) body: Vec<u8>,
    pub(crate) records: u64,
    pub(crate) notes: u64,
    pub(crate) others: u64,
    /// The length of all of them.
    pub(crate) bytes: u64,
    /// Where they end.
    end: u64,
}

impl State {
    /// In Cargo's target directory, or outside a workspace where a spool would be.
    pub(crate) fn open(plan: &Plan, destination: &str) -> anyhow::Result<Self> {
        let directory = plan.spool().map_or_else(runs::spool, Path::to_owned);
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

/// How far a file was sent and how many records those were, if it still is that file.
fn known(state: &Path, file: &mut File) -> Option<(u64, u64)> {
    let state: Value = serde_json::from_str(&fs::read_to_string(state).ok()?).ok()?;
    let (end, sent) = (state["end"].as_u64()?, state["sent"].as_u64()?);
    let is_same = state["known"].as_str()? == digest(file, end).ok()?;
    is_same.then_some((end, sent))
}

/// A name for what stands before a place.
fn digest(file: &mut File, end: u64) -> io::Result<String> {
    let start = end.saturating_sub(KNOWN);
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    Ok(fingerprint(&[&String::from_utf8_lossy(&bytes)]))
}

impl Records {
    /// How many records an earlier upload has sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// The next lines, as many as fit these bytes.
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
                // What is still being written is left for the next time.
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

    /// Notes on disk that all up to the end of these lines has arrived.
    pub(crate) fn remember(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        self.sent += chunk.records;
        let mut file = File::open(&self.path)?;
        let known = digest(&mut file, chunk.end)?;
        let state = json!({"path": self.path, "end": chunk.end, "sent": self.sent, "known": known});
        // In one step: what is half written would have all sent again.
        let new = self.state.with_extension("new");
        fs::write(&new, state.to_string())?;
        fs::rename(&new, &self.state)?;
        Ok(())
    }
}

/// Whether a line, with its line feed, is a record.
fn is_record(line: &[u8]) -> bool {
    line.starts_with(b"{\"event_type\":\"")
        && line.ends_with(b"}\n")
        && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}
