//! Files of records: which ones the arguments name, and their lines.

mod lines;
#[cfg(unix)]
mod pipe;
mod unpack;
mod zstd;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::clean::clean;

pub(crate) use self::lines::Lines;

/// The ends of the names by which a directory's files of records are known.
const NAMES: [&str; 3] = [".ndjson", ".ndjson.gz", ".ndjson.zst"];

/// A place to read records from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// Returns its name for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => clean(&path.display().to_string()),
        }
    }

    /// Opens it for reading. It is not unpacked.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read>> {
        let path = match self {
            Self::Stdin => return Ok(Box::new(io::stdin())),
            Self::File(path) => path,
        };
        #[cfg(unix)]
        if std::os::unix::fs::FileTypeExt::is_fifo(&fs::metadata(path)?.file_type()) {
            return Ok(Box::new(pipe::open(path)?));
        }
        Ok(Box::new(open_file(path)?))
    }

    /// Opens it and reads it line by line, unpacked.
    pub(crate) fn lines(&self) -> anyhow::Result<Lines> {
        let opened = self.open().with_context(|| format!("cannot read {}", self.name()))?;
        Lines::new(self.name(), opened)
    }
}

/// Opens a regular file. Others might never end.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::other("it is not a file"))
    }
}

/// Returns the inputs that the arguments name, each once: `-` is standard input, a directory stands for the files of
/// records in and below it, and a pattern for what it matches.
pub(crate) fn inputs(arguments: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            inputs.push(Input::Stdin);
            continue;
        }
        for path in expand(argument)? {
            if path.is_dir() {
                let mut files = Vec::new();
                add_files(&path, &mut files)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                ensure!(
                    !files.is_empty(),
                    "{} holds no file of records: {}",
                    path.display(),
                    ends()
                );
                inputs.extend(files.into_iter().map(Input::File));
            } else {
                inputs.push(Input::File(path));
            }
        }
    }
    let mut seen = HashSet::new();
    inputs.retain(|input| {
        seen.insert(match input {
            Input::Stdin => PathBuf::from("-"),
            Input::File(path) => fs::canonicalize(path).unwrap_or_else(|_| path.clone()),
        })
    });
    Ok(inputs)
}

/// Returns the paths that match a pattern, for shells that leave patterns alone. What exists is no pattern.
pub(crate) fn expand(argument: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let pattern = argument.to_str().filter(|text| text.contains(['*', '?', '[']));
    let Some(pattern) = pattern.filter(|_| argument.symlink_metadata().is_err()) else {
        return Ok(vec![argument.to_owned()]);
    };
    let paths = glob::glob(pattern).with_context(|| format!("{pattern} is not a pattern"))?;
    let paths: Vec<_> = paths
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot read all that {pattern} may match"))?;
    if paths.is_empty() {
        bail!("no file matches {pattern}");
    }
    Ok(paths)
}

/// Returns the files of records in a directory, sorted, and its subdirectories.
pub(crate) fn list(directory: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // A link to a directory is neither: it may lead back.
        if entry.file_type()?.is_dir() {
            directories.push(path);
        } else if NAMES.iter().any(|end| name.ends_with(end)) && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    directories.sort();
    Ok((files, directories))
}

/// Says how a file of records is named in a directory.
pub(crate) fn ends() -> String {
    let [plain, gzip, zstd] = NAMES;
    format!("their names end in {plain}, {gzip} or {zstd}")
}

/// Adds the files of records in and below a directory.
fn add_files(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let (here, below) = list(directory)?;
    files.extend(here);
    below.iter().try_for_each(|directory| add_files(directory, files))
}
