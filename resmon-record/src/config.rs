//! The environment variables that configure resmon.

mod endpoint;
mod variables;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::endpoint::Endpoint;
pub use self::variables::{
    API_URL, BATCH_SIZE, DATASOURCE, DEFAULT_API_URL, DEFAULT_DATASOURCE, DISABLE, FILE,
    FLUSH_TIMEOUT, INSTRUMENT, OF_CARGO_RESMON, RUN_ID, SPOOL_DIR, TOKEN, VARIABLES, Variable,
};

/// The variable with the file that the test processes of a `cargo resmon` run append to. Set by `cargo resmon`.
pub const INTAKE: &str = "RESMON_INTAKE";
/// The variable with the id of one test process of a `cargo resmon` run. Set by `cargo resmon`.
pub const CHILD: &str = "RESMON_CHILD";

/// The destination of records, and the rules of delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The destination of records.
    pub output: Output,
    /// The rules of delivery.
    pub delivery: Delivery,
    /// The directory of the spool: `RESMON_SPOOL_DIR` as an absolute path, or the directory of the intake.
    pub spool: Option<PathBuf>,
    /// The id of the process in its `cargo resmon` run. `None` outside such a run.
    pub child: Option<String>,
}

/// The destination of records.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// None: nothing is configured, or resmon is turned off.
    Nothing,
    /// A file to append to.
    File(PathBuf),
    /// A data source to send to.
    Tinybird(Endpoint),
}

/// The destination of a session's records, as the session's files on disk name it.
#[derive(Clone, Debug, PartialEq)]
pub enum Destination {
    /// A file.
    File(PathBuf),
    /// A data source of Tinybird, by the [fingerprint](Endpoint::fingerprint) of its endpoint.
    Tinybird(String),
}

/// The rules of delivery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delivery {
    /// Test records per batch.
    pub batch_size: u64,
    /// The longest time that the end of the process waits for delivery.
    pub flush_timeout: Duration,
    /// Whether the runner starts one process per test.
    pub process_per_test: bool,
    /// The number of test processes that run at a time (`NEXTEST_TEST_THREADS`), 2 if unknown.
    pub processes: u64,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            batch_size: 50,
            flush_timeout: Duration::from_secs(10),
            process_per_test: false,
            processes: 2,
        }
    }
}

impl Config {
    /// Reads the environment of this process. Also returns the warnings about unusable values.
    #[must_use]
    pub fn from_env() -> (Self, Vec<String>) {
        Self::read(|name| env::var_os(name))
    }

    /// Reads an environment. Also returns the warnings about unusable values.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> (Self, Vec<String>) {
        let mut source = Source { lookup, warnings: Vec::new() };
        (source.config(), source.warnings)
    }

    /// Whether an environment turns resmon off.
    pub fn is_disabled(lookup: impl Fn(&str) -> Option<OsString>) -> bool {
        Source { lookup, warnings: Vec::new() }.disabled()
    }
}

impl Output {
    /// Returns the destination in the form that a session's files on disk have.
    #[must_use]
    pub fn destination(&self) -> Destination {
        match self {
            Self::Nothing => Destination::File(PathBuf::new()),
            Self::File(path) => Destination::File(path.clone()),
            Self::Tinybird(endpoint) => Destination::Tinybird(endpoint.fingerprint()),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see `seconds_of`")]
fn duration(seconds: f64) -> Duration {
    Duration::from_nanos((seconds * 1e9) as u64)
}

/// Parses a number of seconds such as `10` or `0.25`. Hand-written: the standard library's parser for floats is large,
/// and would be in every test binary.
fn seconds_of(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| is_number).and_then(|number| u32::try_from(number).ok())
    };
    let places = i32::try_from(fraction.len().min(9)).ok()?;
    let fraction = digits(fraction.get(..9).unwrap_or(fraction))?;
    Some(f64::from(digits(whole)?) + f64::from(fraction) / 10_f64.powi(places))
}

/// An environment, and the warnings about its values.
struct Source<F> {
    lookup: F,
    warnings: Vec<String>,
}

impl<F: Fn(&str) -> Option<OsString>> Source<F> {
    fn config(&mut self) -> Config {
        let disabled = self.disabled();
        if let Some(intake) = self.value(INTAKE).map(PathBuf::from).filter(|_| !disabled) {
            return self.part_of_a_run(intake);
        }
        let output = if disabled { Output::Nothing } else { self.output() };
        // Without an output the delivery variables have no effect, so mistakes in them are not reported.
        let delivery =
            if output == Output::Nothing { Delivery::default() } else { self.delivery() };
        let spool = self.value(SPOOL_DIR).map(|path| self.absolute(Path::new(&path)));
        Config { output, delivery, spool, child: None }
    }

