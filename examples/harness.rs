//! Records without libtest: `RESMON_FILE=records.ndjson cargo run --example harness`

use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Returns nothing, so that it passes unless it panics.
    resmon::measure("sort a million numbers", || {
        let mut numbers: Vec<u32> =
            (0..1_000_000).map(|n: u32| n.wrapping_mul(2_654_435_761)).collect();
        numbers.sort_unstable();
        assert!(numbers.is_sorted());
    });

    // Fails with the `Err`, which it hands on.
    let written = resmon::try_measure("write a file", || {
        let path = env::temp_dir().join(format!("resmon-harness-{}", std::process::id()));
        fs::write(&path, vec![0; 10 << 20])?;
        fs::remove_file(path)
    });

    // For what is not a closure: measures until it is dropped, and passes unless told otherwise.
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
