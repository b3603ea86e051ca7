//! Signals that are meant for the tests.

use std::io;
use std::thread;

use libc::c_int;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::iterator::{Handle, SignalsInfo};

use super::sentinel::Sentinel;

/// Those by which a run is ended.
pub(crate) const SIGNALS: [c_int; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Keeps these signals from ending this process, until this is dropped.
#[derive(Debug)]
pub(crate) struct Signals(SignalsInfo<WithRawSiginfo>);

/// The end of [`Signals::hand_on`].
#[derive(Debug)]
pub(crate) struct HandingOn(Handle);

impl Signals {
    pub(crate) fn survive() -> io::Result<Self> {
        SignalsInfo::new(SIGNALS).map(Self)
    }

    /// Hands on what comes to this process alone: to the child what some process sends, to the process group that the
    /// terminal was closed, which the system tells the leader of a session only. Ctrl-C, and what is sent to the process
    /// group, reaches the child by itself, and a second signal may mean something else, such as impatience.
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
                // SAFETY: sends a signal: to this process group, or to a process that is waited for after this has ended.
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
