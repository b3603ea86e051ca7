//! The machine on Linux, read from `/proc/stat` and `/proc/meminfo`, which are kept open, and by `fstatvfs(3)`. In the
//! dev profile this takes a sixth of the time of a general library.

use std::env;
use std::ffi::{CStr, c_char};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::cpu::{History, Sample, is_fresh};
use super::{Disk, Memory, Snapshot, percent};
use crate::sys::descriptor::{self, Source};
use crate::sys::file::file_system;
use crate::sys::machine::online_cpus;

/// The open files to read this machine. A file that could not be opened leaves its figures unknown.
#[derive(Debug)]
pub(crate) struct Machine {
    cpus: Option<u32>,
    stat: Option<Source>,
    meminfo: Option<Source>,
    /// The working directory at the start: a test may change or delete it.
    directory: Option<Source>,
    history: Mutex<History>,
    /// The latest reading of `/proc/loadavg`, and its time.
    runnable: Mutex<Option<(Instant, f64)>>,
    /// The latest reading of memory and disk.
    latest: Mutex<Option<Reading>>,
}

/// Memory and disk, with the time at which they were read.
type Reading = (Instant, Option<Memory>, Option<Disk>);

/// The highest age of a reading for the start of a test: the reading from the end of the test before may serve.
const MOMENT: Duration = Duration::from_millis(1);

/// The CPUs' counters when a test started.
pub(crate) type Start = Option<Sample>;

impl Machine {
    pub(crate) fn open() -> Self {
        Self {
            cpus: online_cpus(),
            stat: Source::open("/proc/stat".into(), 0),
            meminfo: Source::open("/proc/meminfo".into(), 0),
            directory: env::current_dir().ok().and_then(|path| Source::open(path, libc::O_PATH)),
            history: Mutex::default(),
            runnable: Mutex::default(),
            latest: Mutex::default(),
        }
    }

    /// Returns the number of logical CPUs that are online.
    pub(crate) fn cpus(&self) -> Option<u32> {
        self.cpus
    }

    /// Reads the machine before a test. Also returns the start for [`after`](Self::after).
    pub(crate) fn before(&self) -> (Snapshot, Start) {
        let (cpu, start) = self.usage(None);
        let (memory, disk) = self.recent();
        (Snapshot { cpu, memory, disk }, start)
    }

    /// Reads the machine after a test that began with `start`.
    pub(crate) fn after(&self, start: Start) -> Snapshot {
        let (cpu, _) = self.usage(start);
        let (memory, disk) = self.read();
        Snapshot { cpu, memory, disk }
    }

    /// Returns memory and disk: the latest reading if it is younger than [`MOMENT`], else a new one.
    fn recent(&self) -> (Option<Memory>, Option<Disk>) {
        let latest = *self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        match latest {
            Some((read, memory, disk)) if read.elapsed() < MOMENT => (memory, disk),
            _ => self.read(),
        }
    }

    fn read(&self) -> (Option<Memory>, Option<Disk>) {
        let (memory, disk) = (self.memory(), self.disk());
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), memory, disk));
        (memory, disk)
    }

    pub(crate) fn memory(&self) -> Option<Memory> {
        self.parse_meminfo(|meminfo| {
            let total = bytes_of(meminfo, c"MemTotal:")?;
            Some(Memory { total, available: bytes_of(meminfo, c"\nMemAvailable:")? })
        })
    }

    /// Returns the memory of the machine in bytes, also where the available memory is unknown.
    pub(crate) fn memory_total(&self) -> Option<u64> {
        self.parse_meminfo(|meminfo| bytes_of(meminfo, c"MemTotal:"))
    }

    fn parse_meminfo<T>(&self, parse: impl FnOnce(&CStr) -> Option<T>) -> Option<T> {
        let (mut meminfo, length) = self.meminfo.as_ref()?.read::<128>()?;
        *meminfo.get_mut(length.min(127))? = 0;
        parse(CStr::from_bytes_until_nul(&meminfo).ok()?)
    }

    pub(crate) fn disk(&self) -> Option<Disk> {
        let mut stat = None;
        self.directory.as_ref()?.with(&mut |directory| {
            stat = Some(file_system(directory)?);
            Ok(())
        })?;
        let stat = stat?;
        #[allow(clippy::unnecessary_cast, reason = "the fields are narrower on 32-bit systems")]
        let bytes = |blocks| (blocks as u64).saturating_mul(stat.f_frsize as u64);
        Some(Disk {
            total: bytes(stat.f_blocks),
            used: bytes(stat.f_blocks.saturating_sub(stat.f_bfree)),
            free: bytes(stat.f_bavail),
        })
    }

    fn usage(&self, start: Start) -> (Option<f64>, Start) {
        let now = Instant::now();
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let sample = history.fresh(now).or_else(|| {
            let (text, length) = self.stat.as_ref()?.read::<256>()?;
            let (busy, total) = parse_stat(&text[..length])?;
            let sample = Sample { at: now, busy, total };
            history.push(sample);
            Some(sample)
        });
        if sample.is_none() {
            // The counters cannot be read any more, and the history is not about now.
            return (self.runnable(now), None);
        }
        let usage = match start {
            Some(start) => history.since(start),
            None => history.recent(),
        };
        (usage.or_else(|| self.runnable(now)), sample)
    }

    /// Returns the share of the CPUs that have something to run now, in %, for when no usage is known. The number is in
    /// the fourth field of `/proc/loadavg`, which is read no more often than the CPUs' counters.
    fn runnable(&self, now: Instant) -> Option<f64> {
        let mut latest = self.runnable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, percent)) = latest.filter(|&(at, _)| is_fresh(at, now)) {
            return Some(percent);
        }
        let percent = self.read_runnable()?;
        *latest = Some((now, percent));
        Some(percent)
    }

    fn read_runnable(&self) -> Option<f64> {
        let mut loadavg = [0; 128];
        let file = File::open("/proc/loadavg").ok()?;
        let length = file.read_at(&mut loadavg, 0);
        descriptor::close(file);
        let loadavg = str::from_utf8(&loadavg[..length.ok()?]).ok()?;
        let (runnable, _) = loadavg.split_ascii_whitespace().nth(3)?.split_once('/')?;
        Some(percent(runnable.parse().ok()?, self.cpus?.into()))
    }
}

