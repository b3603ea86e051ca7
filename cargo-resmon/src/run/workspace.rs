//! What Cargo knows of the workspace whose tests run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::{Metadata, MetadataCommand, Target, TargetKind};

use super::wrapped::Wrapped;

#[derive(Debug)]
pub(crate) struct Workspace {
    /// Cargo's target directory.
    pub(crate) target: PathBuf,
    /// The package in its root, or the name of its folder.
    pub(crate) name: String,
    sources: Sources,
}

/// The source file of each target, by the directory of its package and the name that nextest gives it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(HashMap<(PathBuf, String), String>);

impl Workspace {
    pub(crate) fn of(wrapped: &Wrapped) -> anyhow::Result<Self> {
        let mut command = MetadataCommand::new();
        command.no_deps();
        if let Some(path) = wrapped.values("--manifest-path").pop() {
            command.manifest_path(path);
        }
        let metadata = command.exec().context("cannot read the workspace")?;
        let folder = || metadata.workspace_root.file_name().unwrap_or("workspace").to_owned();
        let package = metadata.root_package().map(|package| package.name.to_string());
        Ok(Self {
            target: metadata.target_directory.clone().into_std_path_buf(),
            name: package.unwrap_or_else(folder),
            sources: Sources::of(&metadata),
        })
    }

    pub(crate) fn into_sources(self) -> Sources {
        self.sources
    }
}

impl Sources {
    fn of(metadata: &Metadata) -> Self {
        let root = metadata.workspace_root.as_std_path();
        let mut sources = HashMap::new();
        for package in &metadata.packages {
            let folder = package.manifest_path.parent().map(|path| path.as_std_path().to_owned());
            for target in &package.targets {
                let source = target.src_path.as_std_path();
                // As the compiler names it: relative, where that is possible.
                let source = source.strip_prefix(root).unwrap_or(source);
                let source = source.to_string_lossy().replace('\\', "/");
                let key = (folder.clone().unwrap_or_default(), binary_id(&package.name, target));
                sources.insert(key, source);
            }
        }
        Self(sources)
    }

    /// The source file of a test binary. Where the workspace has no such target, its name stands in.
    pub(crate) fn of_binary(&self, manifest_dir: &str, binary_id: &str) -> String {
        let key = (Path::new(manifest_dir).to_owned(), binary_id.to_owned());
        self.0.get(&key).cloned().unwrap_or_else(|| binary_id.replace("::", "/"))
    }
}

/// As nextest makes it.
fn binary_id(package: &str, target: &Target) -> String {
    let kind = target.kind.first();
    match kind {
        Some(TargetKind::Test) => format!("{package}::{}", target.name),
        Some(TargetKind::Bin) => format!("{package}::bin/{}", target.name),
        Some(TargetKind::Example) => format!("{package}::example/{}", target.name),
        Some(TargetKind::Bench) => format!("{package}::bench/{}", target.name),
        _ => package.to_owned(),
    }
}
