//! Measures work without libtest: `RESMON_FILE=records.ndjson cargo run --example harness`

use std::{env, fs, io};

fn main() -> io::Result<()> {
    // The closure returns nothing, so it passes unless it panics.
    resmon::measure("sort a million numbers", || {
        let mut numbers: Vec<u32> =
            (0..1_000_000).map(|n: u32| n.wrapping_mul(2_654_435_761)).collect();
        numbers.sort_unstable();
        assert!(numbers.is_sorted());
    });

    // An `Err` of the closure counts as a failure and is returned.
    let written = resmon::try_measure("write a file", || {
        let path = env::temp_dir().join(format!("resmon-harness-{}", std::process::id()));
        fs::write(&path, vec![0; 10 << 20])?;
        fs::remove_file(path)
    });

    // A guard measures code that is not a closure. It measures until it is dropped, and passes unless told otherwise.
    let guard = resmon::guard("count the files of the current folder");
    let counted = count();
    if counted.is_err() {
        guard.fail();
    }
    drop(guard);

    println!("{} files", counted?);
    written
}

fn count() -> io::Result<usize> {
    Ok(fs::read_dir(".")?.count())
}
