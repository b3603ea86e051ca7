//! Where records go.

mod file;
#[cfg(feature = "tinybird")]
mod tinybird;

use std::fmt::Debug;

use crate::config::{Config, Output};
use crate::line::Line;

/// A destination of records. Nothing it does may fail a test: what goes wrong is a warning.
pub(crate) trait Sink: Debug + Send + Sync {
    /// Takes the record of a session event.
    fn session(&self, line: Line);

    /// Takes the record of a test, and adds its `batch_num`.
    fn test(&self, line: Line);

    /// Delivers what is left, within the time that the configuration allows, and says what could not be.
    fn close(&self);
}

/// The destination that the environment asks for, if any.
pub(crate) fn open(config: Config) -> Option<Box<dyn Sink>> {
    match config.output {
        Output::Nothing => None,
        Output::File(path) => Some(Box::new(file::File::open(path, config.delivery.batch_size))),
        #[cfg(feature = "tinybird")]
        Output::Tinybird(endpoint) => {
            Some(Box::new(tinybird::Tinybird::open(config.delivery, endpoint)))
        }
    }
}

/// The batch that the test record of this index, counted from 0, belongs to.
fn batch_num(index: u64, batch_size: u64) -> u64 {
    index / batch_size + 1
}
