//! The instrumented build: it measures every test of a workspace from inside, without a change to its code.
//!
//! This program is the `RUSTC_WORKSPACE_WRAPPER`. When it compiles a test binary, it makes the compiler pass all tests
//! to the harness, a small crate over libtest that puts a guard around each test. This takes two unstable features of
//! the compiler, which are enabled for these compilations only.

mod build;
mod compiler;
mod invocation;
mod note;
mod settings;
mod wrapper;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use self::build::Builder;
pub(crate) use self::compiler::Compiler;
pub(crate) use self::note::Note;
use self::settings::Settings;
pub(crate) use self::settings::{TargetName, Targets};
pub(crate) use self::wrapper::{is_own, run_if_called};
use crate::cargo_config::CargoConfig;
use crate::message;

/// The variable with the program through which Cargo compiles workspace members.
pub(crate) const WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";

/// The figures to measure from inside a test binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Whether to count the heap allocations of each test, in addition to all other figures.
    pub(crate) heap: bool,
}

/// An instrumented build that is ready for use.
#[derive(Debug)]
pub(crate) struct Instrumented {
    wrapper: PathBuf,
}

impl Instrumented {
    /// Builds the harness for each of the `triples`, unless it exists, and installs the wrapper.
    pub(crate) fn prepare(
        wish: Wish,
        config: &CargoConfig,
        target_dir: &Path,
        triples: &[String],
        targets: Targets,
        may_download: bool,
    ) -> anyhow::Result<Self> {
        let compiler = Compiler::of(config)?;
        let builder = Builder::new(&compiler, &target_dir.join("resmon/harness"))?;
        let chained = configured(config);
        let mut harnesses = Vec::new();
        let mut failure = None;
        for triple in triples {
            for heap in [false, true].into_iter().filter(|heap| wish.heap || !heap) {
                match builder.build(triple, heap, may_download) {
                    Ok(harness) => harnesses.push(harness),
                    Err(error) => drop(failure.get_or_insert((triple, error))),
                }
            }
        }
        match failure {
            Some((_, error)) if harnesses.is_empty() => return Err(error),
            // The report names each binary that is not measured from inside.
            Some((triple, error)) => {
                message::warn(format_args!("a harness for {triple} cannot be built: {error:#}"));
            }
            None => {}
        }
        let settings = Settings {
            chained,
            host: compiler.host()?.to_owned(),
            is_nightly: compiler.is_nightly(),
            heap: wish.heap,
            harnesses,
            targets,
        };
        let wrapper = settings.install(&target_dir.join("resmon/wrapper"), builder.key())?;
        Ok(Self { wrapper })
    }

    /// Makes Cargo compile through the wrapper.
    pub(crate) fn put_into(&self, command: &mut Command) {
        command.env(WRAPPER, &self.wrapper);
    }
}

/// Returns the value of [`WRAPPER`] before `cargo resmon` set it, which the runner restores in a test's environment.
pub(crate) fn previous_wrapper() -> Option<OsString> {
    env::var_os(WRAPPER).filter(|value| !is_own(value))
}

/// Returns the wrapper that the user has configured, if any.
fn configured(config: &CargoConfig) -> Option<PathBuf> {
    // In a nested `cargo resmon` the configured wrapper is this program.
    config.workspace_wrapper().filter(|wrapper| !is_own(wrapper.as_os_str()))
}

/// Returns whether Cargo has started this process in an instrumented build.
pub(crate) fn is_instrumented() -> bool {
    env::var_os(WRAPPER).is_some_and(|wrapper| is_own(&wrapper))
}