/// Parses the number after this word and spaces. Also returns the rest of the text. A loop over bytes, because
/// iterators of the standard library are slow in the dev profile.
fn number_after<'a>(word: &str, text: &'a [u8]) -> Option<(u64, &'a [u8])> {
    let text = text.strip_prefix(word.as_bytes())?;
    let mut place = 0;
    while text.get(place) == Some(&b' ') {
        place += 1;
    }
    let start = place;
    let mut number = 0_u64;
    while let Some(digit @ b'0'..=b'9') = text.get(place) {
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        place += 1;
    }
    // A number that the end of the buffer cut off is invalid.
    (place > start && place < text.len()).then(|| (number, &text[place..]))
}

/// Parses busy and total ticks from the line `cpu` of `proc_stat(5)`: user, nice, system, idle, iowait, irq, softirq,
/// steal. The two fields after these, guest time, are already part of user and nice.
fn parse_stat(stat: &[u8]) -> Option<(u64, u64)> {
    let mut rest = stat.strip_prefix(b"cpu")?;
    let mut ticks = [0; 8];
    for tick in &mut ticks {
        (*tick, rest) = number_after(" ", rest)?;
    }
    let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks;
    let busy = user + nice + system + irq + softirq + steal;
    Some((busy, busy + idle + iowait))
}

/// Reads the number of KiB behind a name in `proc_meminfo(5)`, in bytes. `MemTotal` and `MemAvailable` are the first
/// and the third line since Linux 3.14. Uses functions of the C library, which are optimized in the dev profile too.
fn bytes_of(meminfo: &CStr, name: &CStr) -> Option<u64> {
    #[allow(clippy::cast_possible_wrap, reason = "of either sign, by system")]
    const SPACE: c_char = b' ' as c_char;
    // SAFETY: both are strings that end in NUL.
    let found = unsafe { libc::strstr(meminfo.as_ptr(), name.as_ptr()) };
    if found.is_null() {
        return None;
    }
    let mut end = ptr::null_mut();
    // SAFETY: `found` points to the name, and the text behind it ends in NUL.
    let (kib, next) = unsafe {
        let kib = libc::strtoull(found.add(name.count_bytes()), &raw mut end, 10);
        (kib, *end)
    };
    // A number that the end of the buffer cut off is invalid.
    if next == SPACE { kib.checked_mul(1024) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_line_of_a_kernel_reads_as_its_manual_says() {
        let stat =
            "cpu  100 20 30 700 50 1 2 3 40 5\ncpu0 50 10 15 350 25 0 1 1 20 2\ncpu1 0\nintr 1\n";
        assert_eq!(parse_stat(stat.as_bytes()), Some((156, 906)));
        assert_eq!(parse_stat(b""), None);
        assert_eq!(parse_stat(b"cpu  1 2 3"), None);
        assert_eq!(parse_stat(b"cpu  1 2 3 4 5 6 x 8"), None);
    }

    #[test]
    fn a_number_of_meminfo_is_read_by_its_name() {
        let meminfo =
            c"MemTotal:       24639796 kB\nMemFree: 1 kB\nMemAvailable:   23908216 kB\nBuff";
        assert_eq!(bytes_of(meminfo, c"MemTotal:"), Some(24_639_796 * 1024));
        assert_eq!(bytes_of(meminfo, c"\nMemAvailable:"), Some(23_908_216 * 1024));
        assert_eq!(bytes_of(c"MemTotal: 1 kB\nMemFree: 1 kB\n", c"\nMemAvailable:"), None);
        // A line that the buffer cut off is not a number.
        assert_eq!(bytes_of(c"MemTotal: 1 kB\nMemAvailable:   239", c"\nMemAvailable:"), None);
    }

    #[test]
    fn closed_files_give_nothing_rather_than_something_old() {
        let machine = Machine { stat: None, meminfo: None, directory: None, ..Machine::open() };
        let (snapshot, start) = machine.before();
        assert!(start.is_none() && snapshot.memory.is_none() && snapshot.disk.is_none());
        assert!(snapshot.cpu.is_some_and(|cpu| cpu > 0.0 && cpu <= 100.0));
    }
}
