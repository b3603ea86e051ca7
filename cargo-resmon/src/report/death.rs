//! The reasons of deaths: what the kernel's counters tell of processes that SIGKILL ended, and of full disks.

use jiff::SignedDuration;
use serde::Serialize;

use super::binary::Binary;
use super::model::Report;
use super::test::Test;
use super::text::clean;
use super::units::{count, seconds, size};
use crate::local::{Cause, Disk, KillRecord};
use crate::outcome::signal;
use crate::record::Attempt;

/// The usual causes of SIGKILL.
const KILLERS: &str = "the system does that to a process when memory runs out, and so does a timeout or a cancelled job";
/// The causes of SIGKILL other than a lack of memory.
const OTHERS: &str = "a timeout, a cancelled job, a limit of CPU time or another process did it";
/// Deaths within this time of each other may be counted by the same reading of the kernel's counters.
const TOGETHER: SignedDuration = SignedDuration::from_secs(2);

/// The sender of a SIGKILL, as far as the counters tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Killer {
    /// The kernel, for lack of memory. The limit in bytes is that of the control group that was reached; `None` if
    /// it was another one or the machine's memory.
    Kernel { limit: Option<u64> },
    /// The kernel ended `kills` of the `deaths` processes that died together. Which ones is not known.
    OneOf { kills: u64, deaths: u64, limit: Option<u64> },
    /// Not the kernel for lack of memory: its counter did not rise.
    Other { of_machine: bool },
    /// The kernel ended that many processes of the machine, none of them of this control group as far as that is known.
    Elsewhere { kills: u64 },
    /// No counter can be read.
    Unknown,
}

/// The cause of a SIGKILL in a word, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The kernel, for lack of memory.
    OutOfMemory,
    /// Something else than a lack of memory.
    Other,
    Unknown,
}

impl Killer {
    fn of(cause: Cause, deaths: u64) -> Self {
        let Cause { kernel_kills, machine_kills, limit_reached_bytes: limit } = cause;
        match (kernel_kills, machine_kills) {
            (Some(kills), _) if kills >= deaths && kills > 0 => Self::Kernel { limit },
            (Some(kills), _) if kills > 0 => Self::OneOf { kills, deaths, limit },
            (_, Some(kills)) if kills > 0 => Self::Elsewhere { kills },
            (Some(_), _) => Self::Other { of_machine: false },
            (None, Some(_)) => Self::Other { of_machine: true },
            (None, None) => Self::Unknown,
        }
    }

    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Kernel { .. } => Verdict::OutOfMemory,
            Self::Other { .. } => Verdict::Other,
            Self::OneOf { .. } | Self::Elsewhere { .. } | Self::Unknown => Verdict::Unknown,
        }
    }

    /// Says in few words who it was.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Kernel { limit: Some(limit) } => {
                format!("killed by the kernel: memory limit of {} reached", size(limit))
            }
            Self::Kernel { limit: None } => "killed by the kernel: memory ran out".to_owned(),
            Self::Other { .. } => "killed by SIGKILL, not for lack of memory".to_owned(),
            Self::OneOf { .. } | Self::Elsewhere { .. } | Self::Unknown => {
                "killed by SIGKILL, it is not known by whom".to_owned()
            }
        }
    }
}

/// The death of a test process, or of the build.
#[derive(Debug)]
pub(crate) struct Death<'a> {
    /// The record, unless it is the build that died.
    pub(crate) kill: Option<&'a KillRecord>,
    pub(crate) killer: Killer,
    /// The victim: a test, a test binary or the build.
    pub(crate) name: String,
}

/// Returns all deaths by SIGKILL that were watched, in the order of their ends, and that of the build.
pub(crate) fn all(report: &Report) -> Vec<Death<'_>> {
    let local = &report.run.local;
    let kills = local.kills.iter().map(|kill| Death {
        kill: Some(kill),
        killer: killer(report, kill),
        name: name(report, kill),
    });
    kills.chain(of_build(report)).collect()
}

/// Returns the death of a build in which the kernel killed a process and after which no test ran.
fn of_build(report: &Report) -> Option<Death<'static>> {
    if !report.is_without_session() {
        return None;
    }
    let cause = report.run.local.build()?.cause;
    let deaths = cause.kernel_kills.filter(|kills| *kills > 0)?;
    let killer = Killer::of(cause, deaths);
    Some(Death { kill: None, killer, name: "the build".to_owned() })
}

