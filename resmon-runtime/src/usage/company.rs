//! Whether other threads do something in the process, of which resmon may know nothing: plain tests have no guard.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use libc::pid_t;

use super::runner::Runner;
use crate::clock::{Clock, this_thread};
use crate::descriptor::{self, Source};
use crate::thread;

/// More threads than this are company in any case.
const MANY: usize = 64;
/// Of so many it is worth to ask whether they are about to end, as the threads of an earlier test may be.
const FEW: usize = 4;
/// How long libtest's thread may take to go to sleep after it has started a test, on a busy machine.
const PATIENCE: Duration = Duration::from_millis(250);
/// So many times it may fail to, before it is taken for one that never does.
const TRIES: u32 = 2;

#[derive(Debug)]
pub(super) struct Company {
    runner: Runner,
    main: pid_t,
    /// `/proc/self/task`, of whose links all but two stand for threads.
    threads: Option<Source>,
    /// What `proc_pid_stat(5)` says of the main thread, which is libtest's: it starts the tests and waits for them.
    state: Option<Source>,
    /// How often the main thread was waited for in vain.
    in_vain: AtomicU32,
}

/// What the other threads had done at the start of a test.
#[derive(Debug)]
pub(crate) struct Witness {
    others: Vec<(Clock, Duration)>,
    /// Whether the test was started on the main thread, which may start others when it is done with it.
    on_main: bool,
}

impl Company {
    pub(super) fn open() -> Self {
        let runner = Runner::of_this_process();
        let main = pid_t::try_from(std::process::id()).unwrap_or(0);
        let needs = |wanted: bool, path: String, flags| {
            if wanted { Source::open(path.into(), flags) } else { None }
        };
        let stat = format!("/proc/self/task/{main}/stat");
        Self {
            runner,
            main,
            threads: needs(runner != Runner::OneTest, "/proc/self/task".to_owned(), libc::O_PATH),
            state: needs(runner == Runner::Several, stat, 0),
            in_vain: AtomicU32::new(0),
        }
    }

    pub(super) fn is_expected(&self) -> bool {
        self.runner == Runner::Several
    }

    /// Looks around at the start of a test. `None` if it cannot be told what others do.
    pub(super) fn look(&self) -> Option<Witness> {
        let own = this_thread();
        let on_main = own == self.main;
        if self.runner == Runner::OneTest {
            return Some(Witness { others: Vec::new(), on_main: false });
        }
        let expected = if on_main { 1 } else { 2 } + thread::own();
        // A runner that is known to wait for the test may do what it likes meanwhile.
        let watched = (self.runner == Runner::Several && !on_main).then(|| Clock::of(self.main));
        let start = Instant::now();
        loop {
            // First: a thread that the main thread starts from now on shows in its clock.
            let mut others = Vec::new();
            if let Some(clock) = watched {
                others.push((clock, clock.now()?));
            }
            if self.count()? != expected {
                self.add_strangers(own, &mut others)?;
            } else if others.iter().any(|main| !self.main_sleeps(main)) && self.may_wait(start) {
                std::thread::yield_now();
                continue;
            }
            return Some(Witness { others, on_main });
        }
    }

    /// Whether no other thread has done anything since, but for those that the test has started.
    pub(super) fn was_none(&self, since: &Witness) -> bool {
        let same = |&(clock, then): &(Clock, Duration)| clock.now() == Some(then);
        (!since.on_main || this_thread() == self.main) && since.others.iter().all(same)
    }

    /// Whether the process has this one thread.
    pub(super) fn is_single_threaded(&self) -> bool {
        self.count() == Some(1)
    }

    fn count(&self) -> Option<u64> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        self.threads.as_ref()?.with(&mut |directory| {
            // SAFETY: the pointer is to a `stat` of our own.
            match unsafe { libc::fstat(directory.as_raw_fd(), stat.as_mut_ptr()) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        })?;
        // SAFETY: the call succeeded, so it has filled in the structure.
        let links = unsafe { stat.assume_init() }.st_nlink;
        #[allow(clippy::unnecessary_cast, reason = "it differs by system")]
        Some((links as u64).saturating_sub(2))
    }

