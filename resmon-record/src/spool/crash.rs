//! Crash reports: another process records the end of a session whose process died.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::journal::{self, Content, Header, Mark, State};
use super::lock::{self, Part};
use super::{Kind, Segment, Spool, close};
use crate::bytes::contains;
use crate::config::Destination;
use crate::fields::{self, SESSION};
use crate::key;
use crate::line::Line;
use crate::outcome::Outcome;
use crate::process;
use crate::timestamp::Timestamp;
use crate::torn;

/// The age from which an empty journal is abandoned: its process died before it wrote the header.
const ABANDONED: Duration = Duration::from_secs(600);
/// The number of the segment with a crash report: higher than all that the process itself wrote.
pub const LAST_WORDS: u32 = 999_999;

impl Spool {
    /// Reports the crash of every session whose process died and whose destination is `wanted`: a `crashed` record for
    /// each open test, and a `session_end` with exit status −1. Returns the number of these sessions.
    ///
    /// Skips `own`, the session of this process: opening and closing its journal would release the lock on it.
    pub fn end_crashed_sessions(
        &self,
        own: Option<&str>,
        wanted: &dyn Fn(&Destination) -> bool,
    ) -> usize {
        let mut ended = 0;
        for (session_id, path) in self.files(".session") {
            if own != Some(session_id.as_str())
                && let Ok(file) = self.open_file(&path, &mut OpenOptions::new())
            {
                let result = self.end_if_crashed(&session_id, &path, &file, wanted);
                close(file);
                ended += usize::from(result.unwrap_or(false));
            }
        }
        ended
    }

    /// Whether a session of another process writes to the file of this name, or its crash has yet to be reported there.
    #[must_use]
    pub fn has_session_for(&self, file_name: &OsStr) -> bool {
        self.files(".session").into_iter().any(|(_, path)| {
            let Ok(file) = self.open_file(&path, &mut OpenOptions::new()) else { return false };
            let content = journal::read(&file);
            close(file);
            matches!(
                content,
                Ok(Content::Journal(Header { destination: Destination::File(path), .. }, _))
                    if path.file_name() == Some(file_name)
            )
        })
    }

    fn end_if_crashed(
        &self,
        session_id: &str,
        path: &Path,
        file: &File,
        wanted: &dyn Fn(&Destination) -> bool,
    ) -> io::Result<bool> {
        // Checked first: the session of a process that holds the lock is running.
        if lock::is_held_by_another(file, Part::Owner)? {
            return Ok(false);
        }
        match journal::read(file)? {
            // A test may have closed the journal, which releases the lock.
            Content::Journal(header, _) if process::is_alive(&header.process) => return Ok(false),
            Content::Journal(header, _) if wanted(&header.destination) => {}
            Content::Journal(..) | Content::Foreign => return Ok(false),
            Content::Empty => {
                remove_if_abandoned(session_id, path, file)?;
                return Ok(false);
            }
            // A process locks its journal before it writes to it, so this process is dead. Segments are sent without a
            // journal.
            Content::Damaged => {
                if is_journal(session_id) && lock::try_lock(file, Part::Heir)? {
                    fs::remove_file(path)?;
                }
                return Ok(false);
            }
        }
        if !lock::try_lock(file, Part::Heir)? || !fs::exists(path)? {
            // Another process is reporting this crash, or has just done so.
            return Ok(false);
        }
        let Content::Journal(header, open) = journal::read(file)? else { return Ok(false) };
        // The latest sign of life of the process: its last write, or the start of a test.
        let written = file.metadata()?.modified().unwrap_or_else(|_| SystemTime::now());
        let died = open.iter().map(|mark| mark.began).fold(written, SystemTime::max);
        match &header.destination {
            Destination::File(path) if is_own(path) => {}
            Destination::File(path) => append_last_words(file, path, &header, &open, died.into())?,
            Destination::Tinybird(destination) => {
                self.add_last_words(session_id, destination, &header, &open, died.into())?;
            }
        }
        fs::remove_file(path)?;
        Ok(true)
    }

