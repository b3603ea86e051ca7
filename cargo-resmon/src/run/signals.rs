//! Forwarding of signals to the tests.

use std::io;
use std::thread;

use libc::c_int;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::iterator::{Handle, SignalsInfo};

use super::sentinel::Sentinel;

/// The signals that end a run.
pub(crate) const SIGNALS: [c_int; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

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
    pub(crate) fn hand_on(mut self, child: u32) -> HandingOn {
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
                #[expect(clippy::cast_possible_wrap, reason = "process ids are positive")]
                let to = if was_sent { child as libc::pid_t } else { 0 };
                // SAFETY: the call only sends a signal, to this process group or to the child process.
                unsafe { libc::kill(to, signal) };
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
