//! The compiler that Cargo will use.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use cargo_config2::Config;

/// A compiler, by its path and by what it says of itself.
#[derive(Debug)]
pub(crate) struct Compiler {
    pub(crate) path: PathBuf,
    /// The output of `rustc -vV`.
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

    /// How it mangles the names of symbols by default, which backtraces show: with unstable features it may be another way.
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
        // On some systems a symbol has one underscore more.
        [("ZN", "legacy"), ("R", "v0")]
            .into_iter()
            .find(|(start, _)| has(*start))
            .map(|(_, name)| name.to_owned())
    }

    /// Whether unstable features are allowed anyway.
    pub(crate) fn is_nightly(&self) -> bool {
        let release = self.version.lines().find_map(|line| line.strip_prefix("release: "));
        release.is_some_and(|release| release.ends_with("-nightly") || release.ends_with("-dev"))
    }
}
