//! What is left of a run whose `cargo resmon` was killed.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::resume;
use super::run::{Placed, placed};
use crate::identity;
use crate::sink::{File, Sink};
use crate::spool::{Intake, Live, Spool};

/// What a run left whose `cargo resmon` died.
#[derive(Debug)]
pub struct Orphan {
    pub(super) intake: Intake,
    pub(super) spool: Spool,
}

impl Orphan {
    /// The next lines that are in it, none at its end.
    ///
    /// # Errors
    ///
    /// Those of reading the file.
    pub fn read(&mut self) -> io::Result<Vec<Placed>> {
        placed(&mut self.intake)
    }

    /// Appends whole records to a file: the destination of that run.
    ///
    /// # Errors
    ///
    /// Those of writing to the file.
    pub fn to_file(&self, path: &Path, records: &[String]) -> io::Result<()> {
        let file = File::open("RESMON_FILE", path.to_owned(), 1);
        for record in records {
            file.session(resume(record).ok_or(io::ErrorKind::InvalidData)?);
        }
        file.close();
        Ok(())
    }

    /// Leaves whole records for the next session of that destination, which may be this one.
    ///
    /// # Errors
    ///
    /// Those of writing to the spool.
    pub fn to_spool(&self, fingerprint: &str, records: &[String]) -> io::Result<()> {
        let id = identity::session_id(SystemTime::now());
        let live = Live::create(&self.spool, &id, fingerprint)?;
        for record in records {
            live.append(format!("{record}\n").as_bytes())?;
        }
        live.leave()
    }

    /// Ends it: nothing in it is needed.
    pub fn remove(self) {
        self.intake.remove();
    }
}
