//! Settings of the wrapper: a file beside the link by which Cargo calls it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::build::Harness;
use super::wrapper::NAME;

/// The name of the file.
const FILE: &str = "settings.json";

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Settings {
    /// The wrapper that is configured already.
    pub(super) chained: Option<PathBuf>,
    /// The triple of this machine, for which Cargo compiles where it names no target.
    pub(super) host: String,
    /// Whether the compiler allows unstable features by itself.
    pub(super) is_nightly: bool,
    /// Whether the heap is to be counted.
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

/// The name of a target of the workspace, by what the compiler is told of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct TargetName {
    /// Its absolute path.
    pub(crate) source: PathBuf,
    pub(crate) crate_name: String,
    /// The target's name, as nextest names binaries.
    pub(crate) name: String,
}

impl Settings {
    /// Writes them and makes the link beside them, whose path is the wrapper's.
    ///
    /// The path is part of Cargo's fingerprint, so that it names all on which the result of a compilation depends.
    pub(super) fn install(&self, folder: &Path, key: &str) -> anyhow::Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        // Workspaces may share a target directory.
        (key, &self.chained, &self.targets.workspace).hash(&mut hasher);
        let heap = if self.heap { "-heap" } else { "" };
        let name = format!("{}-{:016x}{heap}", env!("CARGO_PKG_VERSION"), hasher.finish());
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        // In one step: another run may be reading them.
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

    /// The harness for a target.
    pub(super) fn harness(&self, triple: Option<&str>, heap: bool) -> Option<&Harness> {
        let triple = triple.unwrap_or(&self.host);
        self.harnesses.iter().find(|harness| harness.triple == triple && harness.heap == heap)
    }

    /// The name of the target that is compiled from this file.
    pub(super) fn target(&self, source: &Path, crate_name: &str) -> Option<&str> {
        let is_it =
            |target: &&TargetName| target.source == source && target.crate_name == crate_name;
        self.targets.names.iter().find(is_it).map(|target| target.name.as_str())
    }
}
