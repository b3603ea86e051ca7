//! A thread that looks at memory while tests run: between its start and its end a test may need more than at either.

use std::sync::{Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

use crate::process::{self, RUNNING};
use crate::thread;
use crate::usage::InUse;
use crate::warning::warn;

/// Twenty times a second.
const INTERVAL: Duration = Duration::from_millis(50);

pub(crate) static SAMPLER: Sampler = Sampler::new();

#[derive(Debug)]
pub(crate) struct Sampler {
    started: Once,
    asleep: Mutex<bool>,
    wake: Condvar,
}

impl Sampler {
    const fn new() -> Self {
        Self { started: Once::new(), asleep: Mutex::new(false), wake: Condvar::new() }
    }

    /// Starts with the first test of the process. After that it costs next to nothing while it is awake, and it sleeps
    /// only where no test has been open.
    pub(crate) fn wake(&'static self) {
        self.started.call_once(|| {
            if let Err(error) = thread::spawn(false, || self.run()) {
                warn(format_args!("peaks of memory may go unseen: no thread to look: {error}"));
            }
        });
        let mut asleep = self.lock();
        if *asleep {
            *asleep = false;
            self.wake.notify_one();
        }
    }

    fn run(&self) {
        loop {
            std::thread::sleep(INTERVAL);
            if !sample() {
                let mut asleep = self.lock();
                *asleep = !RUNNING.is_any_open();
                drop(self.wake.wait_while(asleep, |asleep| *asleep));
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        self.asleep.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks, for all open tests; `false` if there is none.
fn sample() -> bool {
    if !RUNNING.is_any_open() {
        return false;
    }
    // It may have ended.
    let Some(session) = process::session(None) else { return false };
    let in_use = InUse {
        resident: session.process.resident(),
        available: session.machine.memory().map(|memory| memory.available),
    };
    RUNNING.note(in_use);
    true
}
