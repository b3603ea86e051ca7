//! Where the allocations of this thread count.

use std::cell::Cell;

use super::block::{self, Block, UNCOUNTED};

thread_local! {
    // Without a destructor and initialised by the compiler: a load, which allocates nothing.
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

/// Gives the block of its thread back when that ends.
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

/// Counts that this thread has given memory back.
#[inline]
pub(crate) fn note_freed(bytes: usize) {
    match CURRENT.try_with(Cell::get) {
        Ok(Some(block)) => block.note_freed(bytes as u64),
        _ => note_elsewhere(0, 0, bytes),
    }
}

/// Counts that this thread has had memory made larger or smaller.
#[inline]
pub(crate) fn note_reallocated(from: usize, to: usize) {
    match CURRENT.try_with(Cell::get) {
        Ok(Some(block)) => block.note_reallocated(from as u64, to as u64),
        _ => note_elsewhere(1, to, from),
    }
}

/// The first time in a thread's life, and after its end has begun.
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

/// The block of this thread, which it has from now on; `None` where it has no more.
pub(super) fn own() -> Option<&'static Block> {
    match OWN.try_with(Cell::get) {
        Ok(Own::None) => {
            let block = Block::claim()?;
            let _ = OWN.try_with(|own| own.set(Own::Block(block)));
            // Some systems allocate to note that there is a destructor: that is counted in the block.
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

/// What this thread allocates and frees is resmon's, until this is dropped.
#[derive(Debug)]
pub(crate) struct Suspended(Option<&'static Block>);

/// Keeps what resmon does for itself out of the figures of the tests.
pub(crate) fn suspend() -> Suspended {
    Suspended(CURRENT.try_with(|current| current.replace(Some(&UNCOUNTED))).ok().flatten())
}

impl Drop for Suspended {
    fn drop(&mut self) {
        set(self.0);
    }
}

/// Keeps what this thread, which is resmon's, does from now on out of all figures.
pub(crate) fn exempt() {
    std::mem::forget(suspend());
}
