//! Signals to `cargo resmon`: they are forwarded to the tests while these run, and end the delivery after that.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libc::c_int;
use resmon_record::process;
use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::iterator::{Handle, SignalsInfo};

use super::sentinel::{SIGNALS, Sentinel};

/// The time after the end of the command in which a first signal is taken for the one that ended the command: a Ctrl-C
/// reaches both at once.
const SAME: Duration = Duration::from_millis(500);

/// A guard that keeps [`SIGNALS`] from ending this process until it is dropped.
#[derive(Debug)]
pub(crate) struct Signals(SignalsInfo<WithRawSiginfo>);

/// The forwarding of signals. Ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Forwarding {
    handle: Handle,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// The number of signals so far.
    seen: u32,
    /// A signal that was sent to this process alone. Cargo does not pass it on to its test binaries.
    alone: Option<c_int>,
    /// The signal that ends this process as soon as all records are on disk.
    stop: Option<c_int>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    /// The wrapped command runs.
    #[default]
    Running,
    /// The command ended at this time, and its last records are being written.
    Ending(Instant),
    /// All records are on disk. Only the wait for their delivery is left, and the report.
    Delivering(Instant),
}

impl Signals {
    pub(crate) fn survive() -> io::Result<Self> {
        SignalsInfo::new(SIGNALS).map(Self)
    }

    /// Forwards signals that only this process gets. One sent by a process goes to the child process. One from the
    /// system goes to the process group: it tells only the session leader that the terminal was closed. Signals to the
    /// whole group, such as Ctrl-C, already reach the child process, and a second one may have another effect.
    pub(crate) fn forward(mut self, child: &Child) -> Forwarding {
        let child = Target::child(child);
        let sentinel = Sentinel::post().ok();
        let state = Arc::new(Mutex::new(State::default()));
        let forwarding = Forwarding { handle: self.0.handle(), state: Arc::clone(&state) };
        thread::spawn(move || {
            for info in &mut self.0 {
                let (signal, was_sent) = (info.si_signo, info.si_code == libc::SI_USER);
                if !lock(&state).note(signal) {
                    continue;
                }
                let came_to_all = match &sentinel {
                    Some(sentinel) => sentinel.has_seen(signal),
                    None => !was_sent,
                };
                if came_to_all {
                    continue;
                }
                if was_sent {
                    // In this order: the command may end by the signal at once.
                    lock(&state).alone = Some(signal);
                    child.send(signal);
                } else {
                    // SAFETY: the call only sends a signal, to this process group.
                    unsafe { libc::kill(0, signal) };
                }
            }
        });
        forwarding
    }
}

impl Forwarding {
    /// Returns the latest signal that was sent to this process alone, if any.
    pub(crate) fn alone(&self) -> Option<c_int> {
        lock(&self.state).alone
    }

    /// Returns whether any signal has come.
    pub(crate) fn has_seen_any(&self) -> bool {
        lock(&self.state).seen > 0
    }

    /// Notes that the wrapped command has ended: from now on signals are for this process.
    pub(crate) fn command_ended(&self) {
        lock(&self.state).phase = Phase::Ending(Instant::now());
    }

    /// Returns whether a signal asks this process to end soon.
    pub(crate) fn is_stopped(&self) -> bool {
        lock(&self.state).stop.is_some()
    }

    /// Notes that all records are on disk. From now on a signal ends this process at once, as does one that came since
    /// the end of the command.
    pub(crate) fn delivering(&self) {
        let mut state = lock(&self.state);
        if let Phase::Ending(ended) = state.phase {
            state.phase = Phase::Delivering(ended);
        }
        if let Some(signal) = state.stop {
            die_by(signal);
        }
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl State {
    /// Takes a signal into account. Returns whether it is to be forwarded.
    fn note(&mut self, signal: c_int) -> bool {
        self.seen += 1;
        let is_first = self.seen == 1;
        match self.phase {
            Phase::Running => return true,
            Phase::Ending(ended) | Phase::Delivering(ended)
                if is_first && ended.elapsed() < SAME => {}
            Phase::Ending(_) => self.stop = Some(signal),
            Phase::Delivering(_) => die_by(signal),
        }
        false
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends this process by the signal, as if nothing had kept the signal from doing so.
fn die_by(signal: c_int) {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Returns whether a process with this id exists.
pub(crate) fn exists(id: c_int) -> bool {
    // SAFETY: no signal is sent.
    unsafe { libc::kill(id, 0) == 0 }
}

/// A process to send signals to. It may have ended, and its process id may be that of another process.
#[derive(Debug)]
pub(crate) struct Target {
    id: c_int,
    /// A descriptor of the process, which is never another's. `None` if the kernel is too old.
    #[cfg(target_os = "linux")]
    descriptor: Option<OwnedFd>,
}

impl Target {
    /// Describes a child process that nobody has waited for yet.
    fn child(child: &Child) -> Self {
        #[expect(clippy::cast_possible_wrap, reason = "process ids are positive")]
        Self::new(child.id() as c_int)
    }

    /// Describes the process of this [name](process::name), unless it has ended.
    pub(crate) fn named(id: c_int, name: &str) -> Option<Self> {
        let target = Self::new(id);
        // After it was opened: the descriptor is of this process or of none.
        process::is_alive(name).then_some(target)
    }

    fn new(id: c_int) -> Self {
        #[cfg(target_os = "linux")]
        let descriptor = {
            use rustix::process::{Pid, PidfdFlags, pidfd_open};
            Pid::from_raw(id).and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok())
        };
        Self {
            id,
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
        // SAFETY: the call only sends a signal.
        unsafe { libc::kill(self.id, signal) };
    }

    /// Sends a signal to a shim in the way that tells it to pass the signal on.
    #[cfg(target_os = "linux")]
    pub(crate) fn queue(&self, signal: c_int) {
        use std::os::fd::AsRawFd;

        use crate::shim::QUEUED;
        let Some(descriptor) = &self.descriptor else { return };
        // SAFETY: all zeros is a valid value of this plain structure, and the pointer is to a value of our own.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            (info.si_signo, info.si_code) = (signal, QUEUED);
            let descriptor = descriptor.as_raw_fd();
            libc::syscall(libc::SYS_pidfd_send_signal, descriptor, signal, &raw const info, 0);
        }
    }

    /// Does nothing: only Linux can send such a signal.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn queue(&self, _signal: c_int) {}
}
