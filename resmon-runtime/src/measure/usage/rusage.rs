//! The usage by `getrusage(2)`.

use std::time::Duration;

use libc::{c_int, c_long, timeval};

use super::Usage;
use crate::sys::process;
#[cfg(target_os = "linux")]
use crate::sys::thread;

/// Reads the usage of the process or, on Linux, of the thread.
pub(super) fn read(who: c_int) -> Option<Usage> {
    #[cfg(target_os = "linux")]
    if who == libc::RUSAGE_THREAD {
        // Without this, `getrusage(2)` answers as of the latest tick or switch: the kernel updates the CPU time of the
        // thread only when its clock is read.
        let _ = thread::cpu_time();
    }
    let usage = process::rusage(who)?;
    let major_faults = count(usage.ru_majflt);
    Some(Usage {
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        faults: Some(count(usage.ru_minflt) + major_faults),
        major_faults: Some(major_faults),
        involuntary_switches: Some(count(usage.ru_nivcsw)),
        read: bytes(usage.ru_inblock),
        written: bytes(usage.ru_oublock),
    })
}

fn duration(time: timeval) -> Duration {
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0)) + Duration::from_micros(micros)
}

fn count(number: c_long) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Converts blocks to bytes. On Linux these are the `read_bytes` and `write_bytes` of `proc_pid_io(5)` in units of 512.
/// `None` elsewhere, where they count operations.
fn bytes(blocks: c_long) -> Option<u64> {
    cfg!(target_os = "linux").then(|| count(blocks) * 512)
}
