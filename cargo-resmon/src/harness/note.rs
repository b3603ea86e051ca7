//! Notes about a test binary, in a file beside it. They are written when it is compiled, as Cargo keeps binaries
//! between runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A note: one `name=value` per line. The harness reads it too: see `harness/lib.rs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// The Cargo target, as nextest names binaries.
    pub(crate) target: Option<String>,
    /// The package's directory on this machine.
    pub(crate) manifest_dir: Option<String>,
    /// The package's directory, from the root of the workspace.
    pub(crate) folder: String,
    /// The target's source file, from the root of the workspace.
    pub(crate) root: String,
    /// The `OUT_DIR` of the package's build script.
    pub(crate) out_dir: Option<String>,
    /// The reason why its tests are not measured from inside; `None` if they are.
    pub(crate) not_instrumented: Option<String>,
    /// The reason why its heap is not counted although that was requested.
    pub(crate) heap_not_counted: Option<String>,
}

impl Note {
    fn path(executable: &Path) -> PathBuf {
        executable.with_extension("resmon")
    }

    pub(crate) fn read(executable: &Path) -> Option<Self> {
        let text = fs::read_to_string(Self::path(executable)).ok()?;
        let value = |name: &str| {
            let values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            values.map(str::to_owned).next()
        };
        Some(Self {
            target: value("target"),
            manifest_dir: value("manifest_dir"),
            folder: value("folder")?,
            root: value("root")?,
            out_dir: value("out_dir"),
            not_instrumented: value("not_instrumented"),
            heap_not_counted: value("heap_not_counted"),
        })
    }

    pub(super) fn write(&self, executable: &Path) -> io::Result<()> {
        let values = [
            ("target", self.target.as_deref()),
            ("manifest_dir", self.manifest_dir.as_deref()),
            ("folder", Some(self.folder.as_str())),
            ("root", Some(self.root.as_str())),
            ("out_dir", self.out_dir.as_deref()),
            ("not_instrumented", self.not_instrumented.as_deref()),
            ("heap_not_counted", self.heap_not_counted.as_deref()),
        ];
        let lines = values.iter().filter_map(|(name, value)| {
            // A line break within a value would start another line.
            Some(format!("{name}={}\n", (*value)?.replace(['\n', '\r'], " ")))
        });
        fs::write(Self::path(executable), lines.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let executable = folder.path().join("api-0123456789abcdef");
        assert_eq!(Note::read(&executable), None);
        let note = Note {
            target: Some("shop::api".to_owned()),
            folder: "crates/shop".to_owned(),
            root: "tests/a=b.rs".to_owned(),
            not_instrumented: Some("error: x\ny".to_owned()),
            ..Note::default()
        };
        note.write(&executable).unwrap();
        let not_instrumented = Some("error: x y".to_owned());
        assert_eq!(Note::read(&executable), Some(Note { not_instrumented, ..note }));
    }
}
