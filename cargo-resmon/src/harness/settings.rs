//! The settings of the wrapper: a file beside the link through which Cargo calls it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::build::Harness;

/// The name of the link by which Cargo calls the wrapper.
pub(super) const NAME: &str = "resmon-rustc";

/// The name of the settings file.
const FILE: &str = "settings.json";

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Settings {
    /// The wrapper that the user has configured. This one calls it.
    pub(super) chained: Option<PathBuf>,
    /// The target triple of this machine. Cargo compiles for it when it passes no `--target`.
    pub(super) host: String,
    /// Whether the compiler allows unstable features by itself.
    pub(super) is_nightly: bool,
    /// Whether to count heap allocations.
    pub(super) heap: bool,
    pub(super) harnesses: Vec<Harness>,
    pub(super) targets: Targets,
}

/// The targets of a workspace.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Targets {
    /// The root of the workspace.
    pub(crate) workspace: PathBuf,
    pub(crate) names: Vec<TargetName>,
}

/// The name of a Cargo target, with the arguments by which the compiler knows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct TargetName {
    /// The absolute path of its source file.
    pub(crate) source: PathBuf,
    pub(crate) crate_name: String,
    /// The target's name, as nextest names binaries.
    pub(crate) name: String,
}

impl Settings {
    /// Writes the settings and the link beside them. Returns the path of the link, which is the wrapper's.
    ///
    /// The path is part of Cargo's fingerprint. It therefore contains everything that changes the result of a
    /// compilation.
    pub(super) fn install(&self, folder: &Path, key: &str) -> anyhow::Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        // Workspaces may share a target directory.
        (key, &self.chained, &self.targets.workspace).hash(&mut hasher);
        let heap = if self.heap { "-heap" } else { "" };
        let name = format!("{}-{:016x}{heap}", env!("CARGO_PKG_VERSION"), hasher.finish());
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        // Replaced atomically, as another run may be reading the settings.
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        serde_json::to_writer(&mut file, self)
            .context("cannot write the settings of the wrapper")?;
        file.persist(folder.join(FILE))?;
        let (link, own) = (folder.join(NAME), std::env::current_exe()?);
        if fs::read_link(&link).ok().as_ref() != Some(&own) {
            let scratch = tempfile::tempdir_in(&folder)?;
            symlink(&own, scratch.path().join(NAME))?;
            fs::rename(scratch.path().join(NAME), &link)?;
        }
        Ok(link)
    }

    /// Reads the settings that lie beside the link.
    pub(super) fn beside(link: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(link.with_file_name(FILE))?)?)
    }

    /// Returns the harness for a target.
    pub(super) fn harness(&self, triple: Option<&str>, heap: bool) -> Option<&Harness> {
        let triple = triple.unwrap_or(&self.host);
        self.harnesses.iter().find(|harness| harness.triple == triple && harness.heap == heap)
    }

    /// Returns the name of the target that is compiled from this file.
    pub(super) fn target(&self, source: &Path, crate_name: &str) -> Option<&str> {
        let is_it =
            |target: &&TargetName| target.source == source && target.crate_name == crate_name;
        self.targets.names.iter().find(is_it).map(|target| target.name.as_str())
    }
}
