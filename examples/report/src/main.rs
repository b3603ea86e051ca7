//! `report records.ndjson` shows the records in that file.

use std::{env, error::Error, fs::File, io::BufReader};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: report RECORDS")?;
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    print!("{}", report::table(BufReader::new(file))?);
    Ok(())
}
