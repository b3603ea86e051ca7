//! `cargo resmon test` and `cargo resmon nextest run`: the wrapped command, and its processes as one session.

mod cpu;
mod flags;
mod record;
mod recover;
mod runner;
pub(crate) mod sentinel;
mod session;
mod signals;
mod unit;
mod units;
mod workspace;
mod wrapped;

use std::env;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::Context;
use resmon_runtime::collector::{INTAKE, Output, Plan, UNIT};

pub(crate) use self::flags::{Flags, lift_flags};
use self::runner::Runner;
pub(crate) use self::runner::{configured as configured_runners, triples};
use self::session::Session;
use self::signals::Signals;
use self::workspace::Workspace;
pub(crate) use self::wrapped::Wrapped;
use crate::harness::{Instrumented, WRAPPER};
use crate::message;

pub(crate) fn run(subcommand: &str, wrapped: &Wrapped, flags: &Flags) -> anyhow::Result<ExitCode> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand).args(wrapped.arguments());
    // A run within a run is one of its own.
    command.env_remove(INTAKE).env_remove(UNIT).env_remove(crate::runner::VARIABLE);
    let plan = Plan::new(|name| flags.lookup(name));
    if !wrapped.builds_tests(subcommand) || matches!(plan.output(), Output::Disabled) {
        return instead(command);
    }
    // Where there is no workspace, the wrapped command has a word for it.
    let Ok(workspace) = Workspace::of(wrapped) else { return instead(command) };
    instrument(&mut command, subcommand, wrapped, flags, &workspace);
    if !wrapped.runs_tests(subcommand) {
        return instead(command);
    }
    for warning in plan.warnings() {
        message::warn(warning);
    }
    match Session::begin(plan, flags, workspace) {
        Ok(session) => measured(command, wrapped, session),
        Err(error) => {
            message::warn(format_args!("nothing is recorded: {error:#}"));
            instead(command)
        }
    }
}

/// Has Cargo build tests that are measured from inside, if that is wanted and can be done.
fn instrument(
    command: &mut Command,
    subcommand: &str,
    wrapped: &Wrapped,
    flags: &Flags,
    workspace: &Workspace,
) {
    if env::var_os(WRAPPER).is_some_and(|wrapper| crate::harness::is_own(&wrapper)) {
        // A run within a run is one of its own.
        command.env_remove(WRAPPER);
    }
    let Some(wish) = flags.instrumentation(subcommand) else { return };
    let may_download = !wrapped.is_offline();
    let instrumented = triples(wrapped).and_then(|triples| {
        let targets = workspace.targets().clone();
        Instrumented::prepare(wish, &workspace.target, &triples, targets, may_download)
    });
    match instrumented {
        Ok(instrumented) => instrumented.put_into(command),
        Err(error) => message::warn(format_args!(
            "tests are measured by their binary only, because the harness cannot be built: {error:#}; \
             `cargo resmon doctor` says more, and --no-instrument does without"
        )),
    }
}

/// Becomes the wrapped command.
fn instead(mut command: Command) -> anyhow::Result<ExitCode> {
    Err(command.exec()).with_context(|| format!("cannot run {:?}", command.get_program()))
}

fn measured(mut command: Command, wrapped: &Wrapped, session: Session) -> anyhow::Result<ExitCode> {
    session.put_into(&mut command);
    let runner = Runner::new(wrapped);
    match &runner {
        Ok(runner) => runner.put_into(&mut command),
        Err(error) => {
            message::warn(format_args!("only tests with the attribute are recorded: {error:#}"));
        }
    }
    let signals = Signals::survive();
    let signals = signals.inspect_err(|error| {
        message::warn(format_args!("a signal may end this before its tests: {error}"));
    });
    let child = command.spawn();
    let child = child.with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let handing_on = signals.ok().map(|signals| signals.hand_on(child.id()));
    let (status, session) = session.follow(child)?;
    drop(handing_on);
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1);
    session.end(code);
    drop(runner);
    leave(status, code)
}

/// Ends as the wrapped command did.
fn leave(status: ExitStatus, code: i32) -> ! {
    if let Some(signal) = status.signal() {
        // So that whoever started this, such as a loop in a shell, sees that it was interrupted.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    std::process::exit(code)
}
