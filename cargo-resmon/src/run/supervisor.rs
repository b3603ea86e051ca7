//! The supervisor of a run, from the start of the wrapped command to the delivery of all records.

use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::Context;
use jiff::Timestamp;
use libc::c_int;
use resmon_runtime::collector::{INTAKE, Output, Plan, Run};
use serde_json::Value;

use super::child::SIGKILL;
use super::children::Children;
use super::flags::Flags;
use super::line::Made;
use super::recover;
use super::signals::Forwarding;
use super::watch::Watch;
use super::workspace::Workspace;
use crate::budget::Budgets;
use crate::config_file::ConfigFile;
use crate::local::Killed;
use crate::outcome::Outcome;
use crate::shim::Shim;
use crate::{message, report, run_store};

/// The interval at which the intake is read.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait for shims that outlive the wrapped command.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait for them after a signal, which a test may take its time to obey. A Ctrl-C in a terminal ends Cargo at
/// once.
const PATIENCE_AFTER_SIGNAL: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Supervisor {
    run: Run,
    children: Children,
    watch: Watch,
    /// The wrapped command for people: `cargo test`.
    command: String,
    tests: u64,
    budgets: Budgets,
    /// Messages about tests that exceeded their budgets.
    over_budget: Vec<String>,
    /// Whether the copy is the only destination of the records.
    is_here_only: bool,
}

impl Supervisor {
    pub(crate) fn begin(
        plan: Plan,
        flags: &Flags,
        workspace: Workspace,
        subcommand: &str,
    ) -> anyhow::Result<Self> {
        let is_here_only = matches!(plan.output(), Output::Nothing);
        let spool = workspace.spool.clone();
        let copies = workspace.target.join("resmon/runs");
        let name = workspace.name.clone();
        let watch = Watch::begin(&workspace.target);
        let budgets = ConfigFile::read(&workspace.root).and_then(|file| Budgets::new(file.budget));
        let budgets = budgets.unwrap_or_else(|error| {
            message::warn(format_args!("budgets are not checked: {error:#}"));
            Budgets::default()
        });
        let run = Run::prepare(plan, flags.run_id(), name, &spool, &copies)?;
        let sources = workspace.into_sources();
        recover::orphans(&run, &sources);
        let children = Children::new(sources);
        let command = format!("cargo {subcommand}");
        Ok(Self {
            run,
            children,
            watch,
            command,
            tests: 0,
            budgets,
            over_budget: Vec::new(),
            is_here_only,
        })
    }

    /// Makes the processes of the command append to the intake.
    pub(crate) fn put_into(&self, command: &mut Command) {
        command.env(INTAKE, self.run.intake());
    }

