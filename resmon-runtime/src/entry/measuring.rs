//! The modules that measure. `plain.rs` takes their place where nothing can be measured.

mod budget;
mod charge;
pub mod guard;
#[doc(hidden)]
pub mod harness;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
pub mod measured;
pub(crate) mod nodeid;

#[cfg(feature = "alloc")]
pub(crate) use crate::measure::heap;
