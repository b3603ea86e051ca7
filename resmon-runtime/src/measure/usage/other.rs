//! The usage on other systems, read by sysinfo and `getrusage(2)`.

use std::sync::{LazyLock, Mutex, PoisonError};

use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System};

use super::Usage;

/// The state of sysinfo. Kept, because on some systems it opens the source of its readings first.
static SYSTEM: LazyLock<Mutex<System>> = LazyLock::new(|| Mutex::new(System::new()));

/// Reads the usage of all threads of the process.
pub(super) fn of_process() -> Option<Usage> {
    super::rusage::read(libc::RUSAGE_SELF)
}

/// Returns `None`: these systems have no common way to read the usage of a thread.
pub(super) fn of_thread() -> Option<Usage> {
    None
}

/// Returns the resident memory in bytes.
pub(super) fn resident() -> Option<u64> {
    let id = sysinfo::get_current_pid().ok()?;
    let mut system = SYSTEM.lock().unwrap_or_else(PoisonError::into_inner);
    let memory = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, memory);
    system.process(id).map(Process::memory).filter(|&bytes| bytes > 0)
}
