//! Records the tests of another harness, libtest-mimic: `RESMON_FILE=records.ndjson cargo run --example mimic`

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// Name, text and expected number of each test. A real suite could read them from a file or a folder of files.
const CASES: [(&str, &str, u64); 3] =
    [("one", "1", 1), ("spaces", " 12 ", 12), ("largest", "18446744073709551615", u64::MAX)];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut tests: Vec<Trial> = CASES
        .into_iter()
        .map(|(name, text, number)| {
            measured(format!("parse::{name}"), move || {
                let parsed = text.trim().parse::<u64>()?;
                if parsed == number { Ok(()) } else { Err(format!("{text:?} is {parsed}").into()) }
            })
        })
        .collect();
    tests.push(measured("refuse::words".to_owned(), || {
        assert!("twelve".parse::<u64>().is_err());
        Ok(())
    }));
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// Makes a test whose record has its name. An `Err` and a panic fail both the test and the record.
fn measured(name: String, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(name.clone(), move || resmon::try_measure(name, test))
}
