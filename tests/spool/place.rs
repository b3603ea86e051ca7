//! A folder in which records wait.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::{TempDir, tempdir};

use crate::{
    TOKEN,
    support::{Record, Run},
};

/// A spool directory, at first not there, in a folder of its own.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempdir().expect("a folder of our own") }
    }

    /// The folder around it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The spool directory.
    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// A run of the tests with this filter, one at a time, that records nothing yet.
    pub(crate) fn run(&self, filter: &str) -> Run {
        Run::own_tests(filter)
            .env("CARGO_PKG_NAME", "resmon")
            .env("RUST_TEST_THREADS", "1")
            .env("RESMON_SPOOL_DIR", self.spool())
    }

    /// A run that reports to this URL.
    pub(crate) fn to(&self, url: &str, filter: &str) -> Run {
        self.run(filter).env("TINYBIRD_WRITE_TOKEN", TOKEN).env("TINYBIRD_API_URL", url)
    }

    /// A run that writes to [`file`](Self::file).
    pub(crate) fn to_file(&self, filter: &str) -> Run {
        self.run(filter).env("RESMON_FILE", self.file())
    }

    /// A file for records.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("records.ndjson")
    }

    /// What is in the spool directory, locks aside, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.spool()).expect("the session made it");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("no other has the folder").file_name())
            .map(|name| name.into_string().expect("a plain name"))
            .filter(|name| Path::new(name).extension() != Some("lock".as_ref()))
            .collect();
        names.sort();
        names
    }

    /// The one file of the spool directory whose name ends like this.
    pub(crate) fn only(&self, suffix: &str) -> PathBuf {
        let names = self.names();
        let fitting: Vec<_> = names.iter().filter(|name| name.ends_with(suffix)).collect();
        assert_eq!(fitting.len(), 1, "{suffix}: {names:?}");
        self.spool().join(fitting[0])
    }

    /// The records that wait, oldest session first.
    pub(crate) fn waiting(&self) -> Vec<Record> {
        let paths = self.names().into_iter().map(|name| self.spool().join(name));
        let holds = |path: &PathBuf| {
            path.extension().is_some_and(|kind| kind == "live" || kind == "ndjson")
        };
        paths.filter(holds).flat_map(|path| records(&path)).collect()
    }
}

/// The records in a spool file, without the blanks in the place of those that were delivered.
pub(crate) fn records(file: &Path) -> Vec<Record> {
    let text = fs::read_to_string(file).expect("records are UTF-8");
    let lines = text.split_terminator('\n').map(|line| line.trim_start_matches('\0'));
    lines.filter(|line| !line.is_empty()).map(Record::parse).collect()
}
