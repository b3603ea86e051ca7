//! Sessions whose process died: their end is written by whoever comes next.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::header::{Destination, Header, Mark, State};
use super::lock::{self, Kind};
use super::{Spool, journal, open};
use crate::descriptor;
use crate::line::{Line, key};
use crate::outcome::Outcome;
use crate::session;
use crate::timestamp::Timestamp;
use crate::torn;

/// A process that has not written the header of its journal after this time has died over it.
const ABANDONED: Duration = Duration::from_secs(600);

impl Spool {
    /// Writes the end of every session whose process is gone: a `crashed` record for each test that was open
    /// and a `session_end`. The process's own session is to be named: to open and close its journal would give up the
    /// lock of it.
    pub(crate) fn end_crashed_sessions(&self, own: Option<&str>) {
        for (session_id, path) in self.files("", ".session") {
            if own != Some(session_id.as_str())
                && let Ok(file) = open(&path, &mut OpenOptions::new())
            {
                let _ = self.end_if_crashed(&session_id, &path, &file);
                descriptor::close(file);
            }
        }
    }

    fn end_if_crashed(&self, session_id: &str, path: &Path, file: &File) -> io::Result<()> {
        // Asked before it is taken: its process may be about to take it.
        if lock::is_held_by_another(file)? {
            return Ok(());
        }
        if journal::read(file).is_none() {
            return remove_if_abandoned(session_id, path, file);
        }
        if !lock::try_lock(file, Kind::Exclusive)? || !fs::exists(path)? {
            // Its process lives after all, or another has just done this.
            return Ok(());
        }
        let Some((header, open)) = journal::read(file) else { return Ok(()) };
        // The last thing that is known of the process.
        let written = file.metadata()?.modified().unwrap_or_else(|_| SystemTime::now());
        let died = open.iter().map(|mark| mark.began).fold(written, SystemTime::max);
        match &header.destination {
            Destination::File(path) if is_own(path) => {}
            Destination::File(path) => append_last_words(path, &header, &open, died.into())?,
            Destination::Tinybird(destination) => {
                let live = self.path(&format!("{session_id}.live"));
                // Without the file the session came to its end, and died between its last steps.
                if fs::exists(&live)? {
                    append_last_words(&live, &header, &open, died.into())?;
                    fs::rename(live, self.path(&format!("{session_id}-{destination}.ndjson")))?;
                }
            }
        }
        fs::remove_file(path)
    }
}

/// Removes what a process left that died before there was anything to be told of it.
fn remove_if_abandoned(session_id: &str, path: &Path, file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    let age = metadata.modified()?.elapsed().unwrap_or_default();
    let id = session_id.split('-').next().unwrap_or_default();
    let is_own = id.len() == 28 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if metadata.len() == 0 && is_own && age > ABANDONED { fs::remove_file(path) } else { Ok(()) }
}

/// Whether a name means another file to each process: here perhaps its stdout.
fn is_own(path: &Path) -> bool {
    ["/dev", "/proc"].iter().any(|place| path.starts_with(place))
}

/// Appends to what a dead process was writing, by one write of whole lines, unless that is gone or is nothing that stays.
fn append_last_words(
    path: &Path,
    header: &Header,
    open: &[Mark],
    died: Timestamp,
) -> io::Result<()> {
    if header.state == State::Over || !fs::metadata(path).is_ok_and(|file| file.is_file()) {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).custom_flags(libc::O_NONBLOCK);
    let mut file = options.open(path)?;
    let mut lines = last_words(&file, header, open, died)?;
    // A line that a crash tore is not to swallow the first of these.
    if !lines.is_empty() && torn::is_torn(&file)? {
        lines.insert(0, b'\n');
    }
    file.write_all(&lines)
}

/// The records that the process did not come to write.
fn last_words(
    written: &File,
    header: &Header,
    open: &[Mark],
    died: Timestamp,
) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for mark in open {
        // The process may have died between the record and the end of the mark.
        if holds(written, mark.from, &mark.before, &header.common)? {
            continue;
        }
        let mut line = session::head("test", None, died);
        line.fields(&mark.before);
        line.field(key!(batch_num), &mark.batch_num);
        line.field(key!(outcome), &Outcome::Crashed);
        line.fields(&header.common);
        lines.extend(line.finish());
    }
    if let State::Ends(from) = header.state
        && holds(written, from, &header.totals, &header.common)?
    {
        return Ok(lines);
    }
    let mut line = session::head("session_end", Some(session::SESSION), died);
    line.field(key!(exit_status), &-1);
    line.fields(&header.totals);
    line.fields(&header.common);
    lines.extend(line.finish());
    Ok(lines)
}

/// Whether there is, from this place on, a whole record with both of these among its fields.
fn holds(mut file: &File, from: u64, first: &Line, second: &Line) -> io::Result<bool> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        // As text, for which the standard library has a search that is fast in the dev profile too.
        if let (Ok(line), Ok(first), Ok(second)) = (
            str::from_utf8(&line),
            str::from_utf8(first.unfinished()),
            str::from_utf8(second.unfinished()),
        ) && line.ends_with("}\n")
            && line.contains(second)
            && line.contains(first)
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
        Header { state, destination, common: fields("common"), totals: fields("totals") }
    }

    fn record(event: &str, parts: &[&Line]) -> Vec<u8> {
        let mut line = session::head(event, None, Timestamp::now());
        for part in parts {
            line.fields(part);
        }
        line.finish()
    }

    /// What is added to a file that holds this, for a process of which a test was marked behind the first line.
    fn added(state: State, written: &[Vec<u8>]) -> Vec<String> {
        let from = written[0].len() as u64;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&written.concat()).unwrap();
        let began = SystemTime::now();
        let open = [Mark { before: fields("before"), from, batch_num: 1, began }];
        let lines = last_words(&file, &header(state), &open, Timestamp::now()).unwrap();
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
        // The same test before, another process's, and one of which only a part is there.
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
        let spool = Spool { directory: folder.path().to_owned() };
        let path = |name: &str| folder.path().join(name);
        let (old, new) = (format!("{:028x}.session", 1), format!("{:028x}.session", 2));
        for (name, age) in [(old.as_str(), 3600), (&new, 0), ("notes.session", 3600)] {
            let file = File::create(path(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        spool.end_crashed_sessions(None);
        let left = [&old, &new, "notes.session"].map(|name| path(name).exists());
        assert_eq!(left, [false, true, true]);
    }
}
