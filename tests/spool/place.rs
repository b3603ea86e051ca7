//! A spool directory and runs that use it.

use std::{
    fs::{self, File},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use tempfile::{TempDir, tempdir};

use crate::{
    TOKEN,
    support::{Record, Run, wait_for},
};

/// A spool directory, which does not exist at first, in a folder of its own.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempdir().expect("a folder of our own") }
    }

    /// Returns the folder around the spool directory.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the spool directory.
    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// Returns a run of the tests with this filter, one at a time, without a destination.
    pub(crate) fn run(&self, filter: &str) -> Run {
        Run::own_tests(filter)
            .env("CARGO_PKG_NAME", "resmon")
            .env("RUST_TEST_THREADS", "1")
            .env("RESMON_SPOOL_DIR", self.spool())
    }

    /// Returns a run that reports to this URL.
    pub(crate) fn to(&self, url: &str, filter: &str) -> Run {
        self.run(filter).env("TINYBIRD_WRITE_TOKEN", TOKEN).env("TINYBIRD_API_URL", url)
    }

    /// Returns a run that writes to [`file`](Self::file).
    pub(crate) fn to_file(&self, filter: &str) -> Run {
        self.run(filter).env("RESMON_FILE", self.file())
    }

    /// Returns the path of a file for records.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("records.ndjson")
    }

    /// Returns the names of the files in the spool directory, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.spool()).expect("the session made it");
        let mut names: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .map(|name| name.into_string().expect("a plain name"))
            .collect();
        names.sort();
        names
    }

    /// Returns the process id of the sender at work; `None` if there is none.
    pub(crate) fn sender(&self) -> Option<i32> {
        let entries = fs::read_dir(self.spool()).into_iter().flatten().flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths.find_map(|path| holder(&path).filter(|_| path.extension() == Some("sender".as_ref())))
    }

    /// Waits until a sender is at work, and returns its process id.
    pub(crate) fn wait_for_sender(&self) -> i32 {
        wait_for("a sender", || self.sender())
    }

    /// Waits until no sender is running, so that nothing more is sent.
    pub(crate) fn settle(&self) {
        let is_over = || self.sender().is_none() && !self.has_sender_process();
        wait_for("the end of the sender", || is_over().then_some(()));
    }

    /// Returns whether a process runs as a sender for this place, even one without the sender's lock. Works on Linux
    /// only, because it reads `/proc`.
    fn has_sender_process(&self) -> bool {
        let spool = format!("RESMON_SPOOL_DIR={}", self.spool().display()).into_bytes();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes.map(|process| process.path()).any(|process| {
            let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
            read("cmdline").ends_with(b"\0__sender\0")
                && read("environ").split(|&byte| byte == 0).any(|entry| entry == spool)
        })
    }

    /// Waits for a sender, kills it, and waits for its end.
    pub(crate) fn kill_sender(&self) {
        self.wait_for_sender();
        self.kill_sender_if_any();
    }

    /// Kills the sender, if one is at work, and waits for its end.
    pub(crate) fn kill_sender_if_any(&self) {
        if let Some(sender) = self.sender() {
            // SAFETY: the call only sends a signal, to a process that belongs to this place.
            unsafe { libc::kill(sender, libc::SIGKILL) };
            self.settle();
        }
    }

    /// Returns the only file of the spool directory whose name has this suffix.
    pub(crate) fn only(&self, suffix: &str) -> PathBuf {
        let names = self.names();
        let fitting: Vec<_> = names.iter().filter(|name| name.ends_with(suffix)).collect();
        assert_eq!(fitting.len(), 1, "{suffix}: {names:?}");
        self.spool().join(fitting[0])
    }

    /// Returns the records that wait, oldest session first.
    pub(crate) fn waiting(&self) -> Vec<Record> {
        let segments = self.names().into_iter().filter(|name| name.ends_with(".ndjson"));
        let texts: Vec<_> = segments.map(|name| self.unsent(&name)).collect();
        texts.concat().lines().map(Record::parse).collect()
    }

    /// Returns the number of records that wait, without parsing them.
    pub(crate) fn waiting_lines(&self) -> usize {
        let segments = self.names().into_iter().filter(|name| name.ends_with(".ndjson"));
        segments.map(|name| self.unsent(&name).lines().count()).sum()
    }

    /// Returns the records of a segment that have not been acknowledged.
    fn unsent(&self, segment: &str) -> String {
        let (session, number) =
            segment.trim_end_matches(".ndjson").rsplit_once('-').expect("`ID-DESTINATION-NUMBER`");
        let number: u64 = number.parse().expect("a number");
        let progress = fs::read_to_string(self.spool().join(format!("{session}.sent")));
        let progress = progress.unwrap_or_default();
        let mut progress = progress.split_whitespace().map(str::parse::<u64>);
        let mut next = || progress.next().and_then(Result::ok).unwrap_or(0);
        let (current, offset) = (next(), next());
        // The sender may remove the segment at this moment.
        let text = fs::read(self.spool().join(segment)).unwrap_or_default();
        let skipped = match number.cmp(&current) {
            std::cmp::Ordering::Less => text.len(),
            std::cmp::Ordering::Equal => usize::try_from(offset).expect("it fits memory"),
            std::cmp::Ordering::Greater => 0,
        };
        let rest = text.get(skipped..).unwrap_or_default();
        // An incomplete line is a record that is being written.
        let end = rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        String::from_utf8(rest[..end].to_vec()).expect("records are UTF-8")
    }
}

/// Returns the process that holds resmon's lock on a file.
fn holder(path: &Path) -> Option<i32> {
    let file = File::options().write(true).open(path).ok()?;
    // SAFETY: all zeros is a valid value of this plain structure.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK.try_into().expect("a small number");
    lock.l_whence = libc::SEEK_SET.try_into().expect("a small number");
    (lock.l_start, lock.l_len) = (1 << 40, 1);
    // SAFETY: the descriptor is open and the pointer is to a structure of our own.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock) };
    let is_locked = libc::c_int::from(lock.l_type) != libc::c_int::from(libc::F_UNLCK);
    (result == 0 && is_locked).then_some(lock.l_pid)
}
