//! Systems on which a thread cannot be asked.

use std::convert::Infallible;
use std::thread::JoinHandle;
use std::time::Duration;

/// The CPU time of a thread that is alive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock(Infallible);

impl Clock {
    pub(super) fn of(_handle: &JoinHandle<()>) -> Option<Self> {
        None
    }

    pub(super) fn of_this_thread() -> Option<Self> {
        None
    }

    pub(super) fn now(self) -> Duration {
        match self.0 {}
    }
}
