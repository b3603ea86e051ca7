//! `report records.ndjson` shows the records in that file.

use std::{env, error::Error, fs::File, io::BufReader};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: report RECORDS")?;
    print!("{}", report::table(BufReader::new(File::open(path)?))?);
    Ok(())
}
