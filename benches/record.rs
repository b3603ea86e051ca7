//! The cost of a test's record: each part by itself, and the whole, a guard that is opened and dropped.
//!
//! ```sh
//! cargo bench --package benches --bench record
//! ```
//!
//! Tests are usually built in the dev profile: add `--profile dev` for their cost.

use std::env;

use divan::Bencher;
use resmon_runtime::guard::guard;
use resmon_runtime::internals::{Append, Snapshots, Usages, record};

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder of our own");
    // SAFETY: no other thread has been started.
    unsafe {
        env::set_var("RESMON_FILE", folder.path().join("records.ndjson"));
        env::set_var("RESMON_SPOOL_DIR", folder.path().join("spool"));
    }
    divan::main();
}

/// Reads the machine before and after a test.
#[divan::bench]
fn snapshots(bencher: Bencher<'_, '_>) {
    let snapshots = Snapshots::new();
    bencher.bench_local(|| snapshots.take());
}

/// Reads the resources that a test has used, alone in its process and beside other tests.
#[divan::bench(args = [true, false])]
fn usage(bencher: Bencher<'_, '_>, alone: bool) {
    let usages = Usages::new();
    bencher.bench_local(|| usages.take(alone));
}

#[divan::bench]
fn serialisation() -> Vec<u8> {
    record()
}

#[divan::bench]
fn file_append(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder of our own");
    let append = Append::to(folder.path().join("records.ndjson"));
    bencher.bench_local(|| append.one());
}

/// Measures a test from the start of its guard to its written record.
#[divan::bench(threads = [1, 2])]
fn whole_guard() {
    drop(guard("bench"));
}
