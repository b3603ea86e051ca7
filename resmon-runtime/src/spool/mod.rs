//! The directory in which records wait that have not reached their destination, and in which a running session
//! leaves what the next one needs should the process die.
//!
//! | file | what it is |
//! |---|---|
//! | `ID.session` | the [journal] of a running session, locked by its process: which tests are open |
//! | `ID.live` | the records of a running session that Tinybird has not acknowledged |
//! | `ID-DESTINATION.ndjson` | the same after the end of the session |
//! | `send-DESTINATION.lock` | locked by the one process that sends what other sessions left, each file of which it locks too |
//! | `run-RUN.lock` | locked, shared, by every process of a `cargo nextest run` |
//! | `ID.intake` | what the processes of a `cargo resmon` append, and it takes |
//! | `ID.owner` | locked by that `cargo resmon` |
//!
//! `ID` is a session's id, which sorts by age, and `DESTINATION` tells one token, URL and data source from another
//! without naming them.

mod crash;
mod directory;
mod header;
#[cfg(feature = "collector")]
mod intake;
mod journal;
#[cfg(feature = "tinybird")]
mod left;
#[cfg(feature = "tinybird")]
mod live;
mod lock;
#[cfg_attr(not(target_os = "linux"), path = "mapping/portable.rs")]
mod mapping;
#[cfg(feature = "tinybird")]
mod reader;
#[cfg(feature = "tinybird")]
mod run;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub(crate) use self::header::Destination;
#[cfg(feature = "collector")]
pub(crate) use self::intake::Intake;
pub(crate) use self::journal::Journal;
#[cfg(feature = "collector")]
pub(crate) use self::left::Chunk;
#[cfg(feature = "tinybird")]
pub(crate) use self::left::Left;
#[cfg(feature = "tinybird")]
pub(crate) use self::live::Live;
#[cfg(feature = "collector")]
pub(crate) use self::reader::is_record;
#[cfg(feature = "tinybird")]
pub(crate) use self::run::Run;
use crate::warning::warn;

/// The most that may wait in the directory, in bytes.
#[cfg(feature = "tinybird")]
pub(crate) const LIMIT: u64 = 64 << 20;

#[derive(Clone, Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
}

impl Spool {
    /// Opens the directory that `RESMON_SPOOL_DIR` names, or the default one. Where there is none to be had, what is not
    /// delivered is lost, and a warning says so.
    pub(crate) fn open(wanted: Option<&Path>) -> Option<Self> {
        match directory::open(wanted) {
            Ok(directory) => Some(Self { directory }),
            Err(problem) => {
                warn(format_args!("{problem}; what cannot be delivered is not kept"));
                None
            }
        }
    }

    /// The same without a word about it.
    #[cfg(feature = "collector")]
    pub(crate) fn usable(directory: &Path) -> Result<Self, String> {
        directory::open(Some(directory)).map(|directory| Self { directory })
    }

    #[cfg(feature = "tinybird")]
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The files whose names begin and end like this, in the order of their names, with what stands between.
    fn files(&self, prefix: &str, suffix: &str) -> Vec<(String, PathBuf)> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let name = name.to_str()?.strip_prefix(prefix)?.strip_suffix(suffix)?;
                Some((name.to_owned(), entry.path()))
            })
            .collect();
        files.sort();
        files
    }
}

/// A short name for something that is not to be written down itself: FNV-1a, which gives the same name whatever version
/// of Rust a later session is built with.
#[cfg(feature = "tinybird")]
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Opens a file of the directory for reading and writing, and never what a symlink points to. What stays open while tests
/// run is to become a [`Kept`](crate::descriptor::Kept).
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let options = options.read(true).write(true).mode(0o600);
    let options = options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path)
}