    /// Processes the intake until the command and its shims have ended. `passes_on` if the command passes on signals to
    /// its tests by itself.
    pub(crate) fn follow(
        mut self,
        mut child: Child,
        signals: Option<&Forwarding>,
        passes_on: bool,
    ) -> anyhow::Result<(ExitStatus, Self)> {
        if let Err(error) = self.run.note_command(child.id()) {
            message::warn(format_args!("cannot write to {:?}: {error}", self.run.intake()));
        }
        self.watch.follow(child.id());
        let (sender, ended) = mpsc::channel::<()>();
        let waiter = thread::spawn(move || {
            let status = child.wait();
            drop(sender);
            status
        });
        let mut forwarded = None;
        while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            self.take();
            self.forward(signals.filter(|_| !passes_on), &mut forwarded);
        }
        if let Some(signals) = signals {
            signals.command_ended();
        }
        let status = waiter
            .join()
            .map_err(|_| anyhow::anyhow!("the thread that waits for the command panicked"))?;
        self.take();
        self.forward(signals.filter(|_| !passes_on), &mut forwarded);
        self.wait_for_shims(signals);
        self.run.end_crashed_sessions();
        self.take();
        let rest = self.children.finish(self.run.has_been_full());
        self.hand_on(rest);
        let status = status.context("cannot wait for the command")?;
        if status.signal() == Some(SIGKILL) {
            let (timestamp, command) = (Some(Timestamp::now()), Some(self.command.clone()));
            self.note_kill(Killed { timestamp, command, ..Killed::default() });
        }
        Ok((status, self))
    }

    /// Lets the tests have the signal that was sent to this process alone, once.
    fn forward(&self, signals: Option<&Forwarding>, forwarded: &mut Option<c_int>) {
        let signal = signals.and_then(Forwarding::alone);
        if let Some(signal) = signal.filter(|_| *forwarded != signal) {
            self.children.forward(signal);
            *forwarded = Some(signal);
        }
    }

    /// Waits for shims that outlive the command, as after a Ctrl-C, which reaches all of them at once. A further signal
    /// ends the wait.
    fn wait_for_shims(&mut self, signals: Option<&Forwarding>) {
        let start = Instant::now();
        let has_seen_any = signals.is_some_and(Forwarding::has_seen_any);
        let patience = if has_seen_any { PATIENCE_AFTER_SIGNAL } else { PATIENCE };
        let is_stopped = || signals.is_some_and(Forwarding::is_stopped);
        while self.children.is_any_running() && start.elapsed() < patience && !is_stopped() {
            thread::sleep(Duration::from_millis(5));
            self.take();
        }
        self.take();
    }

    fn take(&mut self) {
        if let (moment, Some(usage)) = self.run.cpu()
            && let Ok(moment) = moment.try_into()
        {
            self.children.cpu.push(moment, usage);
        }
        self.watch.look(|| !self.children.is_any_running());
        loop {
            // If a read fails, the next call tries again.
            let lines = self.run.read().unwrap_or_default();
            if lines.is_empty() {
                break;
            }
            for line in lines {
                if self.children.take(&line.line, line.place) {
                    self.begin_session();
                }
            }
            let made = self.children.made();
            self.hand_on(made);
        }
        if self.children.wait_for_journal() {
            self.run.end_crashed_sessions();
        }
    }

    fn begin_session(&mut self) {
        let has_begun = self.run.has_begun();
        self.run.begin();
        if !has_begun {
            self.note_build();
        }
    }

    fn note_kill(&mut self, killed: Killed) {
        let kill = self.watch.killed(killed);
        self.run.note(&Value::from(kill.fields()).to_string());
    }

    fn note_build(&mut self) {
        if let Some(build) = self.watch.end_build() {
            self.run.note(&Value::from(build.fields()).to_string());
        }
    }

    fn hand_on(&mut self, made: Vec<Made>) {
        let mut done = Vec::new();
        for made in made {
            match made {
                Made::Test(test) => {
                    self.tests += 1;
                    self.over_budget.extend(self.budgets.exceeded(&test));
                    let failed = test.figures.outcome == Outcome::Failed;
                    self.run.test(&Value::from(test.fields()).to_string(), failed);
                }
                Made::Process(process) => {
                    self.run.note(&Value::from(process.fields()).to_string());
                }
                Made::Killed(killed) => self.note_kill(*killed),
                Made::Done(places) => done.extend(places),
            }
        }
        for place in joined(done) {
            self.run.forget(&place);
        }
    }

    /// Returns whether a test exceeded its budget.
    pub(crate) fn is_over_budget(&self) -> bool {
        !self.over_budget.is_empty()
    }

    /// Returns what the user should know of tests that were not seen.
    pub(crate) fn remark(&self, exit_status: i32, shim: Option<&Shim>) -> Option<&'static str> {
        let Children { started, instrumented, strangers, .. } = self.children;
        // Without these messages the previous run could pass for this one.
        if !self.run.has_begun() && exit_status != 0 {
            return Some("no test was started, so that nothing is recorded of this run");
        }
        if !self.run.has_begun() {
            return Some("no test binary was seen, so that nothing is recorded of this run");
        }
        let shim = shim?;
        if started == 0 && strangers > 0 {
            return Some(
                "no test binary was seen from outside: what tests record themselves is all of this run",
            );
        }
        (instrumented > 0 && self.tests == 0 && shim.has_runner()).then_some(
            "no test is recorded: if your runner changes the user or clears the environment, test binaries are measured \
             as a whole only",
        )
    }

    /// Ends the session of the run, delivers the remaining records and prints the report.
    pub(crate) fn end(
        mut self,
        exit_status: i32,
        signals: Option<&Forwarding>,
        remark: Option<&str>,
    ) {
        let resources = self.watch.end();
        let has_begun = self.run.has_begun();
        // A run in which nothing could be built is kept only if the machine was the reason.
        let is_kept = has_begun || self.run.copy().is_some();
        if is_kept || (exit_status != 0 && resources.ran_out()) {
            self.note_build();
            self.run.note(&Value::from(resources.fields()).to_string());
        }
        let copy = self.run.copy().map(Path::to_owned);
        let is_over = !self.children.is_any_running();
        if !is_over {
            message::warn(
                "tests are still running; the next run of cargo resmon records those of this run",
            );
        }
        if self.run.has_been_full() {
            message::warn(format_args!(
                "records may be missing: the disk of {:?} was full",
                self.run.intake()
            ));
        }
        let delivery = self.run.end(exit_status, is_over);
        if let Some(signals) = signals {
            signals.delivering();
        }
        delivery.wait();
        // A build that the machine ended is kept and reported.
        for excess in &self.over_budget {
            message::error(excess);
        }
        if let Some(remark) = remark.filter(|_| copy.is_none() || has_begun) {
            message::say(remark);
        }
        let Some((copy, copies)) = copy.as_deref().and_then(|copy| Some((copy, copy.parent()?)))
        else {
            return;
        };
        if env::var_os(run_store::CONFIRMING).is_some() {
            let _ = fs::remove_file(copy);
            return;
        }
        run_store::prune(copies, copy);
        if self.is_here_only {
            let place = relative(copy).display();
            message::say(format_args!("{} recorded in {place}", counted(self.tests, "test")));
        }
        let mut before = run_store::list(copies);
        before.retain(|run| run != copy);
        before.reverse();
        report::after_run(copy, &before);
    }
}

/// Returns a number with the noun that it counts.
fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// Returns the path relative to the current directory, if it is below that.
fn relative(path: &Path) -> &Path {
    let here = env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

/// Sorts byte ranges and joins adjacent ones.
fn joined(mut places: Vec<Range<u64>>) -> Vec<Range<u64>> {
    places.sort_unstable_by_key(|place| place.start);
    places.dedup_by(|next, last| {
        let touch = next.start == last.end;
        if touch {
            last.end = next.end;
        }
        touch
    });
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_touch_are_one() {
        assert_eq!(joined(vec![7..9, 0..3, 3..5, 9..10]), [0..5, 7..10]);
        assert_eq!(joined(Vec::new()), []);
    }
}
