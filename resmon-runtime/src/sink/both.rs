//! A destination and a copy that stays here.

use std::sync::Arc;

use super::{File, Sink};
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

    fn batch_num(&self) -> u64 {
        // Both count the same records.
        self.copy.batch_num()
    }

    fn close(&self) {
        self.copy.close();
        if let Some(sink) = &self.sink {
            sink.close();
        }
    }
}
