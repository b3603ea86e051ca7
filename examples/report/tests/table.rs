//! Tests that put some load on the machine, each a plain `#[test]`.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{BufReader, BufWriter, Write},
};

use report::table;

const RECORD: &str = r#"{"event_type":"test","test_nodeid":"src/lib.rs::works","outcome":"passed","duration_s":0.25}"#;

#[test]
fn a_test_has_one_line() {
    let table = table(RECORD.as_bytes()).unwrap();
    assert!(table.lines().nth(1).unwrap().contains("src/lib.rs::works"));
}

#[test]
fn an_unknown_event_is_passed_over() -> Result<(), Box<dyn Error>> {
    let table = table(&br#"{"event_type":"of a later version"}"#[..])?;
    assert_eq!(table.lines().count(), 1);
    Ok(())
}

#[test]
#[should_panic(expected = "Line(2, ")]
fn a_broken_line_is_named() {
    table(format!("{RECORD}\nbroken\n").as_bytes()).unwrap();
}

/// Allocates 100 MiB of records and makes a table of some of them.
#[test]
fn many_records_fit_in_memory() {
    let records = RECORD.repeat(100).replace("}{", "}\n{");
    let copies = vec![records.as_bytes(); (100 << 20) / records.len()].concat();
    assert!(copies.len() > 99 << 20);
    assert_eq!(table(&copies[..records.len()]).unwrap().lines().count(), 101);
}

/// Writes a file and reads it back.
#[test]
fn records_are_read_from_a_file() -> Result<(), Box<dyn Error>> {
    let path = env::temp_dir().join(format!("report-{}.ndjson", std::process::id()));
    let mut file = BufWriter::new(File::create(&path)?);
    for _ in 0..1000 {
        writeln!(file, "{RECORD}")?;
    }
    drop(file);
    let table = table(BufReader::new(File::open(&path)?))?;
    fs::remove_file(path)?;
    assert_eq!(table.lines().count(), 1001);
    Ok(())
}

/// Keeps one CPU busy.
#[test]
fn twenty_thousand_records_take_a_moment() {
    let records = format!("{RECORD}\n").repeat(20_000);
    assert_eq!(table(records.as_bytes()).unwrap().lines().count(), 20_001);
}
