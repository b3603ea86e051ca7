//! Other systems: what sysinfo and `getrusage(2)` tell.

use std::sync::{LazyLock, Mutex, PoisonError};

use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System};

use super::Usage;

/// Kept, since some systems have it open what they read from.
static SYSTEM: LazyLock<Mutex<System>> = LazyLock::new(|| Mutex::new(System::new()));

/// What all threads of the process have used.
pub(super) fn of_process() -> Option<Usage> {
    super::rusage::read(libc::RUSAGE_SELF)
}

/// There is no way to ask for a thread that all these systems have.
pub(super) fn of_thread() -> Option<Usage> {
    None
}

/// Resident memory in bytes.
pub(super) fn resident() -> Option<u64> {
    let id = sysinfo::get_current_pid().ok()?;
    let mut system = SYSTEM.lock().unwrap_or_else(PoisonError::into_inner);
    let memory = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, memory);
    system.process(id).map(Process::memory).filter(|&bytes| bytes > 0)
}