    /// Adds what the threads have done that are neither the test's, the main one, nor resmon's.
    fn add_strangers(&self, own: pid_t, others: &mut Vec<(Clock, Duration)>) -> Option<()> {
        let list = || {
            let mut list = list()?;
            list.retain(|&id| id != own && id != self.main && !thread::is_own(id));
            Some(list)
        };
        let strangers = list()?;
        if strangers.len() > MANY {
            return None;
        }
        for &id in &strangers {
            let clock = Clock::of(id);
            match clock.now() {
                Some(now) if strangers.len() > FEW || !is_exiting(id) => others.push((clock, now)),
                // It has nothing of its own left to do.
                _ => {}
            }
        }
        // One that was started meanwhile was so perhaps before the clock of who started it was read.
        let later = list()?;
        later.iter().all(|id| strangers.contains(id)).then_some(())
    }

    /// Whether the main thread waits for something. If it has been started on a CPU, or is waiting for one, it will show
    /// in its clock, though all that it may do is to go to sleep.
    fn main_sleeps(&self, &(clock, then): &(Clock, Duration)) -> bool {
        let stat = self.state.as_ref().and_then(Source::read::<96>);
        let sleeps = stat.is_some_and(|(stat, length)| state(&stat[..length]) == Some(b'S'));
        // It is said to sleep a little before it has left its CPU.
        sleeps && clock.now() == Some(then)
    }

    fn may_wait(&self, start: Instant) -> bool {
        if self.in_vain.load(Ordering::Relaxed) >= TRIES {
            return false;
        }
        let may = start.elapsed() < PATIENCE;
        if !may {
            self.in_vain.fetch_add(1, Ordering::Relaxed);
        }
        may
    }
}

/// What follows the name of a thread in its `stat`. The name is in parentheses and may have some in it, but is short.
fn after_name(stat: &[u8]) -> Option<&[u8]> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(end + 2..)
}

fn state(stat: &[u8]) -> Option<u8> {
    after_name(stat)?.first().copied()
}

/// Whether a thread is past all code but the kernel's: who waited for its end has been told, and yet it is still there.
fn is_exiting(thread: pid_t) -> bool {
    const PF_EXITING: u64 = 4;
    let mut stat = [0; 128];
    let mut read = || {
        let file = File::open(format!("/proc/self/task/{thread}/stat"))?;
        let length = file.read_at(&mut stat, 0);
        descriptor::close(file);
        length
    };
    // If there is no such thread any more, it has been.
    let Ok(length) = read() else { return true };
    let flags = || {
        let fields = str::from_utf8(after_name(&stat[..length])?).ok()?;
        fields.split(' ').nth(6)?.parse::<u64>().ok()
    };
    flags().is_some_and(|flags| flags & PF_EXITING != 0)
}

/// The ids of all threads of this process. By the C library: the directory is open for a moment, and the standard
/// library panics if a test has closed it.
fn list() -> Option<Vec<pid_t>> {
    // SAFETY: the path ends in NUL; the directory is this function's, as are its entries until the next is read, and the
    // name of each ends in NUL.
    unsafe {
        let directory = libc::opendir(c"/proc/self/task".as_ptr());
        if directory.is_null() {
            return None;
        }
        let mut list = Vec::new();
        loop {
            let entry = libc::readdir(directory);
            if entry.is_null() {
                break;
            }
            let id = libc::atoi((&raw const (*entry).d_name).cast());
            if id > 0 {
                list.push(id);
            }
        }
        libc::closedir(directory);
        Some(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_may_be_called_anything() {
        assert_eq!(state(b"12 (a b) S 1 2"), Some(b'S'));
        assert_eq!(state(b"12 (a) R (b)) S 1 2"), Some(b'S'));
        assert_eq!(state(b"12 (a"), None);
        assert_eq!(state(b"12 (a)"), None);
    }

    #[test]
    fn this_thread_is_there_and_not_on_its_way_out() {
        assert!(list().unwrap().contains(&this_thread()));
        assert!(!is_exiting(this_thread()));
        assert!(is_exiting(pid_t::MAX));
    }
}
