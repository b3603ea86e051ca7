//! The runtime of [resmon](https://docs.rs/resmon), which is the crate to depend on: what is public
//! here serves the facade and the code that `#[resmon::test]` expands to, and may change in any release.
//!
//! A record travels one way: [`site`] → [`guard`] → `snapshot` → `event` → `session` → `sink`. A module
//! knows those to its right.

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
pub mod outcome;
#[cfg(all(unix, feature = "collector"))]
pub mod outside;
pub mod probe;
pub mod run;
pub mod site;

#[cfg(target_os = "linux")]
mod clock;
mod config;
#[cfg_attr(not(unix), path = "descriptor/portable.rs")]
mod descriptor;
#[cfg(any(target_os = "macos", windows, test))]
mod duration;
mod event;
#[cfg_attr(not(feature = "alloc"), path = "heap/none.rs")]
mod heap;
mod host;
mod identity;
mod limit;
mod line;
mod process;
mod running;
mod sampler;
mod session;
#[cfg(unix)]
mod signal;
mod sink;
mod snapshot;
#[cfg_attr(not(unix), path = "spool/none.rs")]
mod spool;
mod thread;
mod timestamp;
mod torn;
mod usage;
mod warning;
