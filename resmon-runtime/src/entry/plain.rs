//! Stand-ins for the modules that measure, on systems that resmon cannot measure: the attribute leaves a plain test,
//! and nothing calls the system.

#[cfg(feature = "alloc")]
pub(crate) mod heap {
    //! The heap of tests, which is not counted here.

    pub(crate) fn note_allocated(_size: usize) {}

    pub(crate) fn note_freed(_size: usize) {}

    pub(crate) fn note_reallocated(_from: usize, _to: usize) {}
}

pub mod guard {
    //! The span of a test, which is not measured here.

    use std::cell::Cell;
    use std::marker::PhantomData;

    use crate::entry::site::Site;
    use crate::outcome::Outcome;

    /// A guard that does nothing: this system cannot be measured.
    #[derive(Debug)]
    #[must_use = "a guard measures until it is dropped"]
    // Not `Sync`, like a guard that measures.
    pub struct Guard(PhantomData<Cell<()>>);

    impl Guard {
        pub(super) fn new() -> Self {
            Self(PhantomData)
        }

        /// Does nothing: there is no outcome to record.
        pub fn fail(&self) {}

        /// Does nothing. Used by generated code.
        #[doc(hidden)]
        pub fn finish(self, _outcome: Outcome) {}
    }

    // A guard is dropped early by `drop(guard)`, which Clippy calls useless for a type without this.
    impl Drop for Guard {
        fn drop(&mut self) {}
    }

    /// Opens no guard. Used by generated code.
    pub fn enter(_site: &'static Site) -> Guard {
        Guard::new()
    }

    /// Returns a guard that does nothing.
    pub fn guard(_name: impl AsRef<str>) -> Guard {
        Guard::new()
    }

    /// Calls the closure and returns its value.
    pub fn measure<T>(_name: impl AsRef<str>, f: impl FnOnce() -> T) -> T {
        f()
    }

    /// Calls the closure and returns its value.
    ///
    /// # Errors
    ///
    /// Errors of the closure.
    pub fn try_measure<T, E>(
        _name: impl AsRef<str>,
        f: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        f()
    }
}

pub mod measured {
    //! The span of a future, which is not measured here.

    use std::pin::Pin;
    use std::task::{Context, Poll};

    use crate::entry::guard::Guard;

    /// Returns a future with the same output.
    pub fn measure_async<F: Future>(_name: impl AsRef<str>, future: F) -> Measured<F> {
        Measured { future, _guard: Guard::new() }
    }

    /// The future that [`measure_async`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Measured<F> {
        future: F,
        _guard: Guard,
    }

    impl<F: Future> Future for Measured<F> {
        type Output = F::Output;

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
            // SAFETY: the future is moved neither here nor in a `Drop`. The whole is `Unpin` only where the future is.
            let future = unsafe { self.map_unchecked_mut(|this| &mut this.future) };
            future.poll(context)
        }
    }
}
