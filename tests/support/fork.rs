//! A copy of the process, as daemons and some test helpers make one.

/// Forks a child that leaves at once with this code, by way of the exit handlers that it inherited, and
/// returns the code with which it was seen to leave.
pub(crate) fn child_exits(code: i32) -> i32 {
    // SAFETY: the child calls `exit` and nothing else.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the only handlers are resmon's, which must bear this: it is what is tested.
        unsafe { libc::exit(code) };
    }
    let mut status = 0;
    // SAFETY: the child is ours, and `status` is a place for its status.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert!(waited == child && libc::WIFEXITED(status), "the child did not exit: {status:#x}");
    libc::WEXITSTATUS(status)
}
