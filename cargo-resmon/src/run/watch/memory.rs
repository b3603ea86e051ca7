//! Memory: the counters of the control group, the available memory and the swap space of the machine.

use std::fs;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use resmon_runtime::collector::{Counters, MemoryGroups};

use crate::local::{Cause, ResourcesRecord};

/// The time before the end of a process in which the kernel may have counted its kill.
const BEFORE: SignedDuration = SignedDuration::from_secs(2);

#[derive(Debug)]
pub(super) struct Memory {
    groups: MemoryGroups,
    begun: Timestamp,
    first: Counters,
    latest: Counters,
    /// The rise of the counters, with the time of the reading.
    rises: Vec<(Timestamp, Cause)>,
    available_min: Option<u64>,
    swap_total: Option<u64>,
    swap_free_min: Option<u64>,
}

/// Returns the earliest time at which the kernel may have counted the kill of a process that ended at this time.
pub(super) fn around(end: Option<Timestamp>) -> Timestamp {
    let end = end.unwrap_or_else(Timestamp::now);
    end.checked_sub(BEFORE).unwrap_or(Timestamp::MIN)
}

impl Memory {
    pub(super) fn begin() -> Self {
        let groups = MemoryGroups::find();
        let first = groups.read();
        let mut memory = Self {
            groups,
            begun: Timestamp::now(),
            latest: first.clone(),
            first,
            rises: Vec::new(),
            available_min: None,
            swap_total: None,
            swap_free_min: None,
        };
        memory.sample_machine();
        memory
    }

    pub(super) fn sample(&mut self) {
        let now = self.groups.read();
        let rise = rise(&self.latest, &now);
        if rise.is_some() {
            self.rises.push((Timestamp::now(), rise));
        }
        self.latest = now;
        self.sample_machine();
    }

    fn sample_machine(&mut self) {
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let bytes = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        least(&mut self.available_min, bytes("MemAvailable:"));
        least(&mut self.swap_free_min, bytes("SwapFree:"));
        self.swap_total = bytes("SwapTotal:").or(self.swap_total);
    }

    /// Returns what the counters have risen by since then.
    pub(super) fn cause_since(&self, since: Timestamp) -> Cause {
        let known = |counter: fn(&Counters) -> Option<u64>| {
            counter(&self.first).and(counter(&self.latest)).map(|_| 0)
        };
        let mut cause = Cause {
            kernel_kills: known(|counters| counters.kills),
            machine_kills: known(|counters| counters.machine_kills),
            limit_reached_bytes: None,
        };
        for (_, rise) in self.rises.iter().filter(|(at, _)| *at >= since) {
            let add = |sum: Option<u64>, more: Option<u64>| Some(sum? + more.unwrap_or_default());
            cause.kernel_kills = add(cause.kernel_kills, rise.kernel_kills);
            cause.machine_kills = add(cause.machine_kills, rise.machine_kills);
            cause.limit_reached_bytes = rise.limit_reached_bytes.or(cause.limit_reached_bytes);
        }
        cause
    }

    /// Builds the record of the run, without its disks.
    pub(super) fn record(&self) -> ResourcesRecord {
        let limits = self.latest.limits.iter().map(|(limit, _)| *limit);
        // The kernel's peak is that since the group was created. One that did not rise may be older than the run.
        let peak = self.latest.peak.zip(self.first.peak);
        let stalled = self.latest.stalled.zip(self.first.stalled);
        let stalled = stalled.map(|(now, then)| now.saturating_sub(then));
        ResourcesRecord {
            cause: self.cause_since(self.begun),
            mem_limit_bytes: limits.min(),
            mem_peak_bytes: peak.filter(|(now, then)| now > then).map(|(now, _)| now),
            mem_stalled_s: stalled.as_ref().map(Duration::as_secs_f64),
            mem_available_min: self.available_min,
            swap_total_bytes: self.swap_total,
            swap_free_min: self.swap_free_min,
            ..ResourcesRecord::default()
        }
    }
}

/// Returns what rose from one reading to the next. `None` in a field if nothing of it did.
fn rise(before: &Counters, now: &Counters) -> Cause {
    let difference = |before: Option<u64>, now: Option<u64>| {
        now?.checked_sub(before?).filter(|difference| *difference > 0)
    };
    Cause {
        kernel_kills: difference(before.kills, now.kills),
        machine_kills: difference(before.machine_kills, now.machine_kills),
        limit_reached_bytes: now.reached_since(before),
    }
}

impl Cause {
    fn is_some(&self) -> bool {
        *self != Self::default()
    }
}

/// Lowers the least value to a new one.
pub(super) fn least(least: &mut Option<u64>, new: Option<u64>) {
    *least = (*least).into_iter().chain(new).min();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(kills: u64, machine: u64, reached: u64) -> Counters {
        Counters {
            kills: Some(kills),
            machine_kills: Some(machine),
            limits: vec![(4096, reached)],
            ..Counters::default()
        }
    }

    fn memory(readings: &[(i64, Counters)]) -> Memory {
        let mut memory = Memory::begin();
        memory.first = readings[0].1.clone();
        memory.latest = memory.first.clone();
        for (second, now) in &readings[1..] {
            let rise = rise(&memory.latest, now);
            memory.rises.push((Timestamp::from_second(*second).unwrap(), rise));
            memory.latest = now.clone();
        }
        memory
    }

    fn cause(memory: &Memory, end: i64) -> (Option<u64>, Option<u64>, Option<u64>) {
        let cause = memory.cause_since(around(Timestamp::from_second(end).ok()));
        (cause.kernel_kills, cause.machine_kills, cause.limit_reached_bytes)
    }

    #[test]
    fn only_what_rose_around_a_death_counts() {
        let memory =
            memory(&[(0, counters(5, 50, 7)), (10, counters(6, 52, 8)), (20, counters(6, 52, 8))]);
        assert_eq!(cause(&memory, 10), (Some(1), Some(2), Some(4096)));
        assert_eq!(cause(&memory, 11), (Some(1), Some(2), Some(4096)));
        // An earlier kill is not that of a process that dies later.
        assert_eq!(cause(&memory, 20), (Some(0), Some(0), None));
    }

    #[test]
    fn a_counter_that_cannot_be_read_is_not_0() {
        let unknown = Counters { machine_kills: Some(1), ..Counters::default() };
        let memory = memory(&[(0, unknown.clone()), (1, unknown)]);
        assert_eq!(cause(&memory, 1), (None, Some(0), None));
    }

    #[test]
    fn the_peak_of_a_group_is_that_of_the_run_if_it_rose() {
        let mut memory = memory(&[(0, counters(0, 0, 0))]);
        memory.first.peak = Some(4096);
        memory.latest.peak = Some(4096);
        assert_eq!(memory.record().mem_peak_bytes, None);
        memory.latest.peak = Some(8192);
        assert_eq!(memory.record().mem_peak_bytes, Some(8192));
        assert_eq!(memory.record().mem_limit_bytes, Some(4096));
    }
}
