//! The exit of the process: a return from `main` or `exit(3)`, in any thread.

use std::sync::OnceLock;

static END: OnceLock<fn(Option<i32>)> = OnceLock::new();

/// Registers a function for the exit of the process, which gets the exit status where the system tells it. It must not
/// unwind. Only the first call has an effect.
pub(crate) fn at_exit(end: fn(Option<i32>)) {
    if END.set(end).is_ok() {
        register();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn register() {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        safe fn on_exit(
            function: extern "C" fn(c_int, *mut c_void),
            argument: *mut c_void,
        ) -> c_int;
    }
    extern "C" fn leave(status: c_int, _argument: *mut c_void) {
        // The bits of the status that the parent process sees.
        end(Some(status & 0xff));
    }
    on_exit(leave, std::ptr::null_mut());
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn register() {
    extern "C" fn leave() {
        end(None);
    }
    // SAFETY: the function lives as long as the process and does not unwind.
    unsafe { libc::atexit(leave) };
}

fn end(exit_status: Option<i32>) {
    if let Some(end) = END.get() {
        end(exit_status);
    }
}
