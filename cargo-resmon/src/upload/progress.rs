//! The progress bar. It is shown on a terminal only.

use std::fs;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::Source;

#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(sources: &[Source]) -> Self {
        let size = |path: &std::path::Path| fs::metadata(path).map_or(0, |file| file.len());
        let total = sources.iter().map(|source| match source {
            Source::File(path) => size(path),
            Source::Spool(path) => {
                let files = crate::run_store::list(path).into_iter();
                files.filter(|file| super::is_spooled(file)).map(|file| size(&file)).sum()
            }
        });
        // The bar is on stderr, and hidden if that is not a terminal.
        let bar = ProgressBar::new(total.sum());
        let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta:>4}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
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
