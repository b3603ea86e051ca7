//! The ends of tests that a guard alone would not understand.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::process::{ExitCode, Termination};
use std::task::Poll;
use std::thread;

use crate::guard::Guard;
use crate::outcome::Outcome;
use crate::probe::passed_if;

/// Ends a test with the exit code of its value, which libtest then judges in the value's place.
pub fn report(guard: Guard, output: impl Termination) -> ExitCode {
    let code = output.report();
    guard.finish(passed_if(code == ExitCode::SUCCESS));
    code
}

/// Runs a test that should panic with this text in its message.
pub fn expect_panic(guard: Guard, expected: &str, test: impl FnOnce()) {
    end(guard, expected, catch_unwind(AssertUnwindSafe(test)));
}

/// The same for an async test. The future is as unwind safe as it claims: it is polled within
/// `catch_unwind` and never again after a panic.
pub fn expect_panic_async(
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
            // Past the panic hook: it has printed the message.
            resume_unwind(payload);
        }
    }
}

/// As libtest looks for it: in the two payloads of `panic!`, and in no other.
fn has_text(payload: &(dyn Any + Send), expected: &str) -> bool {
    let literal = payload.downcast_ref::<&'static str>().copied();
    let message = literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    message.is_some_and(|message| message.contains(expected))
}
