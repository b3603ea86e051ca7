//! The wait for a child process, and the resources that it used.

use std::fs;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{self, Child, Command};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use libc::{c_int, c_void};
use resmon_runtime::outside::Cost;

/// The signals that a terminal or test runner sends to the whole process group. The test gets them too, and this
/// process must outlive it.
const SIGNALS: [c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// The `si_code` of a signal with a value, by `rt_sigqueueinfo(2)`: `SI_QUEUE`.
pub(crate) const QUEUED: c_int = -1;

/// The memory that a forked child may touch after it has told its peak, in bytes.
const MARGIN: u64 = 256 << 10;

/// The process id of the child: 0 before it has started, -1 after it has ended.
static CHILD: AtomicI32 = AtomicI32::new(0);
/// A signal for the child that came before the child had started, or 0.
static EARLY: AtomicI32 = AtomicI32::new(0);

/// Keeps [`SIGNALS`] from ending this process. Uses a handler, which a child process does not inherit. Ignored signals
/// stay ignored. A signal that `cargo resmon` has queued is meant for the child, which does not get it by itself.
pub(super) fn survive_signals() {
    extern "C" fn survive(signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
        // SAFETY: the system passes a valid pointer, because the handler is set with `SA_SIGINFO`.
        if unsafe { (*info).si_code } != QUEUED {
            return;
        }
        match CHILD.load(Ordering::SeqCst) {
            0 => EARLY.store(signal, Ordering::SeqCst),
            id => send(id, signal),
        }
    }
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = survive;
    for signal in SIGNALS {
        // SAFETY: all zeros is a valid value of this plain structure; the pointers are to values of our own, and the
        // handler only makes calls that may be made in one.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let mut before: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART | libc::SA_SIGINFO;
            libc::sigaction(signal, &raw const action, &raw mut before);
            if before.sa_sigaction == libc::SIG_IGN {
                libc::sigaction(signal, &raw const before, ptr::null_mut());
            }
        }
    }
}

/// Sends a signal to the child, unless it has ended.
fn send(child: c_int, signal: c_int) {
    if child > 0 {
        // SAFETY: the call only sends a signal. The child has not been waited for.
        unsafe { libc::kill(child, signal) };
    }
}

/// Lets the child have the signals that are meant for it.
fn begin_to_forward(child: &Child) {
    let id = c_int::try_from(child.id()).unwrap_or(-1);
    CHILD.store(id, Ordering::SeqCst);
    match EARLY.swap(0, Ordering::SeqCst) {
        0 => {}
        signal => send(id, signal),
    }
}

/// Starts the child process. Also returns the peak of resident memory with which it began, in bytes, if that is known:
/// the kernel counts from the fork, not from the exec.
///
/// A fork has only the memory that this process has written to. Without the closure, the standard library may start the
/// child in the memory of this process, all of which would count.
pub(super) fn spawn(command: &mut Command) -> io::Result<(Child, Option<u64>)> {
    let Ok((mut reader, writer)) = io::pipe() else {
        let child = command.spawn()?;
        begin_to_forward(&child);
        return Ok((child, None));
    };
    // SAFETY: the closure makes only calls that are safe between fork and exec.
    unsafe {
        command.pre_exec(move || {
            let peak = resident_peak().unwrap_or(0);
            (&writer).write_all(&peak.to_ne_bytes())
        });
    }
    let child = command.spawn()?;
    begin_to_forward(&child);
    let mut peak = [0; 8];
    // The child has written it, or the start would have failed.
    let is_known = reader.read_exact(&mut peak).is_ok();
    let peak = Some(u64::from_ne_bytes(peak)).filter(|&peak| is_known && peak > 0);
    Ok((child, peak.map(|peak| peak + MARGIN)))
}

/// Returns the peak of resident memory of this process, in bytes.
fn resident_peak() -> Option<u64> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a value of our own, of which all zeros is a valid value.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    u64::try_from(usage.ru_maxrss).ok().filter(|_| cfg!(target_os = "linux")).map(|kib| kib * 1024)
}

/// Waits until the process ends. `inherited` is the peak in resident bytes with which it began.
pub(super) fn wait(pid: u32, inherited: Option<u64>) -> (Instant, Cost) {
    let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
    let flags = libc::WEXITED | libc::WNOWAIT;
    // SAFETY: the pointer is to a value of our own.
    retry(|| unsafe { libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), flags) });
    let ended = Instant::now();
    // `/proc` has the figures only until the process is reaped.
    let (read, written) = storage(pid);
    // From here on the process id may be another's.
    CHILD.store(-1, Ordering::SeqCst);
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    #[expect(clippy::cast_possible_wrap, reason = "process ids are positive")]
    // SAFETY: the pointers are to values of our own.
    let waited = retry(|| unsafe {
        libc::wait4(pid as libc::pid_t, &raw mut status, 0, usage.as_mut_ptr())
    });
    if waited == -1 {
        // The exit status is lost if SIGCHLD is ignored. A missing status does not pass for success.
        return (ended, Cost { pid, ..Cost::default() });
    }
    // SAFETY: all zeros is a valid value, and the call fills it in.
    let usage = unsafe { usage.assume_init() };
    let own_peak = cfg!(target_os = "linux")
        .then(|| u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024)
        .filter(|&peak| inherited.is_some_and(|inherited| peak > inherited));
    let cost = Cost {
        pid,
        exit_code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        cpu_user_s: Some(seconds(usage.ru_utime)),
        cpu_system_s: Some(seconds(usage.ru_stime)),
        rss_peak: own_peak,
        io_read_bytes: read,
        io_write_bytes: written,
    };
    (ended, cost)
}

fn retry(mut call: impl FnMut() -> c_int) -> c_int {
    loop {
        let result = call();
        if result != -1 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return result;
        }
    }
}

fn seconds(time: libc::timeval) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no process runs for 2^53 seconds")]
    let (seconds, micros) = (time.tv_sec as f64, time.tv_usec as f64);
    seconds + micros / 1e6
}

/// Returns the bytes that a process, and the children that it waited for, read from storage and wrote to it.
fn storage(pid: u32) -> (Option<u64>, Option<u64>) {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let field = |name| {
        io.lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|value| value.trim().parse().ok())
    };
    (field("read_bytes:"), field("write_bytes:"))
}

/// Ends this process by the signal that ended the child process, so that its parent sees the same status.
pub(super) fn die_by(signal: c_int) -> ! {
    // SAFETY: the pointers are to local values. The process ends here, so its changed signal state affects nothing
    // else.
    unsafe {
        // The child process may have written a core file; a second one is not needed.
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut());
        libc::raise(signal);
    }
    process::exit(128 + signal)
}
