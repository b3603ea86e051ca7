//! The installation of the shim: this program as Cargo's runner of test binaries, in front of the user's runners.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, ensure};
use tempfile::TempDir;

use super::{ARGUMENT, Chain, VARIABLE};
use crate::cargo_config::{CargoConfig, runner_variable};
use crate::harness::{Compiler, WRAPPER, previous_wrapper};
use crate::wrapped::Wrapped;

/// The shim of a run, until this value is dropped.
#[derive(Debug)]
pub(crate) struct Shim {
    subcommand: String,
    path: PathBuf,
    targets: Vec<Target>,
    /// The options for Cargo that put the shim in front of runners that win over the variables.
    options: Vec<OsString>,
    _folder: Option<TempDir>,
}

/// A target that tests are built for, with the user's runner.
#[derive(Debug)]
struct Target {
    triple: String,
    chain: Chain,
    /// Whether the user's runner wins over the variable.
    beats_variable: bool,
    /// Whether the configuration has its runner as a list.
    is_list: bool,
}

impl Shim {
    pub(crate) fn new(
        subcommand: &str,
        wrapped: &Wrapped,
        config: &CargoConfig,
    ) -> anyhow::Result<Self> {
        let own = env::current_exe().context("cannot find the path of this program")?;
        let (path, folder) = without_spaces(&own)?;
        let targets = targets(wrapped, config)?;
        let (subcommand, options) = (subcommand.to_owned(), Vec::new());
        let mut shim = Self { subcommand, path, targets, options, _folder: folder };
        shim.options = shim.make_options()?;
        Ok(shim)
    }

    /// Sets Cargo's variables for runners, which win over its configuration files.
    pub(crate) fn put_into(&self, command: &mut Command) {
        for target in self.targets.iter().filter(|target| !target.beats_variable) {
            command.env(&target.chain.variable, self.words(target).join(" ".as_ref()));
        }
        let (variable, value) = (WRAPPER.into(), previous_wrapper());
        let mut chains = vec![Chain { variable, value, runner: Vec::new() }];
        chains.extend(self.targets.iter().map(|target| target.chain.clone()));
        command.env(VARIABLE, Chain::encode(&chains));
    }

    /// Returns the options for Cargo that put the shim in front of runners that win over the variables.
    pub(crate) fn options(&self) -> &[OsString] {
        &self.options
    }

    fn make_options(&self) -> anyhow::Result<Vec<OsString>> {
        let mut options = Vec::new();
        for target in self.targets.iter().filter(|target| target.beats_variable) {
            let words = self.words(target).into_iter().map(OsString::into_string);
            let words = words.collect::<Result<Vec<_>, _>>();
            let words = words.map_err(|word| anyhow!("{word:?} is not UTF-8"))?;
            // JSON of strings is valid TOML.
            let value = if target.is_list {
                serde_json::to_string(&words)
            } else {
                serde_json::to_string(&words.join(" "))
            };
            options.push("--config".into());
            options.push(format!("target.'{}'.runner={}", target.triple, value?).into());
        }
        Ok(options)
    }

    /// Returns whether the tests of any target have a runner of the user.
    pub(crate) fn has_runner(&self) -> bool {
        self.targets.iter().any(|target| !target.chain.runner.is_empty())
    }

    fn words(&self, target: &Target) -> [OsString; 4] {
        let words = [self.path.as_os_str(), ARGUMENT.as_ref(), self.subcommand.as_ref()];
        let [path, argument, subcommand] = words.map(OsStr::to_owned);
        [path, argument, subcommand, target.chain.variable.clone()]
    }
}

/// Returns the targets that tests are built for, and the host, where the tests of procedural macros run.
fn targets(wrapped: &Wrapped, config: &CargoConfig) -> anyhow::Result<Vec<Target>> {
    triples(wrapped, config)?
        .into_iter()
        .map(|triple| {
            let variable = OsString::from(runner_variable(&triple));
            let (value, runner) = (env::var_os(&variable), config.runner(&triple)?);
            let beats_variable = runner.as_ref().is_some_and(|runner| runner.beats_variable);
            let runner = runner.map(|runner| runner.words).unwrap_or_default();
            let is_list = config.is_runner_a_list(&triple);
            let chain = Chain { variable, value, runner };
            Ok(Target { triple, chain, beats_variable, is_list })
        })
        .collect()
}

/// Returns the triples of the targets that tests are built for, and that of the host.
pub(crate) fn triples(wrapped: &Wrapped, config: &CargoConfig) -> anyhow::Result<Vec<String>> {
    let compiler = Compiler::of(config)?;
    let host = compiler.host()?;
    let given =
        wrapped.values("--target").into_iter().filter_map(|target| target.into_string().ok());
    let mut triples: Vec<String> = given.collect();
    if triples.is_empty() {
        triples = config.build_targets();
    }
    for triple in &mut triples {
        if triple == "host-tuple" {
            host.clone_into(triple);
        } else if let Some(name) = triple.strip_suffix(".json") {
            // A file that describes a target, which is called by its name.
            *triple = name.rsplit('/').next().unwrap_or(name).to_owned();
        }
    }
    triples.push(host.to_owned());
    triples.sort_unstable();
    triples.dedup();
    Ok(triples)
}

/// Returns the user's runners, each formatted as an array in Cargo's configuration.
pub(crate) fn configured_runners() -> anyhow::Result<Vec<String>> {
    let wrapped = Wrapped::default();
    let targets = targets(&wrapped, &CargoConfig::load("test", &wrapped)?)?.into_iter();
    let runners = targets.map(|target| target.chain.runner).filter(|runner| !runner.is_empty());
    Ok(runners.map(|runner| format!("{runner:?}")).collect())
}

/// Returns a path to this program without white space, at which Cargo would split the variable.
fn without_spaces(own: &Path) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    let is_fit = |path: &Path| !path.as_os_str().as_bytes().iter().any(u8::is_ascii_whitespace);
    if is_fit(own) {
        return Ok((own.to_owned(), None));
    }
    let folder = tempfile::Builder::new().prefix("resmon-").tempdir()?;
    ensure!(
        is_fit(folder.path()),
        "the path of the temporary directory has a space: {:?}",
        folder.path()
    );
    let path = folder.path().join("cargo-resmon");
    symlink(own, &path)?;
    Ok((path, Some(folder)))
}
