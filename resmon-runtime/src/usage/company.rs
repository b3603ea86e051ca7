//! Whether other tests run in the process, of which resmon may know nothing: plain ones have no guard.

use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use super::runner;
use crate::descriptor::Source;
use crate::thread;

#[derive(Debug)]
pub(super) struct Company {
    one_at_a_time: bool,
    /// `/proc/self/task`, of whose links all but two stand for threads.
    threads: Option<Source>,
    /// What the scheduler says of the main thread, which is libtest's: it starts the tests and waits for them.
    main: Option<Source>,
}

/// What was seen at the start of a test that was alone then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witness {
    /// How often the main thread had been given a CPU.
    main_ran: u64,
}

impl Company {
    pub(super) fn open() -> Self {
        let one_at_a_time = runner::runs_one_at_a_time();
        let source = |path: String, flags| Source::open(path.into(), flags);
        let open = |path, flags| if one_at_a_time { None } else { source(path, flags) };
        let pid = std::process::id();
        Self {
            one_at_a_time,
            threads: open("/proc/self/task".to_owned(), libc::O_PATH),
            main: open(format!("/proc/self/task/{pid}/schedstat"), 0),
        }
    }

    /// Looks around at the start of a test. `None` if another might run.
    pub(super) fn look(&self) -> Option<Witness> {
        if self.one_at_a_time {
            return Some(Witness { main_ran: 0 });
        }
        let on_main = is_main_thread();
        let main_ran = self.main_ran(on_main)?;
        self.sees_no_other(on_main).then_some(Witness { main_ran })
    }

    /// Whether no other test has run since.
    pub(super) fn was_none(&self, since: Witness) -> bool {
        if self.one_at_a_time {
            return true;
        }
        let on_main = is_main_thread();
        // libtest's thread would have been given a CPU to start one, or when one ended.
        self.sees_no_other(on_main) && self.main_ran(on_main) == Some(since.main_ran)
    }

    /// Whether this thread, the main thread and resmon's own are all that there are.
    fn sees_no_other(&self, on_main: bool) -> bool {
        let known = if on_main { 1 } else { 2 };
        self.count_threads() == Some(known + thread::own())
    }

    fn count_threads(&self) -> Option<u64> {
        self.threads.as_ref()?.with(|directory| {
            let mut stat = MaybeUninit::<libc::stat>::uninit();
            // SAFETY: the pointer is to a `stat` of our own, which is read only after the call has filled it in.
            unsafe {
                if libc::fstat(directory.as_raw_fd(), stat.as_mut_ptr()) != 0 {
                    return Err(std::io::Error::last_os_error());
                }
                #[allow(clippy::unnecessary_cast, reason = "it differs by system")]
                Ok((stat.assume_init().st_nlink as u64).saturating_sub(2))
            }
        })
    }

    /// The third number of the file. A main thread that runs the tests itself says nothing by running.
    fn main_ran(&self, on_main: bool) -> Option<u64> {
        if on_main {
            return Some(0);
        }
        let (text, length) = self.main.as_ref()?.read::<96>()?;
        let text = str::from_utf8(&text[..length]).ok()?;
        text.trim_ascii_end().rsplit(' ').next()?.parse().ok()
    }
}

fn is_main_thread() -> bool {
    // SAFETY: the calls only read what the process is.
    unsafe { libc::gettid() == libc::getpid() }
}