fn killer(report: &Report, kill: &KillRecord) -> Killer {
    let is_together = |other: &&KillRecord| {
        let times = other.killed.timestamp.zip(kill.killed.timestamp);
        times.is_none_or(|(one, other)| one.duration_since(other).abs() <= TOGETHER)
    };
    let together = || report.run.local.kills.iter().filter(is_together);
    let deaths = together().count().try_into().unwrap_or(u64::MAX);
    // The counter of the first may have been read before the kernel counted the last.
    let kernel_kills = together().map(|kill| kill.cause.kernel_kills).max().flatten();
    Killer::of(Cause { kernel_kills, ..kill.cause }, deaths)
}

fn name(report: &Report, kill: &KillRecord) -> String {
    let killed = &kill.killed;
    if let Some(command) = &killed.command {
        return clean(command);
    }
    match killed.tests.as_slice() {
        [test] => clean(test),
        tests => {
            let binary = report.run.binaries.iter().find(|binary| is_binary(kill, binary));
            let name = binary.map_or_else(|| "a test process".to_owned(), Binary::name);
            match tests.len() {
                0 => name,
                open => format!("{name}, in which {} ran", count(open, "test")),
            }
        }
    }
}

fn is_binary(kill: &KillRecord, binary: &Binary) -> bool {
    let one = |text: &Option<String>, other: &Option<String>| text.is_some() && text == other;
    one(&kill.killed.executable, &binary.about.executable)
}

/// Returns the record of the death of a test, if its end was watched.
pub(crate) fn kill_of<'a>(report: &'a Report, test: &Test) -> Option<&'a KillRecord> {
    report.run.local.kills.iter().rfind(|kill| {
        let killed = &kill.killed;
        let attempt = test.attempts.last().map(|attempt| attempt.attempt);
        killed.package == test.key.package
            && killed.tests.contains(&test.key.id)
            && killed.attempt.is_none_or(|killed| Some(killed) == attempt)
    })
}

/// Explains to a user why SIGKILL ended a test binary.
pub(crate) fn of_binary(report: &Report, binary: &Binary) -> String {
    let kill = report.run.local.kills.iter().rfind(|kill| is_binary(kill, binary));
    sentence(report, kill)
}

/// Explains to a user why SIGKILL ended the wrapped command.
pub(crate) fn of_commands(report: &Report) -> impl Iterator<Item = String> {
    report.run.local.kills.iter().filter_map(|kill| {
        let command = kill.killed.command.as_ref()?;
        Some(format!("{} was {}", clean(command), sentence(report, Some(kill))))
    })
}

/// Explains to a user why SIGKILL ended a process, or how to find out.
pub(crate) fn sentence(report: &Report, kill: Option<&KillRecord>) -> String {
    // The records are from elsewhere than a copy, or of a run whose `cargo resmon` died.
    let Some(kill) = kill else { return format!("ended by {}: {KILLERS}", signal(9)) };
    let sigkill = signal(9);
    match killer(report, kill) {
        Killer::Kernel { limit } => {
            format!(
                "killed by the kernel: {}{}{}",
                reached(limit),
                meanwhile(report, kill),
                remedy(limit)
            )
        }
        Killer::OneOf { kills, deaths, limit } => format!(
            "ended by {sigkill}, as {} were at that time, and the kernel killed {kills} of them: {}{}{}",
            count(usize::try_from(deaths).unwrap_or(usize::MAX), "process"),
            reached(limit),
            meanwhile(report, kill),
            remedy(limit)
        ),
        Killer::Other { of_machine } => {
            let whose = if of_machine { "of this machine" } else { "of its control group" };
            format!(
                "ended by {sigkill}, but not for lack of memory: the kernel killed no process {whose} for that; {OTHERS}"
            )
        }
        Killer::Elsewhere { kills } => {
            let whose = match kill.cause.kernel_kills {
                Some(_) => ", none of them in the control group of the run",
                None => "",
            };
            format!(
                "ended by {sigkill}: at that time the kernel killed {} of this machine for lack of memory{whose}; whether this is one of them is not known",
                count(usize::try_from(kills).unwrap_or(usize::MAX), "process")
            )
        }
        Killer::Unknown => {
            format!("ended by {sigkill}: {KILLERS}; the system has no counter that tells which")
        }
    }
}

/// Explains to a user why the build died, if the kernel killed a process of it.
pub(crate) fn of_dead_build(report: &Report) -> Option<String> {
    let Killer::Kernel { limit } = of_build(report)?.killer else { return None };
    let build = report.run.local.build()?;
    let largest = build.largest.zip(build.largest_bytes).map(|(name, bytes)| {
        format!("; the largest process was {} with {}", clean(&name), size(bytes))
    });
    let remedy = match limit {
        Some(_) => "fewer jobs at once (`-j`) need less, or raise the limit",
        None => "fewer jobs at once (`-j`) need less",
    };
    Some(format!(
        "the kernel killed {} of the build: {}{}: {remedy}",
        count(usize::try_from(build.cause.kernel_kills?).unwrap_or(usize::MAX), "process"),
        reached(limit),
        largest.unwrap_or_default()
    ))
}

