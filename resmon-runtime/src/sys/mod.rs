//! System calls, and files of the system.

#[cfg_attr(not(unix), path = "descriptor/portable.rs")]
pub(crate) mod descriptor;
#[cfg(any(target_os = "macos", windows, test))]
mod duration;
#[cfg(unix)]
pub(crate) mod signal;
pub(crate) mod spawn;
pub(crate) mod thread;
