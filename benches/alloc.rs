//! The cost of counting allocations: `cargo bench --package benches --bench alloc`. Add `--profile dev` for the cost in
//! tests.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

use divan::{Bencher, bench};
use resmon::Alloc;

/// Sizes in bytes: typical ones, one that a thread reports to the process at once, and one that the system maps.
const SIZES: [usize; 5] = [16, 64, 1 << 10, 64 << 10, 1 << 20];
const THREADS: [usize; 2] = [1, 2];

fn main() {
    divan::main();
}

#[bench(types = [System, Alloc], args = SIZES, threads = THREADS, sample_size = 1000)]
fn pair<A: GlobalAlloc + Default + Sync>(bencher: Bencher<'_, '_>, size: usize) {
    let alloc = A::default();
    bencher.bench(|| {
        let layout = Layout::from_size_align(black_box(size), 8).expect("a layout");
        // SAFETY: the layout has a size, and the memory is given back once, with it.
        unsafe {
            let memory = black_box(alloc.alloc(layout));
            alloc.dealloc(memory, layout);
        }
    });
}

#[bench(types = [System, Alloc], threads = THREADS, sample_size = 1000)]
fn realloc<A: GlobalAlloc + Default + Sync>(bencher: Bencher<'_, '_>) {
    let alloc = A::default();
    bencher.bench(|| {
        let small = Layout::from_size_align(black_box(16), 8).expect("a layout");
        let large = Layout::from_size_align(black_box(64), 8).expect("a layout");
        // SAFETY: as above, with the layout that the memory has at the time.
        unsafe {
            let memory = black_box(alloc.alloc(small));
            let memory = black_box(alloc.realloc(memory, small, large.size()));
            alloc.dealloc(memory, large);
        }
    });
}
