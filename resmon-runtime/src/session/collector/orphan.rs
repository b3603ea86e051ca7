//! Orphans: intakes of runs whose `cargo resmon` was killed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use resmon_record::session_id;
use resmon_record::spool::{Kind, Segment, Spool};

use super::resume;
use super::run::{Placed, placed};
use crate::write::{File, Intake, Sink};

/// The intake of a run whose `cargo resmon` died.
#[derive(Debug)]
pub struct Orphan {
    pub(super) intake: Intake,
    pub(super) spool: Spool,
}

impl Orphan {
    /// Reads the next lines of the intake, none at its end.
    ///
    /// # Errors
    ///
    /// Errors of reading the file.
    pub fn read(&mut self) -> io::Result<Vec<Placed>> {
        placed(&mut self.intake)
    }

    /// Whether a test process of the run still writes to the intake, or its crash has yet to be reported there.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.intake.is_in_use()
    }

    /// Appends whole records to the file that is the destination of the run.
    ///
    /// # Errors
    ///
    /// Errors of writing to the file.
    pub fn to_file(&self, path: &Path, records: &[String]) -> io::Result<()> {
        let file = File::open("RESMON_FILE", path.to_owned(), 1);
        for record in records {
            file.session(resume(record).ok_or(io::ErrorKind::InvalidData)?);
        }
        match file.dropped() {
            0 => Ok(()),
            _ => Err(file.problem()),
        }
    }

    /// Writes whole records to a segment, which the next sender for that destination sends.
    ///
    /// # Errors
    ///
    /// Errors of writing to the spool.
    pub fn to_spool(&self, fingerprint: &str, records: &[String]) -> io::Result<()> {
        let id = session_id::new(SystemTime::now());
        let segment = Segment::new(&self.spool, &id, fingerprint, 1, Kind::Waiting);
        let new = segment.path.with_extension("new");
        let mut file = self.spool.open_file(&new, OpenOptions::new().create_new(true))?;
        let mut lines = records.join("\n");
        lines.push('\n');
        let written =
            file.write_all(lines.as_bytes()).and_then(|()| fs::rename(&new, segment.path));
        written.inspect_err(|_| drop(fs::remove_file(&new)))
    }

    /// Removes the intake: nothing in it is needed any more.
    pub fn remove(self) {
        self.intake.remove();
    }
}
