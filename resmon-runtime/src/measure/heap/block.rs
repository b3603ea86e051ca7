//! The heap counters of a thread, which it alone writes and all threads may read.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU64};

use super::process;

/// The change of a thread's balance, in bytes, after which the process's balance is updated.
const STEP: i64 = 64 << 10;

/// The heap counters of a thread. Never freed: a thread that ends leaves its counters, with their values, to a new
/// thread. Aligned, so that no other data shares their cache lines.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Block {
    count: AtomicU64,
    bytes: AtomicU64,
    /// The bytes that this thread has allocated, less those that it has freed. Negative if other threads had allocated
    /// them.
    balance: AtomicI64,
    /// The highest balance since it was last taken.
    peak: AtomicI64,
    /// The part of the balance that the process's balance contains.
    known: AtomicI64,
    /// Whether these counters are part of the process's total.
    belongs: AtomicBool,
    owned: AtomicBool,
    next: AtomicPtr<Block>,
}

/// The counts up to some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) count: u64,
    pub(super) bytes: u64,
    pub(super) balance: i64,
}

/// The newest block of the list of all blocks, which leads to older ones. No block is ever taken out.
static NEWEST: AtomicPtr<Block> = AtomicPtr::new(ptr::null_mut());

/// The block for allocations that do not count. Several threads write it, and none reads it.
pub(super) static UNCOUNTED: Block = Block::new(false);

/// The block for threads that have released their own, at the end of their lives.
static LATE: Block = Block::new(true);

impl Block {
    const fn new(belongs: bool) -> Self {
        Self {
            count: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            balance: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            known: AtomicI64::new(0),
            belongs: AtomicBool::new(belongs),
            owned: AtomicBool::new(true),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Claims a block for this thread alone, until it [releases](Self::release) it. `None` if memory is short.
    pub(super) fn claim() -> Option<&'static Self> {
        let free = |block: &&Self| {
            !block.owned.load(Relaxed)
                && block.owned.compare_exchange(false, true, Acquire, Relaxed).is_ok()
        };
        all().find(free).or_else(Self::allocate)
    }

    #[expect(clippy::cast_ptr_alignment, reason = "the layout is the block's")]
    fn allocate() -> Option<&'static Self> {
        // SAFETY: a block has a size.
        let memory = unsafe { System.alloc(Layout::new::<Self>()) }.cast::<Self>();
        if memory.is_null() {
            return None;
        }
        let newest = NEWEST.load(Acquire);
        // The first thread is the one that waits for the tests, unless a test runs on it.
        let block = Self::new(!newest.is_null());
        block.next.store(newest, Relaxed);
        // SAFETY: the memory is a block's, nobody else has it yet, and it is never freed.
        let block: &'static Self = unsafe {
            memory.write(block);
            &*memory
        };
        while let Err(newest) =
            NEWEST.compare_exchange(block.next.load(Relaxed), memory, Release, Acquire)
        {
            block.next.store(newest, Relaxed);
        }
        Some(block)
    }

    pub(super) fn release(&self) {
        self.tell();
        self.owned.store(false, Release);
    }

    /// Counts an allocation. Only the owner of the block may call this and the methods below that write.
    #[inline]
    pub(super) fn note_allocated(&self, bytes: u64) {
        self.note(1, bytes, bytes.cast_signed());
    }

    #[inline]
    pub(super) fn note_reallocated(&self, from: u64, to: u64) {
        self.note(1, to, to.wrapping_sub(from).cast_signed());
    }

    #[inline]
    pub(super) fn note_freed(&self, bytes: u64) {
        let balance = add_signed(&self.balance, bytes.cast_signed().wrapping_neg());
        if self.known.load(Relaxed).wrapping_sub(balance) >= STEP {
            self.tell();
        }
    }

    #[inline]
    pub(super) fn note(&self, count: u64, asked: u64, change: i64) {
        add(&self.count, count);
        add(&self.bytes, asked);
        let balance = add_signed(&self.balance, change);
        if balance > self.peak.load(Relaxed) {
            self.peak.store(balance, Relaxed);
        }
        if balance.wrapping_sub(self.known.load(Relaxed)) >= STEP {
            self.tell();
        }
    }

    /// Updates the process's balance.
    #[cold]
    pub(super) fn tell(&self) {
        let balance = self.balance.load(Relaxed);
        let known = self.known.load(Relaxed);
        self.known.store(balance, Relaxed);
        if self.belongs.load(Relaxed) {
            process::add(balance.wrapping_sub(known));
        }
    }

    /// Makes these counters part of the process's total from now on.
    pub(super) fn join_process(&self) {
        self.tell();
        self.belongs.store(true, Relaxed);
    }

    /// Returns the highest balance since the last call.
    pub(super) fn take_peak(&self) -> i64 {
        let balance = self.balance.load(Relaxed);
        let peak = self.peak.load(Relaxed);
        self.peak.store(balance, Relaxed);
        peak.max(balance)
    }

    pub(super) fn reading(&self) -> Reading {
        Reading {
            count: self.count.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            balance: self.balance.load(Relaxed),
        }
    }
}

/// Adds by a load and a store: no other thread writes the counter, and an atomic addition would cost as much as all the
/// rest.
#[inline]
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
}

#[inline]
fn add_signed(counter: &AtomicI64, more: i64) -> i64 {
    let sum = counter.load(Relaxed).wrapping_add(more);
    counter.store(sum, Relaxed);
    sum
}

/// Counts for a thread that has no block any more.
pub(super) fn note_late(count: u64, asked: u64, freed: u64) {
    let change = asked.wrapping_sub(freed).cast_signed();
    LATE.count.fetch_add(count, Relaxed);
    LATE.bytes.fetch_add(asked, Relaxed);
    LATE.balance.fetch_add(change, Relaxed);
    process::add(change);
}

/// Whether the allocator is installed: it has counted something.
pub(super) fn is_installed() -> bool {
    !NEWEST.load(Relaxed).is_null()
}

fn all() -> impl Iterator<Item = &'static Block> {
    let follow = |block: *mut Block| {
        // SAFETY: a block in the list was complete before it was added, and is never freed.
        unsafe { block.as_ref() }
    };
    let newest = follow(NEWEST.load(Acquire));
    std::iter::successors(newest, move |block| follow(block.next.load(Relaxed)))
}

/// Sums the counters that are part of the process's total.
pub(super) fn total() -> Reading {
    let belonging = all().filter(|block| block.belongs.load(Relaxed));
    belonging.chain([&LATE]).map(Block::reading).fold(Reading::default(), Reading::plus)
}

impl Reading {
    fn plus(self, other: Self) -> Self {
        Self {
            count: self.count.wrapping_add(other.count),
            bytes: self.bytes.wrapping_add(other.bytes),
            balance: self.balance.wrapping_add(other.balance),
        }
    }

    pub(super) fn since(self, start: Self) -> Self {
        Self {
            count: self.count.wrapping_sub(start.count),
            bytes: self.bytes.wrapping_sub(start.bytes),
            balance: self.balance.wrapping_sub(start.balance),
        }
    }
}
