//! What the environment asks for.

#[cfg(feature = "tinybird")]
mod endpoint;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "tinybird")]
pub(crate) use self::endpoint::Endpoint;
use crate::spool::Destination;

/// The variable by which `cargo resmon` has the processes of its run write to the file that it reads.
pub(crate) const INTAKE: &str = "RESMON_INTAKE";
/// The variable by which it tells them apart.
pub(crate) const UNIT: &str = "RESMON_UNIT";

/// Where records go, and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) output: Output,
    pub(crate) delivery: Delivery,
    /// `RESMON_SPOOL_DIR`, made absolute.
    #[cfg_attr(not(unix), allow(dead_code))]
    pub(crate) spool: Option<PathBuf>,
    /// Which process of a run of `cargo resmon` this is, if it is part of one.
    pub(crate) unit: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Output {
    Nothing,
    File(PathBuf),
    #[cfg(feature = "tinybird")]
    Tinybird(Endpoint),
}

/// How records are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(not(feature = "tinybird"), allow(dead_code))]
pub(crate) struct Delivery {
    /// Test records per batch.
    pub(crate) batch_size: u64,
    /// The most time that delivery may hold up the end of the process.
    pub(crate) flush_timeout: Duration,
    /// Whether the process runs a single test, so that all it has to say fits one request.
    pub(crate) process_per_test: bool,
    /// How many of these are alive at a time. Where nextest does not say, more than one.
    pub(crate) processes: u64,
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
    /// Reads the environment of the process, warning of every value that cannot be used. `None` if it asks for nothing.
    pub(crate) fn from_env() -> Option<Self> {
        let (config, warnings) = Self::read(|name| env::var_os(name));
        for warning in warnings {
            crate::warning::warn(warning);
        }
        (config.output != Output::Nothing).then_some(config)
    }

    /// Reads an environment, and says what is wrong with it.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<OsString>) -> (Self, Vec<String>) {
        let mut source = Source { lookup, warnings: Vec::new() };
        (source.config(), source.warnings)
    }

    /// Whether an environment switches everything off.
    #[cfg(all(unix, feature = "collector"))]
    pub(crate) fn is_disabled(lookup: impl Fn(&str) -> Option<OsString>) -> bool {
        Source { lookup, warnings: Vec::new() }.disabled()
    }
}

impl Config {
    /// Whether the processes of a run share the work of sending, and with it that of telling of crashes.
    pub(crate) fn is_shared_run(&self) -> bool {
        self.delivery.process_per_test && !matches!(self.output, Output::Nothing | Output::File(_))
    }
}

impl Output {
    /// What a journal is to remember of it.
    pub(crate) fn destination(&self) -> Destination {
        match self {
            Self::Nothing => Destination::File(PathBuf::new()),
            Self::File(path) => Destination::File(path.clone()),
            #[cfg(feature = "tinybird")]
            Self::Tinybird(endpoint) => Destination::Tinybird(endpoint.fingerprint()),
        }
    }
}

/// An environment, and what is wrong with it.
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
        // With no output the rest has no effect, and a mistake in it is not worth a word.
        let delivery =
            if output == Output::Nothing { Delivery::default() } else { self.delivery() };
        let spool = self.value("RESMON_SPOOL_DIR").map(|path| self.absolute(Path::new(&path)));
        Config { output, delivery, spool, unit: None }
    }

    /// That of a process whose records another one takes: `cargo resmon`, which goes by the other variables itself.
    fn part_of_a_run(&self, intake: PathBuf) -> Config {
        Config {
            spool: intake.parent().map(Path::to_owned),
            output: Output::File(intake),
            delivery: Delivery {
                process_per_test: self.is_process_per_test(),
                ..Delivery::default()
            },
            unit: Some(self.text(UNIT).unwrap_or_else(|| "0".to_owned())),
        }
    }

    fn disabled(&self) -> bool {
        self.text("RESMON_DISABLE").is_some_and(|value| {
            !["0", "false", "no", "off"].contains(&value.to_ascii_lowercase().as_str())
        })
    }

    fn output(&mut self) -> Output {
        if let Some(output) = self.tinybird() {
            return output;
        }
        match self.value("RESMON_FILE") {
            Some(path) => Output::File(self.absolute(Path::new(&path))),
            None => Output::Nothing,
        }
    }

    #[cfg(feature = "tinybird")]
    fn tinybird(&mut self) -> Option<Output> {
        let token = self.value("TINYBIRD_WRITE_TOKEN")?;
        let base = self.text("TINYBIRD_API_URL");
        match Endpoint::new(&token, base, self.text("RESMON_DATASOURCE")) {
            Ok(endpoint) => {
                if token.to_str() != Some(endpoint.token.reveal()) {
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

    #[cfg(not(feature = "tinybird"))]
    fn tinybird(&mut self) -> Option<Output> {
        self.value("TINYBIRD_WRITE_TOKEN")?;
        self.no_tinybird(
            "TINYBIRD_WRITE_TOKEN is set, but resmon was built without its feature `tinybird`",
        );
        None
    }

    fn no_tinybird(&mut self, problem: &str) {
        let instead = match self.value("RESMON_FILE") {
            Some(_) => "records go to RESMON_FILE",
            None => "nothing is recorded",
        };
        self.warnings.push(format!("{problem}; {instead}"));
    }

    fn delivery(&mut self) -> Delivery {
        let default = Delivery::default();
        let problem = "not a whole number of at least 1";
        let batch_size = self.parsed("RESMON_BATCH_SIZE", problem, default.batch_size, |text| {
            text.parse().ok().filter(|&size| size > 0)
        });
        let problem = "not a number of seconds";
        let seconds = default.flush_timeout.as_secs_f64();
        let seconds = self.parsed("RESMON_FLUSH_TIMEOUT", problem, seconds, |text| {
            text.parse().ok().filter(|&seconds| Duration::try_from_secs_f64(seconds).is_ok())
        });
        let threads = self.text("NEXTEST_TEST_THREADS");
        Delivery {
            batch_size,
            flush_timeout: Duration::from_secs_f64(seconds),
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

    /// Cargo starts each test binary in its package's directory, so that a relative path would give
    /// one file per package; `PWD` still names where the user stood.
    fn absolute(&self, path: &Path) -> PathBuf {
        let started = self.value("PWD").map(PathBuf::from);
        let started = started.filter(|dir| dir.is_absolute() && dir.is_dir());
        // Made absolute here: a test may change the working directory later.
        let dir = started.or_else(|| env::current_dir().ok()).unwrap_or_default();
        dir.join(path)
    }

    /// The variable, unless it is unset or blank: a secret that a fork may not read arrives empty.
    fn value(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.to_string_lossy().trim().is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.to_string_lossy().trim().to_owned())
    }
}

#[cfg(test)]
mod tests;
