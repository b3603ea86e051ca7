//! `cargo resmon test` and `cargo resmon nextest run`: run the wrapped command, with its processes as one session.

mod child;
mod children;
mod cpu;
mod flags;
mod line;
mod recover;
pub(crate) mod sentinel;
mod signals;
mod supervisor;
mod watch;
mod workspace;
mod wrappers;

use std::env;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::Context;
use resmon_runtime::collector::{CHILD, INTAKE, Output, Plan};

pub(crate) use self::flags::{Flags, lift_flags};
use self::signals::Signals;
use self::supervisor::Supervisor;
use self::workspace::Workspace;
use self::wrappers::Wrappers;
use crate::cargo_config::CargoConfig;
use crate::harness::{Instrumented, WRAPPER};
use crate::message;
use crate::run_store::CONFIRMING;
use crate::shim::{self, Shim, triples};
use crate::wrapped::Wrapped;

/// The exit code of a run that succeeded, but in which a test exceeded its budget.
const OVER_BUDGET: i32 = 3;

pub(crate) fn run(
    subcommand: &str,
    wrapped: &Wrapped,
    mut flags: Flags,
) -> anyhow::Result<ExitCode> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand);
    // A nested run is independent of the outer one.
    command.env_remove(INTAKE).env_remove(CHILD).env_remove(shim::VARIABLE).env_remove(CONFIRMING);
    let instead = |command| instead(command, wrapped);
    if !wrapped.builds_tests(subcommand) {
        return instead(command);
    }
    let config = match CargoConfig::load(subcommand, wrapped) {
        Ok(config) => config,
        Err(error) => {
            message::warn(format_args!("nothing is recorded: {error:#}"));
            return instead(command);
        }
    };
    flags.read_config(&config);
    let plan = Plan::new(|name| flags.lookup(name));
    if matches!(plan.output(), Output::Disabled) {
        return instead(command);
    }
    if let Some(option) = wrapped.interceptor().filter(|_| subcommand == "nextest") {
        message::say(format_args!("nothing is recorded of tests that {option} starts"));
        return instead(command);
    }
    let workspace = match Workspace::of(wrapped) {
        Ok(workspace) => workspace,
        Err(_) if wrapped.reuses_build() => {
            message::say(
                "nothing is recorded: there is no workspace here; --workspace-remap names that of the archive",
            );
            return instead(command);
        }
        // The wrapped command reports the error.
        Err(_) => return instead(command),
    };
    instrument(&mut command, subcommand, wrapped, &flags, &config, &workspace);
    if !wrapped.runs_tests(subcommand) {
        return instead(command);
    }
    for warning in plan.warnings() {
        message::warn(warning);
    }
    let shim = shim(subcommand, wrapped, &config, &workspace);
    match Supervisor::begin(plan, &flags, workspace, subcommand) {
        Ok(supervisor) => measured(command, subcommand, wrapped, shim, supervisor),
        Err(error) => {
            message::warn(format_args!("nothing is recorded: {error:#}"));
            instead(command)
        }
    }
}

/// Prepares the shim. Says so if tests run without it.
fn shim(
    subcommand: &str,
    wrapped: &Wrapped,
    config: &CargoConfig,
    workspace: &Workspace,
) -> Option<Shim> {
    let shim = Shim::new(subcommand, wrapped, config);
    let shim = shim.inspect_err(|error| {
        message::warn(format_args!("only tests with the attribute are recorded: {error:#}"));
    });
    let shim = shim.ok()?;
    if subcommand != "nextest" {
        return Some(shim);
    }
    let wrappers = Wrappers::of(wrapped, &workspace.root);
    if let Some(name) = wrappers.replaced_by_runner.filter(|_| !shim.has_runner()) {
        message::say(format_args!(
            "only tests with the attribute or --instrument are recorded: a runner would replace nextest's wrapper \
             script {name:?}, which has `target-runner = \"overrides-wrapper\"`"
        ));
        return None;
    }
    if let Some(name) = wrappers.without_runner {
        message::say(format_args!(
            "of the tests that nextest starts by the wrapper script {name:?}, only those with the attribute or \
             --instrument are recorded: `target-runner = \"within-wrapper\"` would have all recorded"
        ));
    }
    Some(shim)
}

/// Makes Cargo build instrumented tests if that is wanted. Warns if it is not possible.
fn instrument(
    command: &mut Command,
    subcommand: &str,
    wrapped: &Wrapped,
    flags: &Flags,
    config: &CargoConfig,
    workspace: &Workspace,
) {
    if env::var_os(WRAPPER).is_some_and(|wrapper| crate::harness::is_own(&wrapper)) {
        // A nested run is independent of the outer one.
        command.env_remove(WRAPPER);
    }
    let Some(wish) = flags.instrumentation(subcommand) else { return };
    let may_download = !wrapped.is_offline();
    let instrumented = triples(wrapped, config).and_then(|triples| {
        let targets = workspace.targets().clone();
        Instrumented::prepare(wish, config, &workspace.target, &triples, targets, may_download)
    });
    match instrumented {
        Ok(instrumented) => instrumented.put_into(command),
        Err(error) => message::warn(format_args!(
            "tests are measured by their binary only, because the harness cannot be built: {error:#}; \
             `cargo resmon doctor` says more, and --no-instrument runs without it"
        )),
    }
}

/// Replaces this process by the wrapped command.
fn instead(mut command: Command, wrapped: &Wrapped) -> anyhow::Result<ExitCode> {
    command.args(wrapped.arguments());
    Err(command.exec()).with_context(|| format!("cannot run {:?}", command.get_program()))
}

fn measured(
    mut command: Command,
    subcommand: &str,
    wrapped: &Wrapped,
    shim: Option<Shim>,
    supervisor: Supervisor,
) -> anyhow::Result<ExitCode> {
    supervisor.put_into(&mut command);
    let mut options = Vec::new();
    if let Some(shim) = &shim {
        shim.put_into(&mut command);
        options.extend_from_slice(shim.options());
    }
    command.args(wrapped.with_options(subcommand, options));
    let signals = Signals::survive();
    let signals = signals.inspect_err(|error| {
        message::warn(format_args!("signals are not forwarded to the tests: {error}"));
    });
    let child = command.spawn();
    let child = child.with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let forwarding = signals.ok().map(|signals| signals.forward(&child));
    // nextest has its tests in process groups of their own, and passes signals on to them.
    let passes_on = subcommand == "nextest";
    let (status, supervisor) = supervisor.follow(child, forwarding.as_ref(), passes_on)?;
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1);
    let remark = supervisor.remark(code, shim.as_ref());
    drop(shim);
    let is_over_budget = supervisor.is_over_budget();
    supervisor.end(code, forwarding.as_ref(), remark);
    leave(status, if code == 0 && is_over_budget { OVER_BUDGET } else { code })
}

/// Exits with the status of the wrapped command, or by the same signal.
fn leave(status: ExitStatus, code: i32) -> ! {
    if let Some(signal) = status.signal() {
        // The parent process, such as a loop in a shell, must see that the command was interrupted.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    std::process::exit(code)
}
