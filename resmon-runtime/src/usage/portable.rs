//! Everything but Linux: what sysinfo and, on Unix, `getrusage(2)` tell.

use std::sync::{Mutex, PoisonError};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::Usage;
use super::runner::Runner;

/// The way to read this process.
#[derive(Debug)]
pub(crate) struct Process {
    one_at_a_time: bool,
    id: Option<Pid>,
    system: Mutex<System>,
}

/// A test that was alone when it started.
#[derive(Debug)]
pub(crate) struct Witness;

impl Process {
    pub(crate) fn open() -> Self {
        Self {
            one_at_a_time: Runner::of_this_process() != Runner::Several,
            id: sysinfo::get_current_pid().ok(),
            system: Mutex::new(System::new()),
        }
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> Option<u64> {
        let id = self.id?;
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, memory);
        system.process(id).map(sysinfo::Process::memory)
    }

    pub(super) fn look_around(&self) -> Option<Witness> {
        self.one_at_a_time.then_some(Witness)
    }

    pub(super) fn was_alone(&self, _since: &Witness) -> bool {
        self.one_at_a_time
    }

    #[expect(clippy::unused_self, reason = "it is as on Linux")]
    pub(super) fn known(&self, usage: Usage) -> Usage {
        usage
    }
}

/// What all threads of the process have used.
pub(super) fn of_process() -> Option<Usage> {
    #[cfg(unix)]
    return super::rusage::read(libc::RUSAGE_SELF);
    #[cfg(not(unix))]
    None
}

/// There is no way to ask for a thread that all these systems have.
pub(super) fn of_thread() -> Option<Usage> {
    None
}

/// Nor one to have the system watch for a peak.
pub(super) fn reset_peak() -> bool {
    false
}

pub(super) fn peak() -> Option<u64> {
    None
}
