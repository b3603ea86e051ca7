//! The sampler: a thread that reads memory while tests run. In between, a test may need more than at its start or end.

use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::{JoinHandle, yield_now};
use std::time::{Duration, Instant};

use super::running::Running;
use crate::measure::own_thread;
use crate::measure::usage::InUse;
use crate::write::warning::warn;

/// The time between two samples: 20 a second.
const INTERVAL: Duration = Duration::from_millis(50);
/// How long the exit of the process waits for the thread to end.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Sampler {
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
    pub(super) const fn new() -> Self {
        let state = State { is_asleep: false, is_stopped: false, thread: None };
        Self { started: Once::new(), state: Mutex::new(state), wake: Condvar::new() }
    }

    /// Whether the thread has been started.
    pub(super) fn is_started(&self) -> bool {
        self.started.is_completed()
    }

    /// Starts the thread for the first test that needs it, and wakes it for later ones. Costs next to nothing while the
    /// thread is awake; it sleeps only while no test of `running` is open. `read` takes a sample, unless the session has
    /// ended.
    pub(super) fn wake(
        &'static self,
        running: &'static Running,
        read: impl Fn() -> Option<InUse> + Send + 'static,
    ) {
        self.started.call_once(|| match own_thread::spawn(move || self.run(running, &read)) {
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
    pub(super) fn stop(&self) {
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

    fn run(&self, running: &Running, read: &dyn Fn() -> Option<InUse>) {
        loop {
            let state = self.lock();
            let wait = self.wake.wait_timeout_while(state, INTERVAL, |state| !state.is_stopped);
            let (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
            if state.is_stopped {
                return;
            }
            drop(state);
            let is_any_open = sample(running, read);
            own_thread::publish();
            if !is_any_open {
                let mut state = self.lock();
                state.is_asleep = !running.is_any_open();
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
fn sample(running: &Running, read: &dyn Fn() -> Option<InUse>) -> bool {
    if !running.is_any_open() {
        return false;
    }
    let Some(in_use) = read() else { return false };
    running.note(in_use);
    true
}
