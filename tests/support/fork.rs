//! Forked children, as daemons and some test helpers create them.

/// Forks a child that exits with this code through its inherited exit handlers. Returns the exit code that the parent
/// sees.
pub(crate) fn child_exits(code: i32) -> i32 {
    // SAFETY: the child calls `exit` and nothing else.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the only exit handlers are resmon's, and they must survive this.
        unsafe { libc::exit(code) };
    }
    let mut status = 0;
    // SAFETY: the child is ours, and `status` is a place for its status.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert!(waited == child && libc::WIFEXITED(status), "the child did not exit: {status:#x}");
    libc::WEXITSTATUS(status)
}
