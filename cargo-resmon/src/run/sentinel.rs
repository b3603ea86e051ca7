//! A helper process in the process group of the tests. If it gets a signal too, the signal went to the whole group, not
//! to `cargo resmon` alone.

use std::env;
use std::io::{self, Read, Write};
use std::process::{self, Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use libc::c_int;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

/// The argument that starts this program as a sentinel.
pub(crate) const ARGUMENT: &str = "__sentinel";

/// The signals that end a run.
pub(crate) const SIGNALS: [c_int; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// The time to wait for the sentinel to report a signal that was sent to the whole group.
const PATIENCE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct Sentinel {
    /// The sentinel's process, which exits when its stdin is closed.
    child: Child,
    seen: Receiver<u8>,
}

impl Sentinel {
    pub(crate) fn post() -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut told = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, seen) = mpsc::channel();
        thread::spawn(move || {
            let mut signal = [0];
            while told.read_exact(&mut signal).is_ok() && sender.send(signal[0]).is_ok() {}
        });
        Ok(Self { child, seen })
    }

    /// Returns whether the sentinel has got this signal too. Waits for it up to [`PATIENCE`].
    pub(crate) fn has_seen(&self, signal: c_int) -> bool {
        let start = Instant::now();
        let left = || PATIENCE.saturating_sub(start.elapsed());
        while let Ok(seen) = self.seen.recv_timeout(left()) {
            if c_int::from(seen) == signal {
                return true;
            }
        }
        false
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Runs the sentinel if this process was started as one.
pub(crate) fn run_if_called() -> Option<ExitCode> {
    if env::args_os().nth(1)? != ARGUMENT {
        return None;
    }
    let Ok(mut signals) = Signals::new(SIGNALS) else { return Some(ExitCode::FAILURE) };
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
    for signal in &mut signals {
        let told = u8::try_from(signal).map_or(Ok(()), |signal| io::stdout().write_all(&[signal]));
        if told.and_then(|()| io::stdout().flush()).is_err() {
            break;
        }
    }
    Some(ExitCode::SUCCESS)
}
