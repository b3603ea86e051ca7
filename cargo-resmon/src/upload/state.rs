//! The memory of what has been sent to a destination.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use resmon_record::fingerprint::fingerprint;
use resmon_record::spool::Spool;
use resmon_runtime::collector::Plan;

use crate::{message, run_store};

/// The content of a file up to some line, as a name: that of the content before the line, and the line. The same records
/// have the same name wherever they are, however they are compressed, and whatever ends their lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Content(String);

impl Content {
    /// Returns the content that ends with this line.
    pub(crate) fn with(&self, line: &[u8]) -> Self {
        Self(fingerprint(&[&self.0, &String::from_utf8_lossy(line)]))
    }
}

/// The part of a content that has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Everything.
    All,
    /// Its last record, but not everything before it.
    Last,
}

/// The memory of one user for one destination, which is locked while it is open: a second upload waits for its turn, and
/// then knows what the first one sent.
#[derive(Debug)]
pub(crate) struct State {
    path: PathBuf,
    file: File,
    marks: HashMap<Content, Mark>,
}

impl State {
    /// Opens the memory in the spool directory if the user named one, else in the user's directory for state.
    pub(crate) fn open(plan: &Plan, destination: &str) -> anyhow::Result<Self> {
        let spool = match plan.spool() {
            Some(directory) => {
                Spool::open(directory).map_err(|error| (directory.to_owned(), error))
            }
            None => first_usable(&run_store::of_user()),
        };
        let spool = spool.map_err(|(directory, error)| {
            anyhow!("there is no place to remember what has been sent: {directory:?}: {error}; name one by RESMON_SPOOL_DIR")
        })?;
        let path = spool.path(&format!("{destination}.uploads"));
        let unusable = || format!("cannot remember what is sent in {path:?}");
        let mut file = spool
            .open_file(&path, OpenOptions::new().create(true).truncate(false))
            .with_context(unusable)?;
        lock(&file).with_context(unusable)?;
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(unusable)?;
        let marks = text.lines().filter_map(|line| {
            let (mark, content) = line.split_once(' ')?;
            let mark = [Mark::All, Mark::Last].into_iter().find(|known| known.name() == mark)?;
            Some((Content(content.to_owned()), mark))
        });
        Ok(Self { marks: marks.collect(), path, file })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Returns what has been sent of a content.
    pub(crate) fn mark(&self, content: &Content) -> Option<Mark> {
        self.marks.get(content).copied()
    }

    /// Remembers what has been sent.
    pub(crate) fn remember(&mut self, marks: Vec<(Content, Mark)>) -> anyhow::Result<()> {
        if marks.is_empty() {
            return Ok(());
        }
        // The first line feed ends a line that a full disk has cut off.
        let mut text = "\n".to_owned();
        for (Content(content), mark) in &marks {
            text.extend([mark.name(), " ", content, "\n"]);
        }
        let written =
            self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(text.as_bytes()));
        written
            .with_context(|| format!("cannot remember in {:?} what has been sent", self.path))?;
        self.marks.extend(marks);
        Ok(())
    }
}

impl Mark {
    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Last => "last",
        }
    }
}

/// Opens the first directory that can be used, else returns the first with the reason.
fn first_usable(directories: &[PathBuf]) -> Result<Spool, (PathBuf, String)> {
    let mut problem = None;
    for directory in directories {
        match Spool::open(directory) {
            Ok(spool) => return Ok(spool),
            Err(error) => drop(problem.get_or_insert((directory.clone(), error))),
        }
    }
    Err(problem
        .unwrap_or_else(|| (PathBuf::new(), "there is no directory of this user".to_owned())))
}

/// Locks a file until it is closed. Waits for its turn.
fn lock(file: &File) -> io::Result<()> {
    let flock = |operation| loop {
        // SAFETY: the call takes an open descriptor and a number.
        if unsafe { libc::flock(file.as_raw_fd(), operation) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    };
    match flock(libc::LOCK_EX | libc::LOCK_NB) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            message::say("another upload to the same destination is going on: waiting for its end");
            flock(libc::LOCK_EX)
        }
        done => done,
    }
}
