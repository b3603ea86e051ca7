//! The progress bar. It is shown on a terminal only.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::Source;
use crate::input::{self, Input};

#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(sources: &[Source]) -> Self {
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let total = sources.iter().map(|source| match source {
            Source::Input(Input::File(path)) => size(path),
            Source::Input(Input::Stdin) => 0,
            Source::Spool(path) => {
                let files = input::list(path).map(|(files, _)| files).unwrap_or_default();
                files.iter().filter(|file| super::is_spooled(file)).map(|file| size(file)).sum()
            }
        });
        // The bar is on stderr, and hidden if that is not a terminal.
        let bar = ProgressBar::new(total.sum());
        let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta:>4}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Advances with what is read from a file.
    pub(crate) fn watch(&self, file: File) -> Box<dyn Read> {
        Box::new(self.0.wrap_read(file))
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Writes a line to stdout.
    pub(crate) fn say(&self, line: &str) {
        // The reader of the output may have closed it.
        self.0.suspend(|| drop(writeln!(io::stdout(), "{line}")));
    }

    /// Hides the bar while `write` prints.
    pub(crate) fn aside(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
