//! The records that only the local copy of a run has: its build, its memory and disks, and what SIGKILL ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::record::{record, serialize_timestamp};

/// The events of all records that only a local copy has, the test binaries' included.
const EVENTS: [&str; 4] = ["process", "build", "kill", "resources"];

/// Returns whether only a local copy has the records of this event.
#[cfg(unix)]
pub(crate) fn is_local(event: &str) -> bool {
    EVENTS.contains(&event)
}

/// A process that SIGKILL ended: that of a test, or the wrapped command.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Killed {
    /// The end of the process.
    #[serde(serialize_with = "serialize_timestamp")]
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) package: Option<String>,
    /// The path of the executable.
    pub(crate) executable: Option<String>,
    /// The wrapped command, if it was that: `cargo test`.
    pub(crate) command: Option<String>,
    /// The attempt, if the process ran one test.
    pub(crate) attempt: Option<i32>,
    /// The ids of the tests that were open in it.
    pub(crate) tests: Vec<String>,
}

/// The kernel's counters around the time of a death. `None` is unknown.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub(crate) struct Cause {
    /// The processes of the control group that the kernel killed for lack of memory.
    pub(crate) kernel_kills: Option<u64>,
    /// The processes of the whole machine that the kernel killed for lack of memory.
    pub(crate) machine_kills: Option<u64>,
    /// The memory limit of the control group, or of one above it, that was reached, in bytes.
    pub(crate) limit_reached_bytes: Option<u64>,
}

/// The record of a process that SIGKILL ended.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct KillRecord {
    #[serde(flatten)]
    pub(crate) killed: Killed,
    #[serde(flatten)]
    pub(crate) cause: Cause,
}

/// The record of a build. A run may have several: Cargo compiles documentation tests after it has run the others.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct BuildRecord {
    #[serde(serialize_with = "serialize_timestamp")]
    pub(crate) timestamp: Option<Timestamp>,
    /// Wall seconds until the first test binary started.
    pub(crate) duration_s: Option<f64>,
    /// The most bytes of memory that Cargo and the processes below it had at once.
    pub(crate) mem_peak_bytes: Option<u64>,
    /// The most processes at once.
    pub(crate) processes_max: Option<u64>,
    /// The name of the process with the highest peak, such as `rustc --crate-name shop` or `linker of shop`.
    pub(crate) largest: Option<String>,
    /// Its peak in resident bytes.
    pub(crate) largest_bytes: Option<u64>,
    /// Free bytes on the file system of the target directory before the build.
    pub(crate) disk_free_before: Option<u64>,
    /// The fewest free bytes there during the build.
    pub(crate) disk_free_min: Option<u64>,
    /// Free bytes there after the build.
    pub(crate) disk_free_after: Option<u64>,
    #[serde(flatten)]
    pub(crate) cause: Cause,
}

/// The record of the memory and the disks that a run had.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct ResourcesRecord {
    #[serde(serialize_with = "serialize_timestamp")]
    pub(crate) timestamp: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) cause: Cause,
    /// The lowest memory limit of the control group and those above it, in bytes.
    pub(crate) mem_limit_bytes: Option<u64>,
    /// The most bytes that the limited group had at once, if that was during the run.
    pub(crate) mem_peak_bytes: Option<u64>,
    /// Seconds in which at least one process waited for memory.
    pub(crate) mem_stalled_s: Option<f64>,
    /// The fewest available bytes of the machine's memory.
    pub(crate) mem_available_min: Option<u64>,
    /// Swap space of the machine in bytes.
    pub(crate) swap_total_bytes: Option<u64>,
    /// The fewest free bytes of swap space.
    pub(crate) swap_free_min: Option<u64>,
    /// The file systems of the target directory and of temporary files.
    pub(crate) disks: Vec<Disk>,
}

/// A file system.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Disk {
    /// A directory on it.
    pub(crate) path: String,
    pub(crate) total_bytes: u64,
    /// The fewest free bytes.
    pub(crate) free_min: u64,
}

impl KillRecord {
    pub(crate) fn fields(&self) -> Map<String, Value> {
        fields("kill", self)
    }
}

impl BuildRecord {
    pub(crate) fn fields(&self) -> Map<String, Value> {
        fields("build", self)
    }
}

impl ResourcesRecord {
    pub(crate) fn fields(&self) -> Map<String, Value> {
        fields("resources", self)
    }
}

fn fields(event: &str, value: &impl Serialize) -> Map<String, Value> {
    let mut fields = record(event, value);
    fields.insert("test_nodeid".to_owned(), format!("__{event}__").into());
    fields
}

impl ResourcesRecord {
    /// Returns whether the kernel killed a process for lack of memory, or a disk was full.
    pub(crate) fn ran_out(&self) -> bool {
        let Cause { kernel_kills, machine_kills, .. } = self.cause;
        kernel_kills.or(machine_kills).is_some_and(|kills| kills > 0)
            || self.full().next().is_some()
    }

    /// Returns the disks that were full, or so nearly that a write may have failed.
    pub(crate) fn full(&self) -> impl Iterator<Item = &Disk> {
        self.disks.iter().filter(|disk| disk.is_full())
    }
}

impl Disk {
    fn is_full(&self) -> bool {
        const ROOM: u64 = 64 << 20;
        self.free_min < ROOM && self.free_min <= self.total_bytes / 100
    }
}
