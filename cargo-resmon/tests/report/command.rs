//! Runs the program under test.

use std::path::Path;
use std::process::{Command, Output};

/// The exit code and the output of a run.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Finished {
    /// Requires success, and returns stdout.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// Requires failure with exit code 1, and returns stderr.
    #[track_caller]
    pub(crate) fn complaint(self) -> String {
        assert_eq!(self.code, Some(1), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        self.stderr
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("it prints UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("it prints UTF-8"),
            code: output.status.code(),
        }
    }
}

/// Returns `cargo resmon report FILE` without the environment variables that change its output.
pub(crate) fn report(file: &Path) -> Command {
    let mut command = report_on_nothing();
    command.arg(file);
    command
}

/// Returns `cargo resmon report`, to which arguments are to be added.
pub(crate) fn report_on_nothing() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    command.args(["resmon", "report"]);
    for variable in ["COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "GITHUB_STEP_SUMMARY"] {
        command.env_remove(variable);
    }
    command
}

pub(crate) trait Finish {
    fn finish(&mut self) -> Finished;
}

impl Finish for Command {
    fn finish(&mut self) -> Finished {
        self.output().expect("it can be started").into()
    }
}
