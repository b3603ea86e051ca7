//! The heap usage of a test, where [`Alloc`](crate::alloc::Alloc) is installed.
//!
//! Each thread has a block of counters that it alone writes, so that counting takes neither locks nor atomic additions.
//! The blocks are in a list, and their sum is that of the process. Peaks have no sum: for the peak of the process, a
//! thread reports its balance when that has changed by 64 KiB.

mod block;
mod process;
mod thread;

use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

use self::block::{Block, Reading};
pub(crate) use self::thread::{exempt, note_allocated, note_freed, note_reallocated, suspend};

/// The heap usage of a test. `None` is unknown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) count: Option<u64>,
    pub(crate) bytes: Option<u64>,
    /// The peak in bytes, above the balance at the start.
    pub(crate) peak: Option<u64>,
}

/// The heap measurement of a test.
#[derive(Debug)]
pub(crate) struct Watch {
    start: OnceLock<Start>,
    /// The highest balances since the start, as of the latest [`fold`].
    thread_peak: AtomicI64,
    process_peak: AtomicI64,
}

#[derive(Debug)]
struct Start {
    block: &'static Block,
    thread: Reading,
    total: Reading,
    /// The balance of the process, as far as threads have reported theirs.
    process_balance: i64,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        let (thread_peak, process_peak) = (AtomicI64::new(i64::MIN), AtomicI64::new(i64::MIN));
        Self { start: OnceLock::new(), thread_peak, process_peak }
    }

    /// Begins the measurement, on the thread of the test.
    pub(crate) fn start(&self) {
        if !block::is_installed() {
            return;
        }
        let Some(block) = thread::own() else { return };
        block.join_process();
        let thread = block.reading();
        let (total, process_balance) = (block::total(), process::balance());
        let _ = self.start.set(Start { block, thread, total, process_balance });
    }

    /// Returns the usage since the start: of all threads but the harness's if the test was alone, else of the test's
    /// thread. The latter is known only on that thread.
    pub(crate) fn end(&self, alone: bool, on_its_thread: bool) -> Used {
        let Some(start) = self.start.get() else { return Used::default() };
        let thread = start.block.reading().since(start.thread);
        let thread_peak = self.thread_peak.load(Relaxed).wrapping_sub(start.thread.balance);
        let (reading, peak) = if alone {
            let total = block::total().since(start.total);
            let told = self.process_peak.load(Relaxed).wrapping_sub(start.process_balance);
            // At the moment of the thread's peak, other threads had freed at most as much as they did in all.
            let freed = |by: Reading| by.bytes.wrapping_sub(by.balance.cast_unsigned());
            let by_others = freed(total).wrapping_sub(freed(thread)).cast_signed();
            let known = if on_its_thread { thread_peak.saturating_sub(by_others) } else { 0 };
            (total, told.max(known))
        } else if on_its_thread {
            (thread, thread_peak)
        } else {
            return Used::default();
        };
        let peak = peak.max(reading.balance).max(0).unsigned_abs();
        Used { count: Some(reading.count), bytes: Some(reading.bytes), peak: Some(peak) }
    }
}

/// Updates the peaks of each open test from the highest balances so far, and resets those. To be called before the set
/// of open tests changes.
pub(crate) fn fold<'a>(open: impl Iterator<Item = &'a Watch>) {
    if !block::is_installed() {
        return;
    }
    let own = thread::own();
    let thread_peak = own.map(|block| {
        block.tell();
        block.take_peak()
    });
    let process_peak = process::take_peak();
    for watch in open {
        let Some(start) = watch.start.get() else { continue };
        watch.process_peak.fetch_max(process_peak, Relaxed);
        if let (Some(own), Some(peak)) = (own, thread_peak)
            && std::ptr::eq(own, start.block)
        {
            watch.thread_peak.fetch_max(peak, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread as threads;

    use super::*;

    /// Measures `body`, which counts allocations without making any.
    fn watched(body: impl FnOnce()) -> Used {
        note_allocated(0);
        let watch = Watch::new();
        watch.start();
        body();
        fold([&watch].into_iter());
        watch.end(false, true)
    }

    fn used(count: u64, bytes: u64, peak: u64) -> [Option<u64>; 3] {
        [Some(count), Some(bytes), Some(peak)]
    }

    #[test]
    fn what_others_had_allocated_may_be_freed() {
        let Used { count, bytes, peak } = watched(|| {
            note_freed(1000);
            note_allocated(300);
        });
        assert_eq!([count, bytes, peak], used(1, 300, 0));
    }

    #[test]
    fn a_reallocation_adds_what_it_grows_by() {
        let Used { count, bytes, peak } = watched(|| {
            note_allocated(100);
            note_reallocated(100, 400);
            note_reallocated(400, 50);
            note_freed(50);
        });
        assert_eq!([count, bytes, peak], used(3, 550, 400));
    }

    #[test]
    fn what_is_resmons_does_not_count() {
        let Used { count, bytes, peak } = watched(|| {
            note_allocated(10);
            let first = suspend();
            note_allocated(1000);
            let second = suspend();
            note_allocated(1000);
            drop(second);
            note_allocated(1000);
            drop(first);
            note_allocated(10);
        });
        assert_eq!([count, bytes, peak], used(2, 20, 20));
    }

    #[test]
    fn figures_on_another_thread_are_those_of_the_process_or_none() {
        note_allocated(0);
        let watch = Watch::new();
        watch.start();
        note_allocated(5);
        assert_eq!(watch.end(false, false).count, None);
        assert!(watch.end(true, false).count >= Some(1));
    }

    #[test]
    fn a_thread_that_ends_leaves_its_block_to_another() {
        let block = || {
            let thread = || {
                note_allocated(1);
                thread::own().map(std::ptr::from_ref).map(<*const Block>::addr)
            };
            threads::spawn(thread).join().unwrap().unwrap()
        };
        let mut blocks: Vec<usize> = (0..500).map(|_| block()).collect();
        blocks.sort_unstable();
        blocks.dedup();
        // Threads of other tests may claim a block meanwhile.
        assert!(blocks.len() < 100, "{}", blocks.len());
    }
}
