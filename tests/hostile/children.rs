//! Forks of the process while another thread is in the middle of something.

use std::{
    env,
    ffi::CString,
    fs::{self, OpenOptions},
    future::poll_fn,
    io::Write,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::Path,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Case, Mode, folder, in_both_modes,
    support::{Records, Run},
};

/// Forks a child, which has this thread only, and requires that it ends within 20 seconds.
fn fork(child: impl FnOnce()) {
    // SAFETY: the calls of the child are under test.
    let id = unsafe { libc::fork() };
    if id == 0 {
        child();
        // SAFETY: the call ends the child at once.
        unsafe { libc::_exit(9) };
    }
    assert!(id > 0, "no child");
    let (start, mut status) = (Instant::now(), 0);
    // SAFETY: the child is ours, and `status` is a place for its status.
    while unsafe { libc::waitpid(id, &raw mut status, libc::WNOHANG) } == 0 {
        if start.elapsed() > Duration::from_secs(20) {
            // SAFETY: as above.
            unsafe { libc::kill(id, libc::SIGKILL) };
            panic!("the child hangs");
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 9, "{status:#x}");
}

/// Two tests at once. The session of one starts slowly, because its warnings wait for room in a full pipe.
mod beginning {
    use super::{Path, folder, fork, fs, thread};

    #[test]
    #[ignore = "hostile"]
    fn a_forks() {
        if folder().is_none() {
            return;
        }
        let threads = || fs::read_dir("/proc/self/task").expect("Linux has it").flatten();
        while !threads().any(|thread| waits_for_room(&thread.path())) {
            thread::yield_now();
        }
        fork(|| resmon::measure("in the child", || ()));
    }

    /// Returns whether a thread is in a call of `poll(2)`.
    fn waits_for_room(thread: &Path) -> bool {
        #[cfg(target_arch = "x86_64")]
        const POLL: libc::c_long = libc::SYS_poll;
        #[cfg(not(target_arch = "x86_64"))]
        const POLL: libc::c_long = libc::SYS_ppoll;
        let call = fs::read_to_string(thread.join("syscall")).unwrap_or_default();
        call.starts_with(&format!("{POLL} "))
    }

    #[resmon::test]
    #[ignore = "hostile"]
    fn b_begins() {}
}

#[test]
fn a_child_that_is_made_while_a_session_begins_does_not_wait_for_it() {
    let case = Case::new("children::beginning::b_begins", Mode::File);
    let path = case.folder.path().join("pipe");
    let name = CString::new(path.as_os_str().as_bytes()).expect("a path");
    // SAFETY: the path ends in NUL.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
    let mut pipe = options.open(path).expect("just made");
    while pipe.write(&[b'x'; 4096]).is_ok() {}
    let own = env::current_exe().expect("a test binary knows where it is");
    let run = Run::new("sh").args(["-c", "exec \"$0\" \"$@\" 2>\"$HOSTILE/pipe\""]).arg(own);
    let run = run.args(["children::beginning::", "--ignored", "--test-threads=2"]);
    let run = run.env("RESMON_BATCH_SIZE", "none").env("RESMON_FLUSH_TIMEOUT", "never");
    let run = case.switch_on(run).finish().exits(0);
    assert_eq!(run.counts().passed, 2);
    assert_eq!(case.records().tests().len(), 1);
}

/// Forks in the middle of a future, while other threads begin and end measurements.
#[test]
#[ignore = "hostile"]
fn forks_within_a_future() {
    if folder().is_none() {
        return;
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _first = resmon::guard("one of many");
                    let _second = resmon::guard("another");
                }
            });
        }
        for _ in 0..100 {
            let mut polled = 0;
            let body = poll_fn(|_| {
                polled += 1;
                if polled < 3 { Poll::<()>::Pending } else { Poll::Ready(()) }
            });
            let mut future = pin!(resmon::measure_async("goes on in the child", body));
            let mut context = Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
            fork(|| while future.as_mut().poll(&mut context).is_pending() {});
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_child_may_go_on_with_a_future() {
    in_both_modes("children::forks_within_a_future", |_, run| assert_eq!(run.code, Some(0)));
}

/// Requires that the number of threads does not change during the test.
#[resmon::test]
#[ignore = "hostile"]
fn counts_threads() {
    let count = || fs::read_dir("/proc/self/task").expect("Linux has it").count();
    let before = count();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(200) {
        resmon::measure("a part", || ());
        assert_eq!(count(), before);
    }
}

#[test]
fn resmons_thread_is_there_before_a_test_and_stays() {
    let case = Case::new("children::counts_threads", Mode::File);
    case.hostile("").finish().exits(0);
    let records: Records = case.records();
    assert_eq!(records.test(case.test).text("cpu_scope"), "process");
}
