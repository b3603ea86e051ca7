//! The contents of a report, independent of its form.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Context;
use jiff::Timestamp;

use super::binary::Binary;
use super::read::{self, RUNS, Unreadable};
use super::run::Run;
use super::test::{Earlier, Key, Measure, Test};
use super::totals::Totals;
use super::units;
use crate::input::Input;
use crate::outcome::Outcome;
use crate::record::{Attempt, Machine};

/// The newest run of what is read, with the runs before it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) run: Run,
    /// The runs before it, the latest first.
    pub(crate) earlier: Vec<EarlierRun>,
    pub(crate) totals: Totals,
    pub(crate) unreadable: Unreadable,
}

/// A run before the one that is shown.
#[derive(Debug)]
pub(crate) struct EarlierRun {
    pub(crate) id: Option<String>,
    pub(crate) first: Option<Timestamp>,
    pub(crate) seconds: Option<f64>,
    pub(crate) tests: usize,
    /// The number of tests that failed, crashed or stayed unfinished.
    pub(crate) bad: usize,
    /// Whether it is a part of the same CI run, on another machine.
    pub(crate) is_other_shard: bool,
}

impl Report {
    /// Loads the newest run of the inputs. Their other runs are earlier runs, and so are those of the files in `before`,
    /// which come newest first.
    pub(crate) fn load(inputs: &[Input], before: &[PathBuf]) -> anyhow::Result<Self> {
        let records = read::read(inputs)?;
        let mut runs = records.runs.into_iter();
        let run = runs.next().context("there is nothing to report on")?;
        let mut earlier: Vec<Run> = runs.collect();
        for file in before {
            if earlier.len() + 1 >= RUNS {
                break;
            }
            // An unreadable earlier run is left out.
            if let Ok(records) = read::read(&[Input::File(file.clone())]) {
                let is_other = |other: &Run| other.first <= run.first && other.id != run.id;
                earlier.extend(records.runs.into_iter().filter(is_other));
            }
        }
        earlier.sort_by_key(|run| std::cmp::Reverse(run.first));
        earlier.truncate(RUNS - 1);
        let totals = Totals::of(&run);
        let mut report = Self { run, earlier: Vec::new(), totals, unreadable: records.unreadable };
        report.add_earlier(earlier);
        Ok(report)
    }

    fn add_earlier(&mut self, runs: Vec<Run>) {
        let mut earlier: HashMap<Key, Vec<Earlier>> = HashMap::new();
        for (number, mut run) in runs.into_iter().enumerate() {
            self.earlier.push(EarlierRun {
                first: run.first,
                seconds: run.seconds(),
                tests: run.tests.len(),
                bad: run.tests.iter().filter(|test| test.outcome().is_bad()).count(),
                is_other_shard: run.is_other_shard_of(&self.run),
                id: run.id.take(),
            });
            for (key, test) in run.take_earlier(number) {
                earlier.entry(key).or_default().push(test);
            }
        }
        if earlier.is_empty() {
            return;
        }
        for test in &mut self.run.tests {
            test.earlier = earlier.remove(&test.key).unwrap_or_default();
        }
    }

    /// Returns the tests that failed, crashed or stayed unfinished, crashes first.
    pub(crate) fn bad(&self) -> Vec<&Test> {
        let mut tests: Vec<_> =
            self.run.tests.iter().filter(|test| test.outcome().is_bad()).collect();
        tests.sort_by(|one, other| {
            (one.outcome(), &one.key.id).cmp(&(other.outcome(), &other.key.id))
        });
        tests
    }

    /// Returns the test binaries, the slowest first.
    pub(crate) fn binaries(&self) -> Vec<&Binary> {
        let mut binaries: Vec<_> = self.run.binaries.iter().collect();
        let time = |binary: &Binary| binary.figures.duration_s.unwrap_or(-1.0);
        binaries.sort_by(|one, other| time(other).total_cmp(&time(one)));
        binaries
    }

    /// Returns the number of tests that failed, crashed or stayed unfinished.
    pub(crate) fn bad_count(&self) -> usize {
        self.totals.crashed + self.totals.failed + self.totals.unfinished
    }

    /// Returns the tests that passed only in a retry.
    pub(crate) fn flaky(&self) -> impl Iterator<Item = &Test> {
        self.run.tests.iter().filter(|test| test.is_flaky())
    }

