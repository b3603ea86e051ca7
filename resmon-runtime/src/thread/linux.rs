//! Linux: by the id of a thread all may read what it has used.

use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;

use libc::pid_t;

use super::Used;
use crate::clock::{Clock, this_thread};
use crate::descriptor::Source;

#[derive(Debug)]
pub(super) struct Thread {
    id: pid_t,
    /// `proc_pid_io(5)` of one that uses files.
    io: Option<Source>,
}

impl Thread {
    pub(super) fn of(handle: &JoinHandle<()>, uses_files: bool) -> Option<Self> {
        let id = Clock::of_handle(handle.as_pthread_t())?.thread();
        let io = || Source::open(format!("/proc/self/task/{id}/io").into(), 0);
        Some(Self { id, io: if uses_files { io() } else { None } })
    }

    pub(super) fn is(&self, id: pid_t) -> bool {
        self.id == id
    }

    pub(super) fn is_this(&self) -> bool {
        self.is(this_thread())
    }

    pub(super) fn used(&self) -> Used {
        let io = self.io.as_ref().and_then(Source::read::<256>);
        let text = io.as_ref().and_then(|(text, length)| str::from_utf8(&text[..*length]).ok());
        let number = |name| {
            let line = text?.lines().find_map(|line| line.strip_prefix(name));
            line?.parse().ok()
        };
        Used {
            cpu: Clock::of(self.id).now().unwrap_or_default(),
            read: number("read_bytes: ").unwrap_or(0),
            written: number("write_bytes: ").unwrap_or(0),
        }
    }
}
