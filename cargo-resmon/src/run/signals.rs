//! Forwarding of signals to the tests.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::process::Child;
use std::thread;

use libc::c_int;
use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::iterator::{Handle, SignalsInfo};

use super::sentinel::{SIGNALS, Sentinel};

/// A guard that keeps [`SIGNALS`] from ending this process until it is dropped.
#[derive(Debug)]
pub(crate) struct Signals(SignalsInfo<WithRawSiginfo>);

/// A guard that stops [`Signals::hand_on`] when dropped.
#[derive(Debug)]
pub(crate) struct HandingOn(Handle);

impl Signals {
    pub(crate) fn survive() -> io::Result<Self> {
        SignalsInfo::new(SIGNALS).map(Self)
    }

    /// Forwards signals that only this process gets. One sent by a process goes to the child process. One from the
    /// system goes to the process group: it tells only the session leader that the terminal was closed. Signals to the
    /// whole group, such as Ctrl-C, already reach the child process, and a second one may have another effect.
    pub(crate) fn hand_on(mut self, child: &Child) -> HandingOn {
        let child = Receiver::of(child);
        let sentinel = Sentinel::post().ok();
        let handle = self.0.handle();
        thread::spawn(move || {
            for info in &mut self.0 {
                let (signal, was_sent) = (info.si_signo, info.si_code == libc::SI_USER);
                let came_to_all = match &sentinel {
                    Some(sentinel) => sentinel.has_seen(signal),
                    None => !was_sent,
                };
                if came_to_all {
                    continue;
                }
                if was_sent {
                    child.send(signal);
                } else {
                    // SAFETY: the call only sends a signal, to this process group.
                    unsafe { libc::kill(0, signal) };
                }
            }
        });
        HandingOn(handle)
    }
}

impl Drop for HandingOn {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A child process that signals are forwarded to. It may have ended, and its process id may be that of another process.
#[derive(Debug)]
struct Receiver {
    id: u32,
    /// A descriptor of the process, which is never another's. `None` if the kernel is too old.
    #[cfg(target_os = "linux")]
    descriptor: Option<OwnedFd>,
}

impl Receiver {
    /// Describes a child process that nobody has waited for yet.
    fn of(child: &Child) -> Self {
        #[cfg(target_os = "linux")]
        let descriptor = {
            use rustix::process::{Pid, PidfdFlags, pidfd_open};
            pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
        };
        Self {
            id: child.id(),
            #[cfg(target_os = "linux")]
            descriptor,
        }
    }

    /// Sends a signal, unless the process has ended. Without a descriptor that cannot be known.
    fn send(&self, signal: c_int) {
        #[cfg(target_os = "linux")]
        if let Some(descriptor) = &self.descriptor {
            use rustix::process::{Signal, pidfd_send_signal};
            if let Some(signal) = Signal::from_named_raw(signal) {
                let _ = pidfd_send_signal(descriptor, signal);
            }
            return;
        }
        #[expect(clippy::cast_possible_wrap, reason = "process ids are positive")]
        // SAFETY: the call only sends a signal.
        unsafe {
            libc::kill(self.id as libc::pid_t, signal)
        };
    }
}
