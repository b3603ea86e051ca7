//! Where records go.

#[cfg(all(unix, feature = "collector"))]
mod both;
mod file;
#[cfg(feature = "tinybird")]
mod tinybird;

use std::fmt::Debug;

#[cfg(all(unix, feature = "collector"))]
pub(crate) use self::both::Both;
pub(crate) use self::file::File;
#[cfg(all(unix, feature = "collector"))]
pub(crate) use self::tinybird::Direct;
use crate::config::{Config, Output};
use crate::line::Line;
use crate::spool::Spool;

/// A destination of records. Nothing it does may fail a test: what goes wrong is a warning.
pub(crate) trait Sink: Debug + Send + Sync {
    /// Takes the record of a session event.
    fn session(&self, line: Line);

    /// Takes the record of a test, and adds its `batch_num`.
    fn test(&self, line: Line);

    /// Where the record of a test that is open would stand.
    fn position(&self) -> Position;

    /// How many records are known to be lost.
    fn dropped(&self) -> u64;

    /// Delivers what is left, within the time that the configuration allows, and says what could not be.
    fn close(&self);
}

/// The place of a record that is still to come.
pub(crate) struct Position {
    /// The batch that the next test record will belong to.
    pub(crate) batch_num: u64,
    /// How long the file is that the record will be appended to.
    pub(crate) from: u64,
}

/// A session, and where its records may wait.
#[cfg_attr(not(feature = "tinybird"), allow(dead_code))]
pub(crate) struct Place<'a> {
    pub(crate) spool: Option<Spool>,
    pub(crate) session_id: &'a str,
    pub(crate) run_id: &'a str,
}

/// The destination that the environment asks for.
#[cfg_attr(not(feature = "tinybird"), expect(unused_variables, clippy::needless_pass_by_value))]
pub(crate) fn open(config: Config, place: Place<'_>) -> Box<dyn Sink> {
    match config.output {
        #[cfg(feature = "tinybird")]
        Output::Tinybird(endpoint) => {
            Box::new(tinybird::Tinybird::open(config.delivery, endpoint, place))
        }
        Output::File(path) => {
            let name = if config.unit.is_some() { "the file of this run" } else { "RESMON_FILE" };
            Box::new(File::open(name, path, config.delivery.batch_size))
        }
        Output::Nothing => unreachable!("the session does not start"),
    }
}

/// The batch that the test record of this index, counted from 0, belongs to.
fn batch_num(index: u64, batch_size: u64) -> u64 {
    index / batch_size + 1
}
