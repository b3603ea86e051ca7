//! Advice about what SIGKILL ended, and about full disks.

use super::{Advice, EACH, Kind, about, about_run};
use crate::local::KillRecord;
use crate::outcome::Outcome;
use crate::report::death;
use crate::report::model::Report;

/// Returns advice for killed tests. Of several that died in one process, the first stands for all.
pub(super) fn tests(report: &Report) -> Vec<Advice> {
    let tests = report.run.tests.iter();
    let killed =
        tests.filter(|test| test.outcome() == Outcome::Crashed && test.signal() == Some(9));
    let mut told: Vec<&KillRecord> = Vec::new();
    let mut advice = Vec::new();
    for test in killed {
        let kill = death::kill_of(report, test);
        if kill.is_some_and(|kill| told.iter().any(|other| std::ptr::eq(*other, kill))) {
            continue;
        }
        told.extend(kill);
        advice.push(about(Kind::Killed, test, death::sentence(report, kill)));
        if advice.len() == EACH {
            break;
        }
    }
    advice
}

/// Returns advice for killed test binaries, except where a test is known to be bad.
pub(super) fn binaries(report: &Report) -> Vec<Advice> {
    let killed = report
        .run
        .binaries
        .iter()
        .filter(|binary| binary.is_bad_by_itself() && binary.figures.signal == Some(9));
    let advice = killed.take(EACH).map(|binary| {
        let text =
            format!("the test binary {} was {}", binary.name(), death::of_binary(report, binary));
        Advice { kind: Kind::Killed, test: None, text }
    });
    advice.collect()
}

/// Returns advice for a killed command, and for a build of which the kernel killed a process.
pub(super) fn others(report: &Report) -> Vec<Advice> {
    let build = death::of_dead_build(report);
    death::of_commands(report).chain(build).flat_map(|text| about_run(Kind::Killed, text)).collect()
}

/// Returns advice for disks that were full at some time of the run.
pub(super) fn disks(report: &Report) -> Vec<Advice> {
    let full = report.run.local.full_disks().take(EACH);
    full.flat_map(|disk| about_run(Kind::DiskFull, death::of_full_disk(disk))).collect()
}
