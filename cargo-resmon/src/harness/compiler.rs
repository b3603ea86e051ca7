//! The compiler that Cargo will use.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::cargo_config::CargoConfig;

/// A compiler, by its path and its version output.
#[derive(Debug)]
pub(crate) struct Compiler {
    pub(crate) path: PathBuf,
    /// The output of `rustc -vV`.
    pub(crate) version: String,
}

impl Compiler {
    pub(crate) fn of(config: &CargoConfig) -> anyhow::Result<Self> {
        let path = config.rustc();
        let output = Command::new(&path).arg("-vV").output();
        let output = output.with_context(|| format!("cannot run {}", path.display()))?;
        ensure!(output.status.success(), "{} -vV fails", path.display());
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Self { path, version })
    }

    /// Returns the first line of the version, such as `rustc 1.88.0 (6b00bc388 2025-06-23)`.
    pub(crate) fn name(&self) -> &str {
        self.version.lines().next().unwrap_or("this compiler")
    }

    /// Returns the target triple of this machine.
    pub(crate) fn host(&self) -> anyhow::Result<&str> {
        let host = self.version.lines().find_map(|line| line.strip_prefix("host: "));
        host.context("the compiler does not name its host")
    }

    /// Returns the default symbol mangling, `legacy` or `v0`. Backtraces show it, and enabling unstable features may
    /// change it.
    pub(crate) fn mangling(&self) -> Option<String> {
        let mut command = Command::new(&self.path);
        command.args(["-", "--crate-type=lib", "--crate-name=mangled", "--emit=asm", "-o", "-"]);
        command.env_remove("RUSTC_BOOTSTRAP");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        child.stdin.take()?.write_all(b"#[inline(never)] pub fn named() {}").ok()?;
        let assembly = child.wait_with_output().ok()?.stdout;
        let assembly = String::from_utf8_lossy(&assembly);
        let has = |start| {
            assembly.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word: &str| {
                word.trim_start_matches('_').starts_with(start) && word.contains("named")
            })
        };
        // `has` strips leading underscores: their number depends on the system.
        [("ZN", "legacy"), ("R", "v0")]
            .into_iter()
            .find(|(start, _)| has(*start))
            .map(|(_, name)| name.to_owned())
    }

    /// Returns whether the compiler allows unstable features by itself.
    pub(crate) fn is_nightly(&self) -> bool {
        let release = self.version.lines().find_map(|line| line.strip_prefix("release: "));
        release.is_some_and(|release| release.ends_with("-nightly") || release.ends_with("-dev"))
    }
}
