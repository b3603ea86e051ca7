//! What Cargo and nextest start in the place of a test binary: it starts that, measures it from outside, and ends as it
//! did.

mod chain;
mod wait;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use resmon_runtime::outside::{Build, Cost, Process};

pub(crate) use self::chain::{Chain, VARIABLE};
use crate::harness::{self, Note};
use crate::message;

/// The argument after which a runner's arguments come.
pub(crate) const ARGUMENT: &str = "__runner";

/// Does the work of a runner, if this process was started as one.
pub(crate) fn run_if_called() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let variable = arguments.next()?;
    let executable = arguments.next()?;
    Some(run(&variable, &executable, &arguments.collect::<Vec<_>>()))
}

fn run(variable: &OsStr, executable: &OsStr, arguments: &[OsString]) -> ExitCode {
    let mut command = chain::command(variable, executable);
    command.args(arguments);
    let process = match Kind::of(executable, arguments) {
        Kind::Tests => {
            let executable = Path::new(executable);
            Process::begin(executable, test_name(arguments), build(executable))
        }
        Kind::Lists => None,
        Kind::Documentation => {
            // As rustdoc does where there is no runner: by this the examples run in processes of their own.
            if command.get_program() == executable {
                command.env("RUSTDOC_DOCTEST_BIN_PATH", executable);
            }
            None
        }
    };
    let Some(process) = process else {
        return cannot_run(executable, &command.exec());
    };
    let (name, unit) = process.variable();
    command.env(name, unit);
    wait::survive_signals();
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let code = cannot_run(executable, &error);
            let _ = process.end(Instant::now(), &Cost { exit_code: Some(127), ..Cost::default() });
            return code;
        }
    };
    let (ended, cost) = wait::wait(child.id(), wait::peak());
    // The run goes on without it: the wrapper finds that the process began, and not how it ended.
    let _ = process.end(ended, &cost);
    match (cost.signal, cost.exit_code) {
        (Some(signal), _) => wait::die_by(signal),
        (None, code) => std::process::exit(code.unwrap_or(1)),
    }
}

/// What was noted of an executable when it was built.
fn build(executable: &Path) -> Build {
    if !harness::is_instrumented() {
        return Build::default();
    }
    match Note::read(executable) {
        Some(note) => Build {
            target: note.target,
            not_instrumented: note.not_instrumented,
            heap_not_counted: note.heap_not_counted,
        },
        None => Build {
            not_instrumented: Some("it has no harness of libtest (`harness = false`)".to_owned()),
            ..Build::default()
        },
    }
}

/// What an executable is started for.
enum Kind {
    Tests,
    /// It says which tests there are.
    Lists,
    /// An example, or all of them, of a crate's documentation.
    Documentation,
}

impl Kind {
    fn of(executable: &OsStr, arguments: &[OsString]) -> Self {
        let folder = Path::new(executable).parent().and_then(Path::file_name);
        if folder.is_some_and(|name| name.as_encoded_bytes().starts_with(b"rustdoctest"))
            || Path::new(executable).file_name() == Some(OsStr::new("rust_out"))
        {
            return Self::Documentation;
        }
        let lists = env::var_os("NEXTEST_TEST_PHASE").is_some_and(|phase| phase == "list")
            || arguments.iter().any(|argument| argument == "--list" || argument == "--help");
        if lists { Self::Lists } else { Self::Tests }
    }
}

/// The test that a runner with a process for each has this one for.
fn test_name(arguments: &[OsString]) -> Option<String> {
    if env::var_os("NEXTEST_EXECUTION_MODE")? != "process-per-test" {
        return None;
    }
    env::var("NEXTEST_TEST_NAME").ok().or_else(|| sole_name(arguments))
}

/// What stands beside `--exact`: older versions of nextest say it nowhere else.
fn sole_name(arguments: &[OsString]) -> Option<String> {
    let mut names = arguments.iter().filter(|name| !name.as_encoded_bytes().starts_with(b"-"));
    let name = names.next().filter(|_| arguments.iter().any(|argument| argument == "--exact"))?;
    names.next().is_none().then(|| name.to_str().map(str::to_owned))?
}

fn cannot_run(executable: &OsStr, error: &io::Error) -> ExitCode {
    message::error(format_args!("cannot run {executable:?}: {error}"));
    ExitCode::from(127)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_where_it_is_exact_and_alone() {
        let name = |line: &str| {
            sole_name(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
        };
        assert_eq!(name("a::b --nocapture --exact").as_deref(), Some("a::b"));
        assert_eq!(name("--exact a --nocapture").as_deref(), Some("a"));
        for line in ["", "--exact", "a --nocapture", "a b --exact"] {
            assert_eq!(name(line), None, "{line}");
        }
    }
}
