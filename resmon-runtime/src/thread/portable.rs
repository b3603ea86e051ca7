//! Everything but Linux: by its clock, where the system has one for another thread.

use std::thread::JoinHandle;

use super::Used;
use super::clock::Clock;

#[derive(Debug)]
pub(super) struct Thread(Clock);

impl Thread {
    pub(super) fn of(handle: &JoinHandle<()>, _uses_files: bool) -> Option<Self> {
        Clock::of(handle).map(Self)
    }

    pub(super) fn is_this(&self) -> bool {
        Clock::of_this_thread() == Some(self.0)
    }

    pub(super) fn used(&self) -> Used {
        Used { cpu: self.0.now(), read: 0, written: 0 }
    }
}
