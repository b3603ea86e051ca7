//! A local NDJSON file, which several processes may write to at once.

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use resmon_record::key;
use resmon_record::line::Line;
use resmon_record::{spool, torn};

use super::sink::{Position, Sink, batch_num};
use super::warning::{Records, warn};
use crate::sys::descriptor::{self, PinnedFile};

/// The sink for a file. Appends each record in one write: a process that is killed loses no finished test.
#[derive(Debug)]
pub(crate) struct File {
    /// The name of the file in warnings.
    name: &'static str,
    path: PathBuf,
    /// `None` where the process may have few files open: then the file is opened for each record.
    pinned: Option<PinnedFile>,
    /// Whether the file could be opened when the session started.
    is_usable: bool,
    batch_size: u64,
    tests: AtomicU64,
    /// Whether the last write left part of a line behind.
    torn: AtomicBool,
    lost: AtomicU64,
    /// The error of the first lost record.
    problem: OnceLock<io::Error>,
}

impl File {
    pub(crate) fn open(name: &'static str, path: PathBuf, batch_size: u64) -> Self {
        let file = append_to(&path).inspect_err(|error| {
            warn(format_args!("{name} {path:?} cannot be opened: {error}"));
        });
        // An earlier session may have left a part of a line.
        let torn = is_torn(&path).unwrap_or(false);
        let is_usable = file.is_ok();
        Self {
            name,
            path,
            pinned: file.ok().and_then(PinnedFile::new),
            is_usable,
            batch_size,
            tests: AtomicU64::new(0),
            torn: AtomicBool::new(torn),
            lost: AtomicU64::new(0),
            problem: OnceLock::new(),
        }
    }

    #[cfg(all(unix, feature = "collector"))]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file could be opened.
    #[cfg(all(unix, feature = "collector"))]
    pub(crate) fn is_usable(&self) -> bool {
        self.is_usable
    }

    /// Returns the error of the first lost record.
    #[cfg(all(unix, feature = "collector"))]
    pub(crate) fn problem(mut self) -> io::Error {
        self.problem.take().unwrap_or_else(|| io::Error::other("it cannot be opened"))
    }

    fn append(&self, line: &[u8]) {
        if !self.is_usable {
            // The user has been warned when the session started.
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let open = || append_to(&self.path);
        let mut write = |file: &fs::File| self.write(file, line);
        let result = match &self.pinned {
            Some(file) => file.or_else(&open, &mut write),
            None => open().and_then(|file| {
                let result = write(&file);
                descriptor::close(file);
                result
            }),
        };
        if let Err(error) = result {
            self.lost.fetch_add(1, Ordering::Relaxed);
            // Reported at the end, when the number of lost records is known.
            let _ = self.problem.set(error);
        }
    }

    fn write(&self, mut file: &fs::File, line: &[u8]) -> io::Result<()> {
        // End a line that a full disk left unfinished, so that it does not spoil this record too.
        let separate = self.torn.load(Ordering::Relaxed);
        let line = if separate { Cow::from([b"\n", line].concat()) } else { Cow::from(line) };
        let mut written = 0;
        let result = loop {
            match file.write(&line[written..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
            if written == line.len() {
                break Ok(());
            }
        };
        if written > 0 {
            self.torn.store(written < line.len(), Ordering::Relaxed);
        }
        result
    }
}

fn append_to(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A named pipe that nobody reads would block the test for ever.
        options.custom_flags(libc::O_NONBLOCK);
    }
    let is_new = !path.exists();
    let file = match (options.open(path), path.parent()) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent)?;
            options.open(path)
        }
        (result, _) => result,
    }?;
    if let Some(owner) = spool::owner_for(path).filter(|_| is_new) {
        owner.take(&file);
    }
    Ok(file)
}

/// Whether an earlier session has left an unfinished line at the end of the file.
fn is_torn(path: &Path) -> io::Result<bool> {
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let file = fs::File::open(path)?;
    let torn = torn::is_torn(&file);
    descriptor::close(file);
    torn
}

impl Sink for File {
    fn session(&self, line: Line) {
        self.append(&line.finish());
    }

    fn test(&self, mut line: Line) {
        let index = self.tests.fetch_add(1, Ordering::Relaxed);
        line.field(key!(batch_num), &batch_num(index, self.batch_size));
        self.append(&line.finish());
    }

    fn position(&self) -> Position {
        let batch_num = batch_num(self.tests.load(Ordering::Relaxed), self.batch_size);
        // Appending ignores this seek. A pipe has no position.
        let end = match &self.pinned {
            Some(file) => file.get().and_then(|mut file| file.seek(SeekFrom::End(0))),
            None => fs::metadata(&self.path).map(|file| file.len()),
        };
        Position { batch_num, from: end.unwrap_or(0) }
    }

    fn dropped(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn close(&self) {
        if let Some(problem) = self.problem.get() {
            let lost = Records(self.lost.load(Ordering::Relaxed));
            warn(format_args!(
                "{} {:?} cannot be written to: {problem}; {lost} lost",
                self.name, self.path
            ));
        }
    }
}
