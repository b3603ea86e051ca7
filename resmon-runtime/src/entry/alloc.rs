//! A counting allocator.

use std::alloc::{GlobalAlloc, Layout, System};

use crate::entry::heap::{note_allocated, note_freed, note_reallocated};

/// An allocator that counts what each test allocates, around the allocator that does the work.
///
/// When `Alloc` is the `#[global_allocator]` of a test binary, the binary's records have `alloc_count`, `alloc_bytes`
/// and `alloc_peak_bytes`:
///
/// ```
/// # use resmon_runtime::alloc as resmon;
/// #[global_allocator]
/// static ALLOC: resmon::Alloc = resmon::Alloc::system();
/// # fn main() {}
/// ```
///
/// Each successful allocation or reallocation counts as one, with the number of bytes asked for. A reallocation adds to
/// the peak only its growth. On systems that resmon cannot measure, the allocator counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alloc<A = System>(A);

impl Alloc {
    /// Creates a counting allocator around the system's, which is Rust's default.
    #[must_use]
    pub const fn system() -> Self {
        Self(System)
    }
}

impl<A> Alloc<A> {
    /// Creates a counting allocator around `inner`.
    ///
    /// ```
    /// # use resmon_runtime::alloc as resmon;
    /// # use std::alloc::System as Other;
    /// #[global_allocator]
    /// static ALLOC: resmon::Alloc<Other> = resmon::Alloc::new(Other);
    /// # fn main() {}
    /// ```
    #[must_use]
    pub const fn new(inner: A) -> Self {
        Self(inner)
    }
}

// SAFETY: all memory comes from the inner allocator, to which the caller's promises apply as well. The counting does
// not unwind, and allocates nothing through this allocator.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Alloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let memory = unsafe { self.0.alloc(layout) };
        if !memory.is_null() {
            note_allocated(layout.size());
        }
        memory
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let memory = unsafe { self.0.alloc_zeroed(layout) };
        if !memory.is_null() {
            note_allocated(layout.size());
        }
        memory
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.0.dealloc(memory, layout) };
        note_freed(layout.size());
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        let memory = unsafe { self.0.realloc(memory, layout, size) };
        if !memory.is_null() {
            note_reallocated(layout.size(), size);
        }
        memory
    }
}
