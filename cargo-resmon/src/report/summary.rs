//! The summary of a job of GitHub Actions.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;

use super::markdown::LIMIT;

const NO_ROOM: &str =
    "\nresmon: the summary of this step is full, so that its report is not here\n";

/// Appends to the summary of the step. Says whether there was room for it.
pub(crate) fn append(file: &Path, markdown: &str) -> anyhow::Result<bool> {
    let context = || format!("cannot append to GITHUB_STEP_SUMMARY, {}", file.display());
    append_to(file, markdown).with_context(context)
}

fn append_to(file: &Path, markdown: &str) -> io::Result<bool> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    let before = file.metadata()?.len();
    let fits = |text: &str| before.saturating_add(text.len() as u64) <= LIMIT as u64;
    // What somebody else wrote may lack the end of its line.
    let markdown = if before > 0 { format!("\n\n{markdown}") } else { markdown.to_owned() };
    if fits(&markdown) {
        file.write_all(markdown.as_bytes())?;
        return Ok(true);
    }
    if fits(NO_ROOM) {
        file.write_all(NO_ROOM.as_bytes())?;
    }
    Ok(false)
}
