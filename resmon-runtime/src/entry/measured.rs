//! The span of a future: from its first poll to its end.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use resmon_record::outcome::Outcome;

use super::guard::{self, Guard};
use super::nodeid;
use crate::measure::heap;

/// Measures a future within a [`guard`](crate::guard::guard) of this name. Returns a future with the same output.
///
/// The measurement begins at the first poll. The outcome is `passed` if the output is `()` or another value without a
/// size, and `failed` if the future panics; the panic goes on to the caller. Any other output could mean success or
/// failure, so the outcome is `unknown`. A future that is dropped before its end, for example by a timeout, is
/// `unfinished`.
///
/// Any thread of any runtime may poll the future. The figures of its thread alone, rather than of the process, are left
/// out if several threads polled it, or if its thread polled another measured future in between.
///
/// ```
/// # use resmon_runtime::measured as resmon;
/// # async fn connect() {}
/// # async fn answers() {
/// resmon::measure_async("connect", connect()).await;
/// # }
/// ```
#[track_caller]
pub fn measure_async<F: Future>(name: impl AsRef<str>, future: F) -> Measured<F> {
    let caller = Location::caller();
    let span = guard::session(None).map_or(Span::Over, |_| {
        let _own = heap::suspend();
        Span::Ahead(nodeid::named(caller.file(), name.as_ref()))
    });
    Measured { future, measurement: Measurement(span) }
}

/// The future that [`measure_async`] returns.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Measured<F> {
    // In this order: the drop of the future is measured, too.
    future: F,
    measurement: Measurement,
}

impl<F: Future> Future for Measured<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is moved neither here nor in a `Drop`. `measurement` is only reached by a reference, and
        // is never treated as pinned. The whole is `Unpin` only where the future is.
        let (future, measurement) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), &mut this.measurement)
        };
        let polled = measurement.begin_poll();
        let result = future.poll(context);
        if result.is_ready() {
            // The same rule as in `measure`.
            let is_value = size_of::<F::Output>() > 0;
            polled.0.end(if is_value { Outcome::Unknown } else { Outcome::Passed });
        }
        result
    }
}

#[derive(Debug)]
struct Measurement(Span);

#[derive(Debug)]
enum Span {
    /// Not polled yet, with the id of the test.
    Ahead(String),
    Open(Guard),
    Over,
}

impl Measurement {
    fn begin_poll(&mut self) -> Polled<'_> {
        match &mut self.0 {
            Span::Ahead(id) => self.0 = Span::Open(Guard::with_id(std::mem::take(id))),
            Span::Open(guard) => guard.resume(),
            Span::Over => {}
        }
        Polled(self, thread::panicking())
    }

    fn end(&mut self, outcome: Outcome) {
        if let Span::Open(guard) = std::mem::replace(&mut self.0, Span::Over) {
            guard.finish(outcome);
        }
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        self.end(Outcome::Unfinished);
    }
}

/// A poll in progress, and whether the thread was unwinding before it.
struct Polled<'a>(&'a mut Measurement, bool);

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        if thread::panicking() && !self.1 {
            self.0.end(Outcome::Failed);
        } else if let Span::Open(guard) = &self.0.0 {
            guard.pause();
        }
    }
}
