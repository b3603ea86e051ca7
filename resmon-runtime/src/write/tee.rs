//! A destination with a copy that stays on this machine.

use std::sync::Arc;

use resmon_record::line::Line;

use super::file::File;
use super::sink::{Position, Sink};

#[derive(Debug)]
pub(crate) struct Tee {
    pub(crate) copy: Arc<File>,
    pub(crate) sink: Option<Box<dyn Sink>>,
}

impl Sink for Tee {
    fn session(&self, line: Line) {
        self.copy.session(line.clone());
        if let Some(sink) = &self.sink {
            sink.session(line);
        }
    }

    fn test(&self, line: Line) {
        self.copy.test(line.clone());
        if let Some(sink) = &self.sink {
            sink.test(line);
        }
    }

    fn position(&self) -> Position {
        // The position in the destination: a crash is reported there.
        self.sink.as_ref().map_or_else(|| self.copy.position(), |sink| sink.position())
    }

    fn dropped(&self) -> u64 {
        self.sink.as_ref().map_or_else(|| self.copy.dropped(), |sink| sink.dropped())
    }

    fn close(&self) {
        self.copy.close();
        if let Some(sink) = &self.sink {
            sink.close();
        }
    }
}
