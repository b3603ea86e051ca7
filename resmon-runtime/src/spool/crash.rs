//! Sessions whose process died: their end is written by whoever comes next.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use super::journal::{self, Destination, Header};
use super::lock::{self, Kind};
use super::{Spool, open};
use crate::line::{Line, key};
use crate::outcome::Outcome;
use crate::session;
use crate::timestamp::Timestamp;
use crate::torn;

impl Spool {
    /// Writes the end of every session whose process is gone: a `crashed` record for each test that was open
    /// and a `session_end`. A process that has a session says so, or it would look dead to itself.
    pub(crate) fn end_crashed_sessions(&self, own: Option<&str>) {
        for (session_id, path) in self.files("", ".session") {
            if own != Some(&session_id) {
                let _ = self.end_if_crashed(&session_id, &path);
            }
        }
    }

    fn end_if_crashed(&self, session_id: &str, path: &Path) -> io::Result<()> {
        let file = open(path, &mut OpenOptions::new())?;
        if !lock::try_lock(&file, Kind::Exclusive)? || !fs::exists(path)? {
            // Its process lives, or another has just done this.
            return Ok(());
        }
        let Some((header, tests)) = journal::read(&file) else { return Ok(()) };
        // The last test that began is the last thing that is known of the process.
        let died = file.metadata()?.modified().unwrap_or_else(|_| SystemTime::now());
        let end = last_words(&header, &tests, died.into());
        match &header.destination {
            Destination::File(path) => append_to_file(path, &end)?,
            Destination::Tinybird(destination) => {
                let live = self.path(&format!("{session_id}.live"));
                // Without the file the session came to its end, and died between its last steps.
                if fs::exists(&live)? {
                    append(&live, &end)?;
                    fs::rename(live, self.path(&format!("{session_id}-{destination}.ndjson")))?;
                }
            }
        }
        fs::remove_file(path)
    }
}

/// Appends to what a dead process was writing, unless that is gone or is nothing that stays.
fn append_to_file(path: &Path, lines: &[u8]) -> io::Result<()> {
    // Such a name means another file to each process: here perhaps its stdout.
    let is_own = ["/dev", "/proc"].iter().any(|place| path.starts_with(place));
    if is_own || !fs::metadata(path).is_ok_and(|file| file.is_file()) {
        return Ok(());
    }
    append(path, lines)
}

/// One write of whole lines.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).custom_flags(libc::O_NONBLOCK);
    let mut file = options.open(path)?;
    // A line that a crash tore is not to swallow the first of these.
    let separate = if torn::is_torn(&file)? { &b"\n"[..] } else { b"" };
    file.write_all(&[separate, lines].concat())
}

fn last_words(header: &Header, tests: &[Line], died: Timestamp) -> Vec<u8> {
    let mut lines = Vec::new();
    if header.over {
        return lines;
    }
    for test in tests {
        let mut line = session::head("test", None, died);
        line.fields(test);
        line.field(key!(outcome), &Outcome::Crashed);
        line.fields(&header.common);
        lines.extend(line.finish());
    }
    let mut line = session::head("session_end", Some(session::SESSION), died);
    line.field(key!(exit_status), &-1);
    line.fields(&header.totals);
    line.fields(&header.common);
    lines.extend(line.finish());
    lines
}
