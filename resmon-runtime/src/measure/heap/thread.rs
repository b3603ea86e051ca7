//! The block that counts the allocations of this thread.

use std::cell::Cell;

use super::block::{self, Block, UNCOUNTED};

thread_local! {
    // Without a destructor and initialised by the compiler: access is a load, which allocates nothing.
    static CURRENT: Cell<Option<&'static Block>> = const { Cell::new(None) };
    static OWN: Cell<Own> = const { Cell::new(Own::None) };
    static END: End = const { End };
}

/// The block of a thread.
#[derive(Clone, Copy)]
enum Own {
    None,
    Block(&'static Block),
    Released,
}

/// The end of a thread. Its drop releases the thread's block.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        if let Ok(Own::Block(block)) = OWN.try_with(|own| own.replace(Own::Released)) {
            if !is_suspended() {
                set(None);
            }
            block.release();
        }
    }
}

/// Counts an allocation by this thread.
#[inline]
pub(crate) fn note_allocated(bytes: usize) {
    match CURRENT.try_with(Cell::get) {
        Ok(Some(block)) => block.note_allocated(bytes as u64),
        _ => note_elsewhere(1, bytes, 0),
    }
}

/// Counts memory that this thread has freed.
#[inline]
pub(crate) fn note_freed(bytes: usize) {
    match CURRENT.try_with(Cell::get) {
        Ok(Some(block)) => block.note_freed(bytes as u64),
        _ => note_elsewhere(0, 0, bytes),
    }
}

/// Counts a reallocation by this thread.
#[inline]
pub(crate) fn note_reallocated(from: usize, to: usize) {
    match CURRENT.try_with(Cell::get) {
        Ok(Some(block)) => block.note_reallocated(from as u64, to as u64),
        _ => note_elsewhere(1, to, from),
    }
}

/// Counts the first call of a thread, and calls after the thread's end has begun.
#[cold]
fn note_elsewhere(count: u64, asked: usize, freed: usize) {
    let (asked, freed) = (asked as u64, freed as u64);
    if let Some(block) = own() {
        set(Some(block));
        block.note(count, asked, asked.wrapping_sub(freed).cast_signed());
    } else {
        block::note_late(count, asked, freed);
    }
}

/// Returns the block of this thread, which the first call claims. `None` after the thread has released it.
pub(super) fn own() -> Option<&'static Block> {
    match OWN.try_with(Cell::get) {
        Ok(Own::None) => {
            let block = Block::claim()?;
            let _ = OWN.try_with(|own| own.set(Own::Block(block)));
            // Some systems allocate to register the destructor: the block counts that.
            let _ = END.try_with(|_| ());
            Some(block)
        }
        Ok(Own::Block(block)) => Some(block),
        _ => None,
    }
}

fn set(block: Option<&'static Block>) {
    let _ = CURRENT.try_with(|current| current.set(block));
}

fn is_suspended() -> bool {
    let current = CURRENT.try_with(Cell::get).ok().flatten();
    current.is_some_and(|block| std::ptr::eq(block, &raw const UNCOUNTED))
}

/// A suspension: until its drop, allocations of this thread count as resmon's.
#[derive(Debug)]
pub(crate) struct Suspended(Option<&'static Block>);

/// Suspends the counting for this thread, so that resmon's own work is not in the figures of the tests.
pub(crate) fn suspend() -> Suspended {
    Suspended(CURRENT.try_with(|current| current.replace(Some(&UNCOUNTED))).ok().flatten())
}

impl Drop for Suspended {
    fn drop(&mut self) {
        set(self.0);
    }
}

/// Suspends the counting for this thread, which must be resmon's, for good.
pub(crate) fn exempt() {
    std::mem::forget(suspend());
}
