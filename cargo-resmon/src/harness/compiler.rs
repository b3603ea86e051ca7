//! The compiler that Cargo will use.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use cargo_config2::Config;

/// A compiler, by its path and by what it says of itself.
#[derive(Debug)]
pub(crate) struct Compiler {
    pub(crate) path: PathBuf,
    /// What `rustc -vV` prints.
    pub(crate) version: String,
}

impl Compiler {
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let command = config.rustc();
        // Wrappers come first, and the compiler last.
        let path = command.args.last().map_or_else(|| command.path.clone(), PathBuf::from);
        let output = Command::new(&path).arg("-vV").output();
        let output = output.with_context(|| format!("cannot run {}", path.display()))?;
        ensure!(output.status.success(), "{} -vV fails", path.display());
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Self { path, version })
    }

    /// Such as `rustc 1.88.0 (6b00bc388 2025-06-23)`.
    pub(crate) fn name(&self) -> &str {
        self.version.lines().next().unwrap_or("this compiler")
    }

    /// Whether unstable features are allowed anyway.
    pub(crate) fn is_nightly(&self) -> bool {
        let release = self.version.lines().find_map(|line| line.strip_prefix("release: "));
        release.is_some_and(|release| release.ends_with("-nightly") || release.ends_with("-dev"))
    }
}
