//! A destination and a copy that stays here.

use std::sync::Arc;

use super::{File, Position, Sink};
use crate::line::Line;

#[derive(Debug)]
pub(crate) struct Both {
    pub(crate) copy: Arc<File>,
    pub(crate) sink: Option<Box<dyn Sink>>,
}

impl Sink for Both {
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
        // That of the destination, which is where a crash would be told of.
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