    /// Returns the configuration of a process that appends to the intake of a `cargo resmon` run. `cargo resmon` reads
    /// the other variables itself.
    fn part_of_a_run(&self, intake: PathBuf) -> Config {
        Config {
            spool: intake.parent().map(Path::to_owned),
            output: Output::File(intake),
            delivery: Delivery {
                process_per_test: self.is_process_per_test(),
                ..Delivery::default()
            },
            child: Some(self.text(CHILD).unwrap_or_else(|| "0".to_owned())),
        }
    }

    fn disabled(&self) -> bool {
        self.text(DISABLE).is_some_and(|value| {
            !["0", "false", "no", "off"].contains(&value.to_ascii_lowercase().as_str())
        })
    }

    fn output(&mut self) -> Output {
        if let Some(output) = self.tinybird() {
            return output;
        }
        match self.value(FILE) {
            Some(path) => Output::File(self.absolute(Path::new(&path))),
            None => Output::Nothing,
        }
    }

    fn tinybird(&mut self) -> Option<Output> {
        let token = self.value(TOKEN)?;
        let base = self.text(API_URL);
        match Endpoint::new(&token, base, self.text(DATASOURCE)) {
            Ok(endpoint) => {
                if token.to_str() != Some(endpoint.token()) {
                    self.warnings.push(
                        "TINYBIRD_WRITE_TOKEN has white space around it; using what is between"
                            .into(),
                    );
                }
                Some(Output::Tinybird(endpoint))
            }
            Err(problem) => {
                self.no_tinybird(&problem);
                None
            }
        }
    }

    fn no_tinybird(&mut self, problem: &str) {
        let instead = match self.value(FILE) {
            Some(_) => "records go to RESMON_FILE",
            None => "nothing is recorded",
        };
        self.warnings.push(format!("{problem}; {instead}"));
    }

    fn delivery(&mut self) -> Delivery {
        let default = Delivery::default();
        let problem = "not a whole number of at least 1";
        let batch_size = self.parsed(BATCH_SIZE, problem, default.batch_size, |text| {
            text.parse().ok().filter(|&size| size > 0)
        });
        let problem = "not a number of seconds";
        let seconds = default.flush_timeout.as_secs_f64();
        let seconds = self.parsed(FLUSH_TIMEOUT, problem, seconds, seconds_of);
        let threads = self.text("NEXTEST_TEST_THREADS");
        Delivery {
            batch_size,
            flush_timeout: duration(seconds),
            process_per_test: self.is_process_per_test(),
            processes: threads
                .and_then(|threads| threads.parse().ok())
                .unwrap_or(default.processes),
        }
    }

    fn is_process_per_test(&self) -> bool {
        self.text("NEXTEST_EXECUTION_MODE").as_deref() == Some("process-per-test")
    }

    fn parsed<T: fmt::Display>(
        &mut self,
        name: &str,
        problem: &str,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(value) = self.value(name) else { return default };
        if let Some(parsed) = value.to_str().and_then(|text| parse(text.trim())) {
            return parsed;
        }
        self.warnings.push(format!("{name} is {value:?}, {problem}; using {default}"));
        default
    }

    /// Resolves a relative path against the user's directory, which is still in `PWD`. Cargo starts each test binary in
    /// its package's directory, which would give one file per package.
    fn absolute(&self, path: &Path) -> PathBuf {
        let started = self.value("PWD").map(PathBuf::from);
        let started = started.filter(|dir| dir.is_absolute() && dir.is_dir());
        // Resolved now: a test may change the working directory later.
        let dir = started.or_else(|| env::current_dir().ok()).unwrap_or_default();
        dir.join(path)
    }

    /// Returns a variable, unless it is unset or blank: a secret that a fork may not read arrives empty.
    fn value(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.to_string_lossy().trim().is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.to_string_lossy().trim().to_owned())
    }
}

#[cfg(test)]
mod tests;
