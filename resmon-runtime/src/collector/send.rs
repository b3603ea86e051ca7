//! Sending by hand, and asking what the endpoint thinks of it.

use std::fmt;
use std::path::Path;

use super::Plan;
use crate::config::Output;
use crate::sink::Direct;
use crate::spool::{self, Spool};

/// A connection to a data source.
pub struct Sender {
    direct: Direct,
    fingerprint: String,
}

/// What an endpoint answered.
#[derive(Debug)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The body, without the token, should that be in it.
    pub body: String,
}

/// What the sessions of a spool directory left for one destination. Nobody else sends it meanwhile.
#[derive(Debug)]
pub struct Left(spool::Left);

/// Some of it.
#[derive(Debug)]
pub struct Chunk(spool::Chunk);

impl Sender {
    /// To the data source of a plan, if it has one.
    #[must_use]
    pub fn new(plan: &Plan) -> Option<Self> {
        let Output::Tinybird(endpoint) = &plan.config.output else { return None };
        Some(Self { direct: Direct::new(endpoint), fingerprint: endpoint.fingerprint() })
    }

    /// A name that tells this destination from others and gives nothing away.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Sends records, one a line. Returns how many of them were quarantined.
    ///
    /// # Errors
    ///
    /// Why they were given up, after a second try where that could help.
    pub fn send(&mut self, body: &[u8]) -> Result<u64, String> {
        self.direct.send(body)
    }

    /// What the endpoint says of the data source.
    ///
    /// # Errors
    ///
    /// Why there was no answer.
    pub fn datasource(&self) -> Result<Answer, String> {
        self.direct.datasource().map(Answer::from)
    }

    /// What it says to a request without a record.
    ///
    /// # Errors
    ///
    /// Why there was no answer.
    pub fn no_records(&self) -> Result<Answer, String> {
        self.direct.no_records().map(Answer::from)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl From<(u16, String)> for Answer {
    fn from((status, body): (u16, String)) -> Self {
        Self { status, body }
    }
}

impl Left {
    /// All that is left in a spool directory, by destination; nothing where there is none, or another process sends it.
    #[must_use]
    pub fn all(directory: &Path) -> Vec<Self> {
        let Some(spool) = Spool::open(Some(directory)) else { return Vec::new() };
        spool.end_crashed_sessions(None);
        let destinations = spool.destinations().into_iter();
        destinations
            .filter_map(|to| spool.left(&to, false, || {}).ok().flatten().map(Self))
            .collect()
    }

    /// How many sessions left something in a spool directory.
    ///
    /// # Errors
    ///
    /// Why the directory cannot be used.
    pub fn usable(directory: &Path) -> Result<usize, String> {
        Spool::usable(directory).map(|spool| spool.left_behind())
    }

    /// The next records, as many as fit these bytes.
    pub fn next(&mut self, most_bytes: usize) -> Option<Chunk> {
        self.0.next(most_bytes).map(Chunk)
    }

    /// Notes that those stay where they are.
    pub fn keep(&mut self) {
        self.0.keep();
    }
}

impl Chunk {
    /// One a line.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// How many they are.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.0.records
    }

    /// Forgets them: they have arrived.
    pub fn forget(&self) {
        self.0.forget();
    }
}

/// Whether a line, with its end, is a record.
#[must_use]
pub fn is_record(line: &[u8]) -> bool {
    spool::is_record(line)
}

/// A short name for something.
#[must_use]
pub fn fingerprint(parts: &[&str]) -> String {
    spool::fingerprint(parts)
}

/// Whether the directory for what is not delivered can be used; why not is said on stderr. The variables may name
/// another than this.
#[must_use]
pub fn spool_directory(plan: &Plan, default: &Path) -> Option<std::path::PathBuf> {
    let wanted = plan.spool().unwrap_or(default);
    Spool::open(Some(wanted)).map(|spool| spool.directory().to_owned())
}