    /// Returns up to `count` tests with the highest cost and the attempt with that cost. Leaves out tiny costs.
    pub(crate) fn top(&self, measure: Measure, count: usize) -> Vec<(&Test, &Attempt, f64)> {
        let least = match measure {
            Measure::Time | Measure::Cpu => 0.001,
            Measure::Memory => 1.0,
            Measure::Growth => units::float(1 << 20),
        };
        let mut tests: Vec<_> = self
            .run
            .tests
            .iter()
            .filter_map(|test| test.most(measure).map(|(attempt, most)| (test, attempt, most)))
            .filter(|(.., most)| *most >= least)
            .collect();
        let order = |(one, _, most): &(&Test, &Attempt, f64),
                     (other, _, less): &(&Test, _, f64)| {
            less.total_cmp(most).then_with(|| one.key.id.cmp(&other.key.id))
        };
        // Selecting first is faster: there may be a million tests, and few are asked for.
        if count < tests.len() {
            tests.select_nth_unstable_by(count, order);
            tests.truncate(count);
        }
        tests.sort_by(order);
        tests
    }

    /// Returns the tests that took clearly longer than usual, with their time and their usual time in seconds. Those
    /// that lost most time come first.
    pub(crate) fn slower(&self) -> Vec<(&Test, f64, f64)> {
        let mut tests: Vec<_> = self
            .run
            .tests
            .iter()
            .filter(|test| test.outcome() == Outcome::Passed)
            .filter_map(|test| {
                let (_, now) = test.most(Measure::Time)?;
                let (usual, _) = test.usual(Measure::Time)?;
                (now > usual * 1.5 && now - usual > 0.25).then_some((test, now, usual))
            })
            .collect();
        tests.sort_by(|(_, now, usual), (_, other, rule)| (other - rule).total_cmp(&(now - usual)));
        tests
    }

    /// Returns the bytes of memory that the run may use.
    pub(crate) fn memory(&self) -> Option<i64> {
        self.run.of_all_machines(Machine::memory)
    }

    /// Returns the number of CPUs that the run may use.
    pub(crate) fn cpus(&self) -> Option<f64> {
        self.run.of_all_machines(Machine::cpus)
    }

    /// Returns whether the run ended before any test started, for a reason that is known. Other such runs are not kept.
    pub(crate) fn is_without_session(&self) -> bool {
        let run = &self.run;
        run.sessions_started == 0 && run.tests.is_empty() && run.local.resources().is_some()
    }

    /// Returns whether a test, or a test binary by itself, has a bad outcome. Flaky tests do not count.
    pub(crate) fn is_bad(&self) -> bool {
        self.is_without_session()
            || self.bad_count() > 0
            || self.run.binaries.iter().any(Binary::is_bad_by_itself)
    }

    /// Returns the packages of the tests and the test binaries, each once.
    pub(crate) fn packages(&self) -> Vec<&str> {
        let tests = self.run.tests.iter().filter_map(|test| test.key.package.as_deref());
        let binaries =
            self.run.binaries.iter().filter_map(|binary| binary.about.package.as_deref());
        let mut packages: Vec<_> = tests.chain(binaries).collect();
        packages.sort_unstable();
        packages.dedup();
        packages
    }

    /// Describes the machine in a line, such as `linux x86_64, 4 CPUs (2 allowed), 16 GiB of memory`.
    pub(crate) fn machine(&self) -> Option<String> {
        let machine = self.run.machine()?;
        let Machine { os, arch, cpu_model, cpu_count, cpu_limit, mem_total_bytes, .. } = machine;
        let mut parts = Vec::new();
        let system: Vec<&str> = [os, arch].into_iter().flatten().map(String::as_str).collect();
        parts.extend((!system.is_empty()).then(|| system.join(" ")));
        parts.extend(cpu_model.as_ref().map(|model| model.trim().to_owned()));
        let count = cpu_count.and_then(|count| usize::try_from(count).ok());
        let allowed = machine.cpus().filter(|cpus| count.is_none_or(|count| *cpus < whole(count)));
        match (count, allowed) {
            (Some(count), Some(cpus)) => parts.push(format!(
                "{} ({} allowed)",
                units::count(count, "CPU"),
                units::cpus(cpus)
            )),
            (Some(count), None) => parts.push(units::count(count, "CPU")),
            (None, _) => parts.extend(cpu_limit.map(|cpus| format!("{} CPUs", units::cpus(cpus)))),
        }
        let allowed =
            machine.memory().filter(|memory| mem_total_bytes.is_none_or(|all| *memory < all));
        match (mem_total_bytes, allowed) {
            (Some(all), Some(limit)) => parts.push(format!(
                "{} of memory ({} allowed)",
                units::bytes(*all),
                units::bytes(limit)
            )),
            (Some(all), None) => parts.push(format!("{} of memory", units::bytes(*all))),
            (None, Some(limit)) => parts.push(format!("{} of memory", units::bytes(limit))),
            (None, None) => {}
        }
        let others = self.run.machines.len() - 1;
        parts.extend((others > 0).then(|| format!("and {} more", units::count(others, "machine"))));
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

#[allow(clippy::cast_precision_loss, reason = "no machine has that many CPUs")]
fn whole(count: usize) -> f64 {
    count as f64
}
