//! System calls, and files of the system.

#[cfg_attr(not(unix), path = "descriptor/portable.rs")]
pub(crate) mod descriptor;
#[cfg(any(target_os = "macos", windows, test))]
mod duration;
pub(crate) mod exit;
#[cfg(target_os = "linux")]
pub(crate) mod file;
#[cfg(target_os = "linux")]
pub(crate) mod machine;
#[cfg(target_os = "linux")]
pub(crate) mod proc;
pub(crate) mod process;
#[cfg(unix)]
pub(crate) mod signal;
pub(crate) mod spawn;
#[cfg_attr(not(unix), path = "stderr/portable.rs")]
pub(crate) mod stderr;
pub(crate) mod thread;

#[cfg(unix)]
pub(crate) use self::signal::without_sigxfsz;

/// Calls `write`. There is no SIGXFSZ to block here.
#[cfg(not(unix))]
pub(crate) fn without_sigxfsz<T>(write: impl FnOnce() -> T) -> T {
    write()
}
