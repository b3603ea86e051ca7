//! The shim: Cargo and nextest start it instead of a test binary, as a runner. It starts the binary, measures it from
//! outside, and ends with the same status.

mod chain;
mod install;
mod wait;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use resmon_runtime::outside::{Build, Cost, Process};

use self::chain::Chain;
pub(crate) use self::chain::VARIABLE;
pub(crate) use self::install::{Shim, configured_runners, triples};
pub(crate) use self::wait::QUEUED;
use crate::harness::{self, Note};
use crate::message;

/// The argument that starts this program as the shim. The shim's arguments follow it.
pub(crate) const ARGUMENT: &str = "__shim";

/// Runs the shim if this process was started as one.
pub(crate) fn run_if_called() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let subcommand = arguments.next()?;
    let variable = arguments.next()?;
    let executable = arguments.next()?;
    Some(run(&subcommand, &variable, &executable, &arguments.collect::<Vec<_>>()))
}

fn run(
    subcommand: &OsStr,
    variable: &OsStr,
    executable: &OsStr,
    arguments: &[OsString],
) -> ExitCode {
    let mut command = chain::command(variable, executable);
    command.args(arguments);
    let process = match Kind::of(subcommand, executable, arguments) {
        Kind::Tests(test_name) => {
            let executable = Path::new(executable);
            let begun = Process::begin(executable, test_name, build(executable));
            begun.unwrap_or_else(|error| {
                message::warn(format_args!("{executable:?} is not recorded: {error}"));
                None
            })
        }
        Kind::Others => None,
        Kind::Documentation => {
            // rustdoc sets this itself when there is no runner. Merged doctests then run in processes of their own.
            if command.get_program() == executable {
                command.env("RUSTDOC_DOCTEST_BIN_PATH", executable);
            }
            None
        }
    };
    let Some(process) = process else {
        return cannot_run(executable, &command.exec());
    };
    let (name, id) = process.variable();
    command.env(name, id);
    wait::survive_signals();
    let (child, began_with) = match wait::spawn(&mut command) {
        Ok(started) => started,
        Err(error) => {
            let code = cannot_run(executable, &error);
            let _ = process.end(Instant::now(), &Cost { exit_code: Some(127), ..Cost::default() });
            return code;
        }
    };
    let (ended, cost) = wait::wait(child.id(), began_with);
    if let Err(error) = process.end(ended, &cost) {
        message::warn(format_args!("the end of {executable:?} is not recorded: {error}"));
    }
    match (cost.signal, cost.exit_code) {
        (Some(signal), _) => wait::die_by(signal),
        (None, code) => std::process::exit(code.unwrap_or(1)),
    }
}

/// Returns the notes of the instrumented build about an executable.
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

/// The purpose of starting an executable.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// To run tests: all of them, or the one with this name under nextest.
    Tests(Option<String>),
    /// To list its tests or print its help, or what a setup script of nextest starts by `cargo run`.
    Others,
    /// To run one or more doctests of a crate.
    Documentation,
}

impl Kind {
    fn of(subcommand: &OsStr, executable: &OsStr, arguments: &[OsString]) -> Self {
        if subcommand == "nextest" {
            let test = test_name(arguments, |name| env::var(name).ok());
            return test.map_or(Self::Others, |name| Self::Tests(Some(name)));
        }
        let folder = Path::new(executable).parent().and_then(Path::file_name);
        if folder.is_some_and(|name| name.as_encoded_bytes().starts_with(b"rustdoctest"))
            || Path::new(executable).file_name() == Some(OsStr::new("rust_out"))
        {
            return Self::Documentation;
        }
        let lists = arguments.iter().any(|argument| argument == "--list" || argument == "--help");
        if lists { Self::Others } else { Self::Tests(None) }
    }
}

/// Returns the name of the test that nextest starts a process for. The variables alone do not tell: whatever a test or a
/// script starts inherits those of an outer run.
fn test_name(arguments: &[OsString], variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if variable("NEXTEST_EXECUTION_MODE")? != "process-per-test" || !has("--exact") || has("--list")
    {
        return None;
    }
    variable("NEXTEST_TEST_NAME").filter(|name| has(name)).or_else(|| sole_name(arguments))
}

/// Returns the only name beside `--exact`. Older versions of nextest give the test's name only there.
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

    #[test]
    fn only_what_nextest_starts_for_a_test_is_its_test() {
        let words = |line: &str| line.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        let of = |line, name: Option<&str>| {
            test_name(&words(line), |variable| match variable {
                "NEXTEST_EXECUTION_MODE" => Some("process-per-test".to_owned()),
                "NEXTEST_TEST_NAME" => name.map(str::to_owned),
                _ => None,
            })
        };
        assert_eq!(of("--exact a --nocapture x", Some("a")).as_deref(), Some("a"));
        assert_eq!(of("--exact a --nocapture", None).as_deref(), Some("a"), "an older nextest");
        // A name that is inherited from an outer run.
        assert_eq!(of("--exact a", Some("outer")).as_deref(), Some("a"));
        assert_eq!(of("a", Some("a")), None);
        assert_eq!(of("--list --exact a", Some("a")), None);
        assert_eq!(test_name(&words("--exact a"), |_| None), None);
        let kind =
            |subcommand: &str, line| Kind::of(subcommand.as_ref(), "t".as_ref(), &words(line));
        assert_eq!(kind("test", "--exact a"), Kind::Tests(None));
        assert_eq!(kind("test", "--list"), Kind::Others);
    }
}
