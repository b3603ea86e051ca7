//! The machine, as far as calls of the C library tell of it.

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// Counts the logical CPUs that are online.
pub(crate) fn online_cpus() -> Option<u32> {
    // SAFETY: the call only reads what the system knows of itself.
    let cpus = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    u32::try_from(cpus).ok().filter(|&cpus| cpus > 0)
}

/// Counts the CPUs that the main thread of this process may run on.
pub(crate) fn allowed_cpus() -> Option<u32> {
    // Room for 8192 CPUs, the most that Linux can be built for. With too little room the call fails.
    let mut set = [0_u64; 128];
    let process = libc::pid_t::try_from(std::process::id()).ok()?;
    // SAFETY: the kernel writes at most as many bytes as the set has.
    let result =
        unsafe { libc::sched_getaffinity(process, size_of_val(&set), set.as_mut_ptr().cast()) };
    let cpus = set.iter().map(|word| word.count_ones()).sum::<u32>();
    (result == 0 && cpus > 0).then_some(cpus)
}

/// Returns the size of a page of memory in bytes.
pub(crate) fn page_size() -> u64 {
    // SAFETY: the call only reads what the system knows of itself.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(page).unwrap_or(4096)
}

/// Returns the host name, by `uname(2)`.
pub(crate) fn hostname() -> Option<String> {
    let mut name = MaybeUninit::<libc::utsname>::uninit();
    // SAFETY: the pointer is to a structure of our own.
    if unsafe { libc::uname(name.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so it has filled in the structure.
    let name = unsafe { name.assume_init() };
    // SAFETY: the kernel ends each of its texts in NUL.
    let name = unsafe { CStr::from_ptr(name.nodename.as_ptr()) };
    let name = name.to_str().ok()?;
    (!name.is_empty()).then(|| name.to_owned())
}
