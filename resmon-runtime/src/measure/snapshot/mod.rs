//! The machine at one moment.

#[cfg(any(target_os = "linux", test))]
mod cpu;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Machine, Start};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{Machine, Start};

/// CPU usage, memory and disk of the machine. `None` is unknown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    /// Usage of all CPUs together in %, 0 to 100.
    pub(crate) cpu: Option<f64>,
    pub(crate) memory: Option<Memory>,
    pub(crate) disk: Option<Disk>,
}

/// Memory of the machine, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    /// Memory that programs can get without swapping, caches that can be freed included.
    pub(crate) available: u64,
}

impl Memory {
    /// Returns the part that is not available in %, 0 to 100.
    pub(crate) fn percent(self) -> f64 {
        percent(self.total.saturating_sub(self.available), self.total)
    }
}

/// The file system of the working directory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disk {
    pub(crate) total: u64,
    pub(crate) used: u64,
    /// The space that an ordinary user may still write to.
    pub(crate) free: u64,
}

impl Disk {
    /// Returns the used part of the space for an ordinary user in %, 0 to 100, as `df` shows it.
    pub(crate) fn percent(self) -> f64 {
        percent(self.used, self.used.saturating_add(self.free))
    }
}

/// Returns `part` of `whole` in %, rounded to four places: more would be noise, and writing digits takes time.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 bytes")]
    let percent = part as f64 / whole as f64 * 100.0;
    (percent.min(100.0) * 10_000.0).round() / 10_000.0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{Duration, Instant};

    use super::{linux, portable};

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance
    }

    /// Compares two ways to read one machine. They cannot read at the same moment, so they get a few tries to agree.
    #[test]
    fn direct_reading_agrees_with_sysinfo() {
        let direct = linux::Machine::open();
        let sysinfo = portable::Machine::open();
        let (_, start) = direct.before();
        assert_eq!(direct.cpus(), sysinfo.cpus());

        let mut differences = Vec::new();
        for _ in 0..20 {
            // CPU usage covers a window, so fill one with load.
            let window = Instant::now();
            while window.elapsed() < Duration::from_millis(250) {}
            let (a, b) = (direct.after(start), sysinfo.snapshot());
            let (memory, disk) = (a.memory.unwrap(), a.disk.unwrap());
            let (other_memory, other_disk) = (b.memory.unwrap(), b.disk.unwrap());
            assert_eq!(memory.total, other_memory.total);
            assert_eq!(disk.total, other_disk.total);
            let (_, recent) = direct.before();
            let cpu = direct.after(recent).cpu.unwrap();
            let agree = close(cpu, b.cpu.unwrap(), 15.0)
                && close(memory.percent(), other_memory.percent(), 1.0)
                && memory.available.abs_diff(other_memory.available) < 64 << 20
                && disk.free.abs_diff(other_disk.free) < 64 << 20;
            if agree {
                return;
            }
            differences.push((cpu, a, b));
        }
        panic!("{differences:#?}");
    }
}
