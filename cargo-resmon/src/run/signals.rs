//! Signals that are meant for the tests.

use std::io;
use std::thread;

use libc::c_int;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::iterator::{Handle, SignalsInfo};

/// Keeps these signals from ending this process, until this is dropped.
#[derive(Debug)]
pub(crate) struct Signals(SignalsInfo<WithRawSiginfo>);

/// The end of [`Signals::hand_on`].
#[derive(Debug)]
pub(crate) struct HandingOn(Handle);

impl Signals {
    pub(crate) fn survive() -> io::Result<Self> {
        SignalsInfo::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]).map(Self)
    }

    /// Hands on to the child what some process sends to this one. What a terminal sends reaches the child by itself, as it
    /// is in the same process group.
    pub(crate) fn hand_on(mut self, child: u32) -> HandingOn {
        let handle = self.0.handle();
        thread::spawn(move || {
            let mut seen: Vec<c_int> = Vec::new();
            for info in &mut self.0 {
                let was_sent = info.si_code == libc::SI_USER;
                // Once: a second one may mean something else, such as impatience.
                if was_sent && !seen.contains(&info.si_signo) {
                    seen.push(info.si_signo);
                    #[expect(clippy::cast_possible_wrap, reason = "process ids are positive")]
                    // SAFETY: sends a signal, to a process that is waited for after this has ended.
                    unsafe {
                        libc::kill(child as libc::pid_t, info.si_signo);
                    }
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