fn reached(limit: Option<u64>) -> String {
    match limit {
        Some(limit) => {
            format!(
                "the memory limit of {} for the control group (the container) was reached",
                size(limit)
            )
        }
        None => {
            "the machine's memory, or that of a control group around this one, ran out".to_owned()
        }
    }
}

fn remedy(limit: Option<u64>) -> &'static str {
    match limit {
        Some(_) => ": fewer tests at once need less, or raise the limit",
        None => ": fewer tests at once need less",
    }
}

/// Says how many tests ran when a process died, and the peak of the largest process among theirs.
fn meanwhile(report: &Report, kill: &KillRecord) -> String {
    let at = kill.killed.timestamp.map(|time| time.as_duration().as_secs_f64());
    let ran = |test: &Test, attempt: &Attempt| {
        let spans =
            attempt.span().zip(at).is_some_and(|((start, end), at)| start <= at && at <= end);
        // No end is recorded of a test that died with its process.
        spans
            || (kill.killed.tests.contains(&test.key.id) && kill.killed.package == test.key.package)
    };
    let mut peaks = Vec::new();
    for test in &report.run.tests {
        let latest = test.attempts.iter().rfind(|attempt| ran(test, attempt));
        peaks.extend(latest.map(|attempt| attempt.rss_peak));
    }
    let binary = report.run.binaries.iter().find(|binary| is_binary(kill, binary));
    let of_binary = binary.and_then(|binary| binary.figures.rss_peak);
    let largest = peaks.iter().copied().flatten().chain(of_binary).max();
    let largest = largest.and_then(|bytes| u64::try_from(bytes).ok()).map(size);
    match (peaks.len(), largest) {
        (0, None) => String::new(),
        (0 | 1, Some(largest)) => format!(" while it ran, and it had {largest} itself"),
        (1, None) => " while it ran".to_owned(),
        (tests, largest) => {
            let largest = largest.map(|bytes| format!("; the largest process had {bytes}"));
            format!(" while {} ran{}", count(tests, "test"), largest.unwrap_or_default())
        }
    }
}

/// Returns sentences about the memory and the disks that the run had, if something died or a disk was full.
pub(crate) fn facts(report: &Report) -> Vec<String> {
    let local = &report.run.local;
    let Some(resources) = local.resources() else { return Vec::new() };
    if all(report).is_empty() && local.full_disks().next().is_none() {
        return Vec::new();
    }
    let mut parts = Vec::new();
    parts.extend(resources.mem_limit_bytes.map(|limit| format!("memory limit {}", size(limit))));
    if resources.mem_limit_bytes.is_some() {
        parts.extend(resources.mem_peak_bytes.map(|peak| format!("at most {} used", size(peak))));
    }
    parts.extend(
        resources
            .mem_available_min
            .map(|least| format!("at least {} of the machine's memory available", size(least))),
    );
    parts.extend(match (resources.swap_total_bytes, resources.swap_free_min) {
        (Some(0), _) => Some("no swap".to_owned()),
        (Some(total), Some(free)) => {
            Some(format!("at least {} of {} of swap free", size(free), size(total)))
        }
        _ => None,
    });
    let stalled = resources.mem_stalled_s.filter(|stalled| *stalled >= 0.01);
    parts
        .extend(stalled.map(|stalled| format!("processes waited {} for memory", seconds(stalled))));
    let kills = resources.cause.kernel_kills;
    parts.extend(kills.map(|kills| {
        let kills = count(usize::try_from(kills).unwrap_or(usize::MAX), "process");
        format!("{kills} killed by the kernel for lack of it")
    }));
    let memory = (!parts.is_empty()).then(|| format!("Of the run: {}", parts.join(", ")));
    memory.into_iter().chain(resources.disks.iter().map(disk)).collect()
}

fn disk(disk: &Disk) -> String {
    format!("Disk of {}: {}", clean(&disk.path), free(disk))
}

/// Says how little of a disk was free.
pub(crate) fn free(disk: &Disk) -> String {
    format!("at least {} of {} free", size(disk.free_min), size(disk.total_bytes))
}

/// Explains to a user that a disk was full.
pub(crate) fn of_full_disk(disk: &Disk) -> String {
    format!(
        "the disk of {} ran out: at its lowest {} of {} were free, so that writes may have failed",
        clean(&disk.path),
        size(disk.free_min),
        size(disk.total_bytes)
    )
}
