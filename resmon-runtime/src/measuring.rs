//! The modules that measure. `plain.rs` takes their place where nothing can be measured.

#[cfg(feature = "alloc")]
pub mod alloc;
#[cfg(all(unix, feature = "collector"))]
pub mod collector;
pub mod guard;
#[doc(hidden)]
pub mod harness;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
pub mod measured;
#[cfg(all(unix, feature = "collector"))]
pub mod outside;

#[cfg_attr(not(unix), path = "descriptor/portable.rs")]
pub(crate) mod descriptor;
#[cfg(any(target_os = "macos", windows, test))]
pub(crate) mod duration;
#[cfg_attr(not(feature = "alloc"), path = "heap/none.rs")]
pub(crate) mod heap;
pub(crate) mod host;
pub(crate) mod identity;
pub(crate) mod limit;
pub(crate) mod nodeid;
pub(crate) mod process;
pub(crate) mod running;
pub(crate) mod sampler;
pub(crate) mod session;
#[cfg(unix)]
pub(crate) mod signal;
pub(crate) mod snapshot;
pub(crate) mod sys;
pub(crate) mod thread;
pub(crate) mod usage;
pub(crate) mod warning;
pub(crate) mod write;
