//! Checks whether the harness can be built, which measures tests from inside without a change to their code.

use std::path::Path;

use anyhow::Context;
use cargo_metadata::MetadataCommand;

use super::Findings;
use crate::cargo_config::CargoConfig;
use crate::harness::{Builder, Compiler};
use crate::run::Flags;
use crate::wrapped::Wrapped;

const WHAT: &str = "harness";

pub(super) fn examine(findings: &mut Findings, flags: &Flags) {
    if flags.instrumentation("test").is_none() {
        findings.note(WHAT, "switched off: `cargo resmon test` measures test binaries, and tests with the attribute");
        return;
    }
    findings.note(
        "instrumented build",
        "`cargo resmon test` compiles test binaries of the workspace, and nothing else, with unstable features of the \
         compiler (RUSTC_BOOTSTRAP); --no-instrument or RESMON_INSTRUMENT=0 switches that off",
    );
    match build() {
        Ok(how) => findings.good(WHAT, how),
        Err(error) => findings.problem(
            WHAT,
            format_args!(
                "cannot be built, so that tests are measured by their binary only: {error:#}"
            ),
        ),
    }
}

/// Finds the harness that a run would use, or builds a temporary one.
fn build() -> anyhow::Result<String> {
    let compiler = Compiler::of(&CargoConfig::load("test", &Wrapped::default())?)?;
    let host = compiler.host()?.to_owned();
    let name = compiler.name();
    let metadata = MetadataCommand::new().no_deps().exec();
    let kept = metadata.ok().map(|metadata| metadata.target_directory.join("resmon/harness"));
    if let Some(kept) = kept
        && Builder::new(&compiler, kept.as_std_path())?.built(&host, false).is_some()
    {
        return Ok(format!("built for {name}"));
    }
    let folder = tempfile::tempdir().context("cannot create a build directory")?;
    let folder: &Path = folder.path();
    Builder::new(&compiler, folder)?.build(&host, false, true)?;
    Ok(format!("can be built for {name}"))
}
