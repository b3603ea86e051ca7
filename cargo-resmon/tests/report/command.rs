//! Runs the program.

use std::path::Path;
use std::process::{Command, Output};

/// How it ended, and what it said.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Finished {
    /// What it printed, if it ended well.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// What it said, if it failed.
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

/// `cargo resmon report FILE`, where nothing of this test's own environment says how to print.
pub(crate) fn report(file: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    command.args(["resmon", "report"]).arg(file);
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
