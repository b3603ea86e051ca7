//! Torn lines: a file that several processes append to may end in an unfinished line.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Whether the file ends in an unfinished line that no process is still writing.
///
/// # Errors
///
/// Errors of reading the file.
pub fn is_torn(mut file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    // Not for a pipe: reading from it would take data that others wait for.
    if metadata.len() == 0 || !metadata.is_file() {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(metadata.len() - 1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(false);
    }
    // The last line may still be growing. Setting the permissions that the file already has changes nothing, but waits
    // for a write in progress.
    let _ = file.set_permissions(metadata.permissions());
    Ok(file.metadata()?.len() == metadata.len())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_a_line_without_its_end_is_torn() {
        let mut file = tempfile::tempfile().unwrap();
        for (written, torn) in [("", false), ("{}\n", false), ("{", true), ("}\n", false)] {
            file.seek(SeekFrom::End(0)).unwrap();
            file.write_all(written.as_bytes()).unwrap();
            assert_eq!(is_torn(&file).unwrap(), torn, "after {written:?}");
        }
    }
}
