//! The machine on systems other than Linux, read by sysinfo.

use std::env;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sysinfo::{DiskRefreshKind, Disks, MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, System};

use super::{Disk, Memory, Snapshot};

/// The means of reading this machine.
#[derive(Debug)]
pub(crate) struct Machine {
    opened: Instant,
    cpus: Option<u32>,
    system: Mutex<System>,
    disks: Mutex<Disks>,
    /// The index of the disk that holds the working directory.
    disk: Option<usize>,
}

/// The start of a test: empty, because sysinfo keeps the start of its window itself.
pub(crate) type Start = ();

impl Machine {
    pub(crate) fn open() -> Self {
        let mut system = System::new();
        system.refresh_cpu_usage();
        let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing());
        Self {
            opened: Instant::now(),
            cpus: u32::try_from(system.cpus().len()).ok().filter(|&cpus| cpus > 0),
            system: Mutex::new(system),
            disk: working_disk(&disks),
            disks: Mutex::new(disks),
        }
    }

    /// Returns the number of logical CPUs.
    pub(crate) fn cpus(&self) -> Option<u32> {
        self.cpus
    }

    /// Reads the machine before a test.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn before(&self) -> (Snapshot, Start) {
        (self.snapshot(), ())
    }

    /// Reads the machine after a test.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn after(&self, _start: Start) -> Snapshot {
        self.snapshot()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { cpu: self.usage(), memory: self.memory(), disk: self.disk() }
    }

    /// Returns the bytes of memory that the machine has.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn memory_total(&self) -> Option<u64> {
        self.memory().map(|memory| memory.total)
    }

    /// Reads memory while tests run. The CPU usage of sysinfo covers the time since its latest reading.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn sample(&self) -> Option<Memory> {
        self.memory()
    }

    fn memory(&self) -> Option<Memory> {
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let (total, available) = (system.total_memory(), system.available_memory());
        (total > 0).then_some(Memory { total, available })
    }

    pub(crate) fn disk(&self) -> Option<Disk> {
        let mut disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        let disk = disks.list_mut().get_mut(self.disk?)?;
        disk.refresh_specifics(DiskRefreshKind::nothing().with_storage());
        let (total, free) = (disk.total_space(), disk.available_space());
        (total > 0).then_some(Disk { total, used: total.saturating_sub(free), free })
    }

    /// Returns the usage in % over the latest window of at least 200 ms, the shortest that sysinfo measures. `None`
    /// before the first such window has passed: sysinfo would return the average since boot.
    fn usage(&self) -> Option<f64> {
        if self.opened.elapsed() < MINIMUM_CPU_UPDATE_INTERVAL {
            return None;
        }
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        system.refresh_cpu_usage();
        Some(f64::from(system.global_cpu_usage()).clamp(0.0, 100.0))
    }
}

/// Returns the index of the disk with the longest mount point above the working directory.
fn working_disk(disks: &Disks) -> Option<usize> {
    let directory = env::current_dir().ok()?;
    let above =
        disks.iter().enumerate().filter(|(_, disk)| directory.starts_with(disk.mount_point()));
    Some(above.max_by_key(|(_, disk)| disk.mount_point().components().count())?.0)
}