    /// Writes a crash report into a segment of its own.
    fn add_last_words(
        &self,
        session_id: &str,
        destination: &str,
        header: &Header,
        open: &[Mark],
        died: Timestamp,
    ) -> io::Result<()> {
        let segments = self.segments(Kind::Waiting).into_iter();
        let segments: Vec<_> =
            segments.filter(|segment| segment.session_id == session_id).collect();
        if segments.iter().any(|segment| segment.number == LAST_WORDS) {
            // Another process wrote the report, and died before it removed the journal.
            return Ok(());
        }
        let holds = |from: u64, first: &Line| -> io::Result<bool> {
            let (number, offset) = split_position(from);
            for segment in segments.iter().filter(|segment| segment.number >= number) {
                let offset = if segment.number == number { offset } else { 0 };
                let file = self.open_file(&segment.path, &mut OpenOptions::new())?;
                let found = holds(&file, offset, first, &header.common);
                close(file);
                if found? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let lines = last_words(header, open, died, &holds)?;
        if lines.is_empty() {
            return Ok(());
        }
        let segment = Segment::new(self, session_id, destination, LAST_WORDS, Kind::Waiting);
        let new = segment.path.with_extension("new");
        let mut file = self.open_file(&new, OpenOptions::new().create(true).truncate(true))?;
        let result = file.write_all(&lines);
        close(file);
        result?;
        // Renamed when complete: a sender must not read a part of it.
        fs::rename(new, segment.path)
    }
}

/// Encodes a position in a session's segments as one number. Later positions give greater numbers.
#[must_use]
pub fn position(segment: u32, offset: u64) -> u64 {
    u64::from(segment) << 32 | offset.min(u64::from(u32::MAX))
}

fn split_position(position: u64) -> (u32, u64) {
    ((position >> 32) as u32, position & u64::from(u32::MAX))
}

/// Removes the journal of a process that died before it wrote anything.
fn remove_if_abandoned(session_id: &str, path: &Path, file: &File) -> io::Result<()> {
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    if is_journal(session_id) && age > ABANDONED { fs::remove_file(path) } else { Ok(()) }
}

/// Whether the name is that of a session, whatever the file contains. `cargo resmon` adds a suffix to the session id.
fn is_journal(name: &str) -> bool {
    crate::session_id::is_session_id(name.split('-').next().unwrap_or_default())
}

/// Whether a path means another file in each process, for example its stdout.
fn is_own(path: &Path) -> bool {
    ["/dev", "/proc"].iter().any(|place| path.starts_with(place))
}

/// Appends a crash report to the file of a dead process, in one write of whole lines. Does nothing if the file is gone
/// or is not a regular one.
fn append_last_words(
    journal: &File,
    path: &Path,
    header: &Header,
    open: &[Mark],
    died: Timestamp,
) -> io::Result<()> {
    if !fs::metadata(path).is_ok_and(|file| file.is_file()) {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let mut file = options.open(path)?;
    let lines =
        last_words(header, open, died, &|from, first| holds(&file, from, first, &header.common));
    let append = |mut lines: Vec<u8>| {
        if lines.is_empty() {
            return Ok(());
        }
        if header.state == State::Open {
            // If this process crashes too, the next one finds these records from here on.
            journal::write_state(journal, State::Ends(file.metadata()?.len()))?;
        }
        // An unfinished last line must not swallow the first of these.
        if torn::is_torn(&file)? {
            lines.insert(0, b'\n');
        }
        file.write_all(&lines)
    };
    let result = lines.and_then(append);
    close(file);
    result
}

/// Builds the records that the dead process did not write. `holds` tells whether there is a record with these fields at
/// a position or after it.
fn last_words(
    header: &Header,
    open: &[Mark],
    died: Timestamp,
    holds: &dyn Fn(u64, &Line) -> io::Result<bool>,
) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for mark in open {
        // The process may have died between writing the record and clearing the mark.
        if holds(mark.from, &mark.before)? {
            continue;
        }
        let mut line = fields::head("test", None, died);
        line.fields(&mark.before);
        line.field(key!(batch_num), &mark.batch_num);
        line.field(key!(outcome), &Outcome::Crashed);
        line.fields(&header.common);
        lines.extend(line.finish());
    }
    if let State::Ends(from) = header.state
        && holds(from, &header.totals)?
    {
        return Ok(lines);
    }
    let mut line = fields::head("session_end", Some(SESSION), died);
    line.field(key!(exit_status), &-1);
    line.fields(&header.totals);
    line.fields(&header.common);
    lines.extend(line.finish());
    Ok(lines)
}

/// Whether a file has, at this offset or after it, a whole record with the fields of both lines.
fn holds(mut file: &File, from: u64, first: &Line, second: &Line) -> io::Result<bool> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if let (Ok(line), Ok(first), Ok(second)) = (
            str::from_utf8(&line),
            str::from_utf8(first.unfinished()),
            str::from_utf8(second.unfinished()),
        ) && line.ends_with("}\n")
            && contains(line, second)
            && contains(line, first)
        {
            return Ok(true);
        }
        line.clear();
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Line {
        let mut line = Line::new();
        line.field(key!(text), &text);
        line
    }

    fn header(state: State) -> Header {
        let destination = Destination::File("/f".into());
        let process = String::new();
        Header { state, process, destination, common: fields("common"), totals: fields("totals") }
    }

    fn record(event: &str, parts: &[&Line]) -> Vec<u8> {
        let mut line = fields::head(event, None, Timestamp::now());
        for part in parts {
            line.fields(part);
        }
        line.finish()
    }

    /// Returns the events of the crash report for a file with these records and a test that was marked behind the first
    /// one.
    fn added(state: State, written: &[Vec<u8>]) -> Vec<String> {
        let from = written[0].len() as u64;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&written.concat()).unwrap();
        let began = SystemTime::now();
        let open = [Mark { before: fields("before"), from, batch_num: 1, began }];
        let header = header(state);
        let holds = |from, first: &Line| holds(&file, from, first, &header.common);
        let lines = last_words(&header, &open, Timestamp::now(), &holds).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        lines.lines().map(|line| line.split('"').nth(3).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_test_is_told_once_wherever_the_process_died() {
        let (before, common, totals) = (fields("before"), fields("common"), fields("totals"));
        let start = record("session_start", &[&totals, &common]);
        let finished = record("test", &[&before, &fields("after"), &common]);
        let foreign = record("test", &[&before, &fields("after"), &fields("another")]);
        let torn = finished[..finished.len() - 2].to_vec();
        let told = |state, written: &[&Vec<u8>]| {
            let written: Vec<_> = written.iter().map(|&line| line.clone()).collect();
            added(state, &written)
        };
        assert_eq!(told(State::Open, &[&start]), ["test", "session_end"]);
        assert_eq!(told(State::Open, &[&start, &finished]), ["session_end"]);
        assert_eq!(told(State::Open, &[&start, &foreign, &finished]), ["session_end"]);
        // The same test before the mark, a test of another process, and a torn record.
        assert_eq!(told(State::Open, &[&finished, &start]), ["test", "session_end"]);
        assert_eq!(told(State::Open, &[&start, &foreign]), ["test", "session_end"]);
        assert_eq!(told(State::Open, &[&start, &torn]), ["test", "session_end"]);
    }

    #[test]
    fn an_end_is_told_once_wherever_the_process_died() {
        let (common, totals) = (fields("common"), fields("totals"));
        let start = record("session_start", &[&totals, &common]);
        let finished = record("test", &[&fields("before"), &common]);
        let end = record("session_end", &[&totals, &common]);
        let state = State::Ends((start.len() + finished.len()) as u64);
        let written = [start, finished, end];
        assert!(added(state, &written).is_empty());
        assert_eq!(added(state, &written[..2]), ["session_end"]);
    }

    #[test]
    fn a_journal_without_a_header_is_removed_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        let path = |name: &str| spool.path(name);
        let (old, new) = (format!("{:028x}.session", 1), format!("{:028x}.session", 2));
        for (name, age) in [(old.as_str(), 3600), (&new, 0), ("notes.session", 3600)] {
            let file = File::create(path(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        spool.end_crashed_sessions(None, &|_| true);
        let left = [&old, &new, "notes.session"].map(|name| path(name).exists());
        assert_eq!(left, [false, true, true]);
    }
}
