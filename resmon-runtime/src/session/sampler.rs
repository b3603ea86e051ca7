//! The sampler: a thread that reads memory while tests run. In between, a test may need more than at its start or end.

use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::{JoinHandle, yield_now};
use std::time::{Duration, Instant};

use super::process::{self, RUNNING};
use crate::measure::own_thread;
use crate::measure::usage::InUse;
use crate::write::warning::warn;

/// The time between two samples: 20 a second.
const INTERVAL: Duration = Duration::from_millis(50);
/// How long the exit of the process waits for the thread to end.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) static SAMPLER: Sampler = Sampler::new();

#[derive(Debug)]
pub(crate) struct Sampler {
    started: Once,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug)]
struct State {
    is_asleep: bool,
    is_stopped: bool,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    const fn new() -> Self {
        let state = State { is_asleep: false, is_stopped: false, thread: None };
        Self { started: Once::new(), state: Mutex::new(state), wake: Condvar::new() }
    }

    /// Whether the thread has been started.
    pub(crate) fn is_started(&self) -> bool {
        self.started.is_completed()
    }

    /// Starts the thread for the first test that needs it, and wakes it for later ones. Costs next to nothing while the
    /// thread is awake; it sleeps only while no test is open.
    pub(crate) fn wake(&'static self) {
        self.started.call_once(|| match own_thread::spawn(|| self.run()) {
            Ok(thread) => self.lock().thread = Some(thread),
            Err(error) => {
                warn(format_args!(
                    "memory peaks will not be sampled: cannot start a thread: {error}"
                ));
            }
        });
        let mut state = self.lock();
        if state.is_asleep {
            state.is_asleep = false;
            self.wake.notify_one();
        }
    }

    /// Ends and joins the thread: a leak checker reports a thread that is alive at exit.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopped = true;
        let thread = state.thread.take();
        drop(state);
        self.wake.notify_one();
        let Some(thread) = thread else { return };
        let start = Instant::now();
        while !thread.is_finished() {
            if start.elapsed() > PATIENCE {
                return;
            }
            yield_now();
        }
        let _ = thread.join();
    }

    fn run(&self) {
        loop {
            let state = self.lock();
            let wait = self.wake.wait_timeout_while(state, INTERVAL, |state| !state.is_stopped);
            let (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
            if state.is_stopped {
                return;
            }
            drop(state);
            let is_any_open = sample();
            own_thread::publish();
            if !is_any_open {
                let mut state = self.lock();
                state.is_asleep = !RUNNING.is_any_open();
                let idle = |state: &mut State| state.is_asleep && !state.is_stopped;
                drop(self.wake.wait_while(state, idle));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a sample for all open tests. Returns `false` if none is open.
fn sample() -> bool {
    if !RUNNING.is_any_open() {
        return false;
    }
    // The session may have ended.
    let Some(session) = process::current() else { return false };
    let in_use = InUse {
        resident: session.process.resident(),
        available: session.machine.memory().map(|memory| memory.available),
    };
    RUNNING.note(in_use);
    true
}
