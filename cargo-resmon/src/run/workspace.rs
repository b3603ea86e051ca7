//! Cargo's metadata of the workspace whose tests run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::{Metadata, MetadataCommand, Target, TargetKind};
use resmon_record::source::relative;

use crate::harness::{TargetName, Targets};
use crate::record::executable_name;
use crate::run_store;
use crate::wrapped::Wrapped;

#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the workspace.
    pub(crate) root: PathBuf,
    /// Cargo's target directory.
    pub(crate) target: PathBuf,
    /// The spool directory, for data that must survive this process.
    pub(crate) spool: PathBuf,
    /// The name of the root package, or else of the workspace's folder.
    pub(crate) name: String,
    sources: Sources,
    targets: Targets,
}

/// The source file of each target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// Paths from the workspace root, by the package's directory and nextest's binary id.
    by_id: HashMap<(PathBuf, String), String>,
    /// Paths from the package's directory, by that directory and the crate name. `None` if several targets share the
    /// name, such as a library and a program.
    by_crate: HashMap<(PathBuf, String), Option<String>>,
}

impl Workspace {
    pub(crate) fn of(wrapped: &Wrapped) -> anyhow::Result<Self> {
        let mut command = MetadataCommand::new();
        command.no_deps();
        if let Some(path) = wrapped.values("--workspace-remap").pop() {
            command.manifest_path(Path::new(&path).join("Cargo.toml"));
        } else if let Some(path) = wrapped.values("--manifest-path").pop() {
            command.manifest_path(path);
        }
        if let Some(path) = wrapped.values("--target-dir").pop() {
            command.env("CARGO_TARGET_DIR", path);
        }
        let config =
            wrapped.values("--config").into_iter().filter_map(|value| value.into_string().ok());
        command.other_options(
            config.flat_map(|value| ["--config".to_owned(), value]).collect::<Vec<_>>(),
        );
        let metadata = command.exec().context("cannot read the workspace")?;
        let folder = || metadata.workspace_root.file_name().unwrap_or("workspace").to_owned();
        let package = metadata.root_package().map(|package| package.name.to_string());
        Ok(Self {
            root: metadata.workspace_root.clone().into_std_path_buf(),
            target: metadata.target_directory.clone().into_std_path_buf(),
            spool: run_store::spool_of(&metadata),
            name: package.unwrap_or_else(folder),
            sources: Sources::of(&metadata),
            targets: Targets {
                workspace: metadata.workspace_root.clone().into_std_path_buf(),
                names: target_names(&metadata),
            },
        })
    }

    /// All targets.
    pub(crate) fn targets(&self) -> &Targets {
        &self.targets
    }

    pub(crate) fn into_sources(self) -> Sources {
        self.sources
    }
}

impl Sources {
    fn of(metadata: &Metadata) -> Self {
        let root = metadata.workspace_root.as_std_path();
        let mut sources = Self::default();
        for package in &metadata.packages {
            let folder = package.manifest_path.parent().map(|path| path.as_std_path().to_owned());
            for target in &package.targets {
                let source = target.src_path.as_std_path();
                sources.add_crate(folder.as_deref(), &target.name, source);
                let source = relative(source, root);
                let key = (folder.clone().unwrap_or_default(), binary_id(&package.name, target));
                sources.by_id.insert(key, source);
            }
        }
        sources
    }

    fn add_crate(&mut self, folder: Option<&Path>, target: &str, source: &Path) {
        let Some(folder) = folder else { return };
        let source = source.strip_prefix(folder).unwrap_or(source);
        let source = source.to_string_lossy().replace('\\', "/");
        let key = (folder.to_owned(), target.replace('-', "_"));
        let known = self.by_crate.entry(key).or_insert_with(|| Some(source.clone()));
        if known.as_ref() != Some(&source) {
            *known = None;
        }
    }

    /// Returns the source file of an executable, relative to its package. `None` if it is unknown or ambiguous.
    pub(crate) fn of_executable(&self, manifest_dir: &str, executable: &str) -> Option<String> {
        let name = executable_name(executable).replace('-', "_");
        self.by_crate.get(&(Path::new(manifest_dir).to_owned(), name))?.clone()
    }

    /// Returns the source file of a test binary. If the workspace has no such target, returns its binary id as a path.
    pub(crate) fn of_binary(&self, manifest_dir: &str, binary_id: &str) -> String {
        let key = (Path::new(manifest_dir).to_owned(), binary_id.to_owned());
        self.by_id.get(&key).cloned().unwrap_or_else(|| binary_id.replace("::", "/"))
    }
}

fn target_names(metadata: &Metadata) -> Vec<TargetName> {
    let targets = metadata.packages.iter().flat_map(|package| {
        package.targets.iter().map(|target| TargetName {
            source: target.src_path.clone().into_std_path_buf(),
            crate_name: target.name.replace('-', "_"),
            name: binary_id(&package.name, target),
        })
    });
    targets.collect()
}

/// Returns the binary id that nextest gives to a target.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_is_of_the_target_that_it_is_named_after() {
        let mut sources = Sources::default();
        for (target, source) in [
            ("my-shop", "src/lib.rs"),
            ("api", "tests/api.rs"),
            ("both", "src/lib.rs"),
            ("both", "src/main.rs"),
            ("by-hand", "tests/by-hand.rs"),
        ] {
            sources.add_crate(Some(Path::new("/w/p")), target, &Path::new("/w/p").join(source));
        }
        let of = |folder, name| {
            sources.of_executable(folder, &format!("/t/debug/deps/{name}-0123456789abcdef"))
        };
        assert_eq!(of("/w/p", "my_shop").as_deref(), Some("src/lib.rs"));
        assert_eq!(of("/w/p", "api").as_deref(), Some("tests/api.rs"));
        assert_eq!(of("/w/p", "both"), None, "a library and a program");
        assert_eq!(of("/w/q", "api"), None, "of another package");
        assert_eq!(sources.of_executable("/w/p", ""), None);
        // A name without a hash keeps what follows its last hyphen.
        let by_hand = sources.of_executable("/w/p", "/t/debug/by-hand");
        assert_eq!(by_hand.as_deref(), Some("tests/by-hand.rs"));
    }
}
