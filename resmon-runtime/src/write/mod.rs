//! The destinations of records in the test process: a file, or the spool, from which the sender takes them.

mod file;
#[cfg(all(unix, feature = "collector"))]
mod intake;
mod journal;
mod sender;
mod sink;
mod spooled;
#[cfg(all(unix, feature = "collector"))]
mod tee;
pub(crate) mod warning;

use resmon_record::config::{Config, Output};

pub(crate) use self::file::File;
#[cfg(all(unix, feature = "collector"))]
pub(crate) use self::intake::Intake;
pub(crate) use self::journal::Journal;
use self::sink::Nothing;
pub(crate) use self::sink::{Place, Position, Sink};
use self::spooled::Spooled;
#[cfg(all(unix, feature = "collector"))]
pub(crate) use self::tee::Tee;

/// Returns a destination that writes nothing.
pub(crate) fn nothing() -> Box<dyn Sink> {
    Box::new(Nothing)
}

/// Opens the destination of the configuration.
pub(crate) fn open(config: Config, place: Place<'_>) -> Box<dyn Sink> {
    match config.output {
        Output::Tinybird(endpoint) => Box::new(Spooled::open(config.delivery, &endpoint, place)),
        Output::File(path) => {
            let name = if config.child.is_some() { "the file of this run" } else { "RESMON_FILE" };
            Box::new(File::open(name, path, config.delivery.batch_size))
        }
        Output::Nothing => unreachable!("the session does not start"),
    }
}
