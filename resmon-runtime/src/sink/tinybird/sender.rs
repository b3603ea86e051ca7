//! The thread that sends.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Shared;
use super::client::{Client, Failure, Retry};
use super::queue::Request;
use crate::config::Endpoint;
use crate::identity;
use crate::warning::warn;

/// The longest wait that `Retry-After` is granted.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// After this many requests given up in a row the endpoint is not tried again.
const GIVE_UP: u32 = 3;

pub(super) fn spawn(shared: Arc<Shared>, endpoint: Endpoint) -> io::Result<JoinHandle<()>> {
    without_signals(|| {
        thread::Builder::new().name("resmon".to_owned()).spawn(move || {
            // The exit of the process waits for this thread, so it must come to an end.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| send_all(&shared, endpoint)));
            shared.finish();
        })
    })
}

fn send_all(shared: &Shared, endpoint: Endpoint) {
    let client = Client::new(endpoint);
    let mut given_up = 0;
    while let Some(request) = shared.next() {
        match send(&client, &request) {
            Ok(quarantined) => {
                given_up = 0;
                shared.settled();
                if quarantined > 0 {
                    warn(format_args!(
                        "{} accepted {request} but quarantined {quarantined}: \
                         the data source does not fit, see its quarantine",
                        client.base()
                    ));
                }
            }
            Err(problem) => {
                given_up += 1;
                shared.settled();
                let last = given_up == GIVE_UP;
                let more = if last { "; no more are sent" } else { "" };
                warn(format_args!("{request} not delivered to {}: {problem}{more}", client.base()));
                if last {
                    shared.stop();
                }
            }
        }
    }
}

/// Tries a request, and where that can help once more. Returns how many records were quarantined.
fn send(client: &Client, request: &Request) -> Result<u64, String> {
    let again = |failure: Failure, wait| {
        thread::sleep(wait);
        client.post(&request.body).map_err(|second| {
            match (failure.to_string(), second.to_string()) {
                (first, second) if first == second => format!("{first} (tried twice)"),
                (first, second) => format!("{first}, then {second}"),
            }
        })
    };
    match client.post(&request.body) {
        Ok(quarantined) => Ok(quarantined),
        Err(failure) => match failure.retry {
            Retry::Never => Err(failure.to_string()),
            Retry::After(wait) => again(failure, wait.min(RETRY_AFTER)),
            Retry::Soon => {
                // Many processes may have met the same trouble at the same moment.
                let jitter = identity::random() % 300;
                again(failure, Duration::from_millis(200 + jitter))
            }
        },
    }
}

/// Calls `spawn` with all signals blocked, which the new thread inherits: a signal that a test waits for must not be
/// delivered to a thread that the test does not know of.
#[cfg(unix)]
fn without_signals<T>(spawn: impl FnOnce() -> T) -> T {
    use std::mem::MaybeUninit;
    use std::ptr;

    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: the pointers are to signal sets of our own, and `sigfillset` fills the first before it is read.
    let blocked = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0
    };
    let result = spawn();
    if blocked {
        // SAFETY: the call above succeeded and so has stored the mask of this thread.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    }
    result
}

#[cfg(not(unix))]
fn without_signals<T>(spawn: impl FnOnce() -> T) -> T {
    spawn()
}
