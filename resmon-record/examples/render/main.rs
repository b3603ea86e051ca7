//! Writes the files that are rendered from the tables of fields and variables:
//!
//! ```sh
//! cargo run --package resmon-record --example render
//! ```
//!
//! A test fails if a file differs.

mod files;

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (name, text) in files::rendered(&root)? {
        let path = root.join(name);
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        fs::write(&path, text).map_err(|error| format!("cannot write {name}: {error}"))?;
        println!("{name}");
    }
    Ok(())
}
