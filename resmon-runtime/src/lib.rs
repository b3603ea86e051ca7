//! The runtime of [resmon](https://docs.rs/resmon), which is the crate to depend on: what is public
//! here serves the facade and the code that `#[resmon::test]` expands to, and may change in any release.
//!
//! It is a guest in somebody else's test process: it measures and appends to files, and does nothing else. Whatever
//! talks to the network is a process of its own, see [`resmon_delivery`](https://docs.rs/resmon-delivery).
//!
//! A record travels one way: [`site`] → [`guard`] → `snapshot` → `session` → `write`.

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
pub mod probe;
pub mod run;
pub mod site;

pub use resmon_record::outcome;

#[cfg_attr(not(unix), path = "descriptor/portable.rs")]
mod descriptor;
#[cfg(any(target_os = "macos", windows, test))]
mod duration;
#[cfg_attr(not(feature = "alloc"), path = "heap/none.rs")]
mod heap;
mod host;
mod identity;
mod limit;
mod process;
mod running;
mod sampler;
mod session;
#[cfg(unix)]
mod signal;
mod snapshot;
mod sys;
mod thread;
mod usage;
mod warning;
mod write;
