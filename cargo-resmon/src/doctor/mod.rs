//! `cargo resmon doctor`: checks the configuration and explains what a run would do.

mod cgroup;
mod columns;
mod harness;
mod output;
mod surroundings;
mod tinybird;

use std::fmt::Display;
use std::io::{self, Stdout, Write};
use std::process::ExitCode;

use resmon_runtime::collector::Plan;

use crate::clean::clean;
use crate::run::Flags;

pub(crate) fn run(flags: &Flags) -> ExitCode {
    let mut findings = Findings { out: io::stdout(), problems: 0 };
    let plan = Plan::new(|name| flags.lookup(name));
    output::examine(&mut findings, &plan, flags);
    tinybird::examine(&mut findings, &plan);
    surroundings::examine(&mut findings, &plan);
    harness::examine(&mut findings, flags);
    cgroup::examine(&mut findings);
    if findings.problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The findings, printed as they are found.
#[derive(Debug)]
struct Findings {
    out: Stdout,
    problems: usize,
}

impl Findings {
    /// Reports that something is as it should be.
    fn good(&mut self, what: &str, how: impl Display) {
        self.tell("ok", what, how);
    }

    /// Reports something that is neither good nor bad, or cannot be known.
    fn note(&mut self, what: &str, how: impl Display) {
        self.tell("note", what, how);
    }

    /// Reports something that the user should fix.
    fn problem(&mut self, what: &str, how: impl Display) {
        self.tell("problem", what, how);
        self.problems += 1;
    }

    fn tell(&mut self, kind: &str, what: &str, how: impl Display) {
        // It may hold names and answers of others. The reader of the output may have closed it.
        let _ = writeln!(self.out, "{kind:8} {what}: {}", clean(&how.to_string()));
    }
}
