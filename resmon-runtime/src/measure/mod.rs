//! The readings of the machine, of the process and of a test.

#[cfg_attr(not(feature = "alloc"), path = "heap/none.rs")]
pub(crate) mod heap;
pub(crate) mod host;
pub(crate) mod limit;
pub(crate) mod own_thread;
pub(crate) mod snapshot;
pub(crate) mod usage;
