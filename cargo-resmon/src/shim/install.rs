//! The installation of the shim: this program as Cargo's runner of test binaries, in front of the user's runners.

use std::env;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use cargo_config2::Config;
use tempfile::TempDir;

use super::{ARGUMENT, Chain, VARIABLE};
use crate::harness::{WRAPPER, previous_wrapper};
use crate::wrapped::Wrapped;

/// The shim of a run, until this value is dropped.
#[derive(Debug)]
pub(crate) struct Shim {
    path: PathBuf,
    chains: Vec<Chain>,
    _folder: Option<TempDir>,
}

impl Shim {
    pub(crate) fn new(wrapped: &Wrapped) -> anyhow::Result<Self> {
        let own = env::current_exe().context("this program cannot tell where it is")?;
        let (path, folder) = without_spaces(&own)?;
        Ok(Self { path, chains: chains(wrapped)?, _folder: folder })
    }

    /// Sets Cargo's variables for runners, which win over its configuration files.
    pub(crate) fn put_into(&self, command: &mut Command) {
        for Chain { variable, .. } in &self.chains {
            let mut runner = self.path.clone().into_os_string();
            for part in [ARGUMENT.as_ref(), variable.as_os_str()] {
                runner.push(" ");
                runner.push(part);
            }
            command.env(variable, runner);
        }
        let (variable, value) = (WRAPPER.into(), previous_wrapper());
        let mut chains = vec![Chain { variable, value, runner: Vec::new() }];
        chains.extend_from_slice(&self.chains);
        command.env(VARIABLE, Chain::encode(&chains));
    }
}

/// Returns the user's runner for each target that tests are built for, and for the host, where the tests of procedural
/// macros run.
fn chains(wrapped: &Wrapped) -> anyhow::Result<Vec<Chain>> {
    let config = Config::load().context("cannot read Cargo's configuration")?;
    triples_of(&config, wrapped)?
        .into_iter()
        .map(|triple| {
            let name = triple.to_uppercase().replace(['-', '.'], "_");
            let variable = OsString::from(format!("CARGO_TARGET_{name}_RUNNER"));
            let runner = config.runner(triple.as_str())?.map(|runner| {
                let program = runner.path.into_os_string();
                [program].into_iter().chain(runner.args).collect()
            });
            let (value, runner) = (env::var_os(&variable), runner.unwrap_or_default());
            Ok(Chain { variable, value, runner })
        })
        .collect()
}

/// Returns the target triples that tests are built for, and that of the host.
pub(crate) fn triples(wrapped: &Wrapped) -> anyhow::Result<Vec<String>> {
    triples_of(&Config::load().context("cannot read Cargo's configuration")?, wrapped)
}

fn triples_of(config: &Config, wrapped: &Wrapped) -> anyhow::Result<Vec<String>> {
    let targets = wrapped.values("--target");
    let targets = targets.iter().filter_map(|target| target.to_str());
    let mut triples: Vec<String> = config
        .build_target_for_config(targets)?
        .iter()
        .map(|target| target.triple().to_owned())
        .collect();
    triples.push(config.host_triple()?.to_owned());
    triples.sort_unstable();
    triples.dedup();
    Ok(triples)
}

/// Returns the user's runners, each formatted as an array in Cargo's configuration.
pub(crate) fn configured_runners(wrapped: &Wrapped) -> anyhow::Result<Vec<String>> {
    let chains = chains(wrapped)?.into_iter().filter(|chain| !chain.runner.is_empty());
    Ok(chains.map(|chain| format!("{:?}", chain.runner)).collect())
}

/// Returns a path to this program without white space, at which Cargo would split the variable.
fn without_spaces(own: &Path) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    let is_fit = |path: &Path| !path.as_os_str().as_bytes().iter().any(u8::is_ascii_whitespace);
    if is_fit(own) {
        return Ok((own.to_owned(), None));
    }
    let folder = tempfile::Builder::new().prefix("resmon-").tempdir()?;
    ensure!(is_fit(folder.path()), "there is a space in {:?}", folder.path());
    let path = folder.path().join("cargo-resmon");
    symlink(own, &path)?;
    Ok((path, Some(folder)))
}
