//! Runs tests whose outcome depends on their return value or on the message of their panic.
//!
//! The same code around a guard in each test would take longer to compile: there are thousands of tests.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::process::{ExitCode, Termination};
use std::task::Poll;
use std::thread;

use resmon_record::bytes::contains;

use super::guard::{Guard, enter};
use super::site::Site;
use crate::outcome::Outcome;

/// A function that judges the outcome of a test by its return value.
pub type Judge<T> = fn(&T) -> Outcome;

/// Runs a test and judges its return value.
pub(crate) fn run_value<T>(site: &'static Site, test: fn() -> T, judge: Judge<T>) -> T {
    let guard = enter(site);
    let output = test();
    guard.finish(judge(&output));
    output
}

/// Runs a test and judges its exit code, which libtest gets in place of the value.
pub fn run_exit_code<T: Termination>(site: &'static Site, test: fn() -> T) -> ExitCode {
    let guard = enter(site);
    let code = test().report();
    guard.finish(passed_if(code == ExitCode::SUCCESS));
    code
}

/// Runs a test that should panic with this text in its message.
pub fn run_should_panic(site: &'static Site, expected: &str, test: fn()) {
    let guard = enter(site);
    end(guard, expected, catch_unwind(test));
}

/// Runs an async test that should panic with this text in its message. The returned future is unwind safe: it is polled
/// within `catch_unwind` and never again after a panic.
pub fn await_should_panic(
    guard: Guard,
    expected: &str,
    test: impl Future<Output = ()>,
) -> AssertUnwindSafe<impl Future<Output = ()>> {
    AssertUnwindSafe(async move {
        let mut test = pin!(test);
        let result = poll_fn(|context| {
            match catch_unwind(AssertUnwindSafe(|| test.as_mut().poll(context))) {
                Ok(poll) => poll.map(Ok),
                Err(payload) => Poll::Ready(Err(payload)),
            }
        })
        .await;
        end(guard, expected, result);
    })
}

fn end(guard: Guard, expected: &str, result: thread::Result<()>) {
    match result {
        Ok(()) => guard.finish(Outcome::Failed),
        Err(payload) => {
            guard.finish(passed_if(has_text(&*payload, expected)));
            // Not through the panic hook: it has already printed the message.
            resume_unwind(payload);
        }
    }
}

pub(crate) fn passed_if(passed: bool) -> Outcome {
    if passed { Outcome::Passed } else { Outcome::Failed }
}

/// Looks for the text as libtest does: only in the two payloads of `panic!`.
fn has_text(payload: &(dyn Any + Send), expected: &str) -> bool {
    let literal = payload.downcast_ref::<&'static str>().copied();
    let message = literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    message.is_some_and(|message| contains(message, expected))
}
