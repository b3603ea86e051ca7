//! The job summary of a GitHub Actions step.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};

use super::markdown::LIMIT;

const NO_ROOM: &str = "\n\nresmon: this summary is full, so that its report is not here\n";

/// Appends to the summary. Fails if it would exceed the size that GitHub shows, and says so in the summary if possible.
pub(crate) fn append(path: &Path, markdown: &str) -> anyhow::Result<()> {
    let context = || format!("cannot append to GITHUB_STEP_SUMMARY, {}", path.display());
    let mut file = OpenOptions::new().create(true).append(true).open(path).with_context(context)?;
    let before = file.metadata().with_context(context)?.len();
    // The text of other programs may lack a final line feed.
    let gap = if before > 0 { "\n\n" } else { "" };
    if write(&mut file, before, &format!("{gap}{markdown}")).with_context(context)? {
        return Ok(());
    }
    write(&mut file, before, NO_ROOM).with_context(context)?;
    bail!("the file of GITHUB_STEP_SUMMARY is full: {before} of {LIMIT} bytes")
}

/// Writes the text if there is room. Returns whether there was.
fn write(file: &mut File, before: u64, text: &str) -> std::io::Result<bool> {
    let fits = before.saturating_add(text.len() as u64) <= LIMIT as u64;
    if fits {
        file.write_all(text.as_bytes())?;
    }
    Ok(fits)
}
