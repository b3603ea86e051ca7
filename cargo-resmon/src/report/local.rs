//! The records that only the local copy of a run has: its build, its memory and disks, and what SIGKILL ended.

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use crate::local::{BuildRecord, Cause, Disk, KillRecord, ResourcesRecord};

/// The records of one run that only its copy has. There may be several of a kind: a run may have been on several machines.
#[derive(Debug, Default)]
pub(crate) struct Local {
    pub(crate) kills: Vec<KillRecord>,
    builds: Vec<BuildRecord>,
    resources: Vec<ResourcesRecord>,
}

impl Local {
    /// Adds a record, unless it is there already. Returns the time span that it is about.
    pub(crate) fn add(
        &mut self,
        event: &str,
        line: &[u8],
    ) -> serde_json::Result<Option<(Timestamp, Timestamp)>> {
        let (end, seconds) = match event {
            "kill" => (add(&mut self.kills, line)?.killed.timestamp, None),
            "build" => {
                let build = add(&mut self.builds, line)?;
                (build.timestamp, build.duration_s)
            }
            "resources" => (add(&mut self.resources, line)?.timestamp, None),
            _ => (None, None),
        };
        Ok(end.map(|end| {
            let seconds = SignedDuration::try_from_secs_f64(seconds.unwrap_or_default());
            let start = seconds.ok().and_then(|seconds| end.checked_sub(seconds).ok());
            (start.unwrap_or(end), end)
        }))
    }

    /// Returns the build of the run: of several, the highest figures, and the sum of the times.
    pub(crate) fn build(&self) -> Option<BuildRecord> {
        self.builds.iter().cloned().reduce(|one, other| {
            let (larger, smaller) =
                if one.largest_bytes >= other.largest_bytes { (one, other) } else { (other, one) };
            BuildRecord {
                timestamp: larger.timestamp.max(smaller.timestamp),
                duration_s: sum(larger.duration_s, smaller.duration_s),
                mem_peak_bytes: larger.mem_peak_bytes.max(smaller.mem_peak_bytes),
                processes_max: larger.processes_max.max(smaller.processes_max),
                disk_free_before: larger.disk_free_before.or(smaller.disk_free_before),
                disk_free_min: least(larger.disk_free_min, smaller.disk_free_min),
                disk_free_after: larger.disk_free_after.or(smaller.disk_free_after),
                cause: both(larger.cause, smaller.cause),
                ..larger
            }
        })
    }

    /// Returns the memory and the disks of the run: of several machines, those that had least.
    pub(crate) fn resources(&self) -> Option<ResourcesRecord> {
        self.resources.iter().cloned().reduce(|mut one, other| {
            one.timestamp = one.timestamp.max(other.timestamp);
            one.cause = both(one.cause, other.cause);
            one.mem_limit_bytes = least(one.mem_limit_bytes, other.mem_limit_bytes);
            one.mem_peak_bytes = one.mem_peak_bytes.max(other.mem_peak_bytes);
            one.mem_stalled_s = sum(one.mem_stalled_s, other.mem_stalled_s);
            one.mem_available_min = least(one.mem_available_min, other.mem_available_min);
            one.swap_total_bytes = least(one.swap_total_bytes, other.swap_total_bytes);
            one.swap_free_min = least(one.swap_free_min, other.swap_free_min);
            one.disks.extend(other.disks);
            one
        })
    }

    /// Returns the disks that were full.
    pub(crate) fn full_disks(&self) -> impl Iterator<Item = &Disk> {
        self.resources.iter().flat_map(ResourcesRecord::full)
    }
}

fn add<'a, T: DeserializeOwned + PartialEq>(
    all: &'a mut Vec<T>,
    line: &[u8],
) -> serde_json::Result<&'a T> {
    let record = serde_json::from_slice(line)?;
    let place = all.iter().position(|other| *other == record).unwrap_or_else(|| {
        all.push(record);
        all.len() - 1
    });
    Ok(&all[place])
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(|one, other| one + other)
}

fn both(one: Cause, other: Cause) -> Cause {
    let sum = |one: Option<u64>, other: Option<u64>| {
        one.into_iter().chain(other).reduce(u64::saturating_add)
    };
    Cause {
        kernel_kills: sum(one.kernel_kills, other.kernel_kills),
        machine_kills: sum(one.machine_kills, other.machine_kills),
        limit_reached_bytes: one.limit_reached_bytes.or(other.limit_reached_bytes),
    }
}
