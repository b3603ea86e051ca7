//! Command-line flags, which win over environment variables.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};

use clap::Args as _;
use resmon_record::config::{self, INSTRUMENT};
use std::path::PathBuf;

use crate::cargo_config::CargoConfig;
use crate::harness::Wish;

/// The destination of records. Each flag wins over its variable.
#[derive(Debug, Default, PartialEq, clap::Args)]
#[allow(clippy::doc_markdown, reason = "shown on a terminal as they stand")]
#[command(next_help_heading = "Where records go")]
pub(crate) struct Flags {
    /// Append records to this file, even if there is a token [variable: RESMON_FILE]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Send nothing to Tinybird, even if there is a token
    #[arg(long)]
    no_tinybird: bool,
    /// The base URL of Tinybird's API [variable: TINYBIRD_API_URL]
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// The data source to write to [variable: RESMON_DATASOURCE]
    #[arg(long, value_name = "NAME")]
    datasource: Option<String>,
    /// Test records per batch [variable: RESMON_BATCH_SIZE]
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    batch_size: Option<u64>,
    /// Give up delivery after this many seconds at exit [variable: RESMON_FLUSH_TIMEOUT]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    flush_timeout: Option<f64>,
    /// The directory for undelivered records [variable: RESMON_SPOOL_DIR]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// The run_id of the records [variable: RESMON_RUN_ID]
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    #[command(flatten)]
    measuring: Measuring,
    /// The variables of this program in the table `env` of Cargo's configuration, which Cargo sets for tests.
    #[arg(skip)]
    configured: BTreeMap<String, OsString>,
}

/// The way in which tests are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::Args)]
#[allow(clippy::doc_markdown, reason = "shown on a terminal as they stand")]
#[command(next_help_heading = "How tests are measured")]
struct Measuring {
    /// Do not build tests with resmon's harness: measure only their processes [variable: RESMON_INSTRUMENT=0]
    #[arg(long)]
    no_instrument: bool,
    /// Build tests with resmon's harness under nextest too, which already runs and measures each as a process
    /// [variable: RESMON_INSTRUMENT=1]
    #[arg(long, conflicts_with = "no_instrument")]
    instrument: bool,
    /// Count what each test allocates
    #[arg(long, conflicts_with = "no_instrument")]
    heap: bool,
}

impl Flags {
    /// Takes up the variables that Cargo will set for tests.
    pub(crate) fn read_config(&mut self, config: &CargoConfig) {
        self.configured = config.variables(&["RESMON_", "TINYBIRD_"]);
    }

    /// Returns whether a variable, if no flag wins over it, has its value from Cargo's configuration.
    pub(crate) fn is_configured(&self, name: &str) -> bool {
        self.configured.contains_key(name)
    }

    /// Returns the value of a variable: from its flag, else from Cargo's configuration where that sets it, else from the
    /// environment.
    pub(crate) fn lookup(&self, name: &str) -> Option<OsString> {
        let flag = match name {
            config::FILE => self.file.clone().map(OsString::from),
            config::TOKEN if self.no_tinybird || self.file.is_some() => return None,
            config::API_URL => self.api_url.clone().map(OsString::from),
            config::DATASOURCE => self.datasource.clone().map(OsString::from),
            config::BATCH_SIZE => self.batch_size.map(|size| size.to_string().into()),
            config::FLUSH_TIMEOUT => self.flush_timeout.map(|time| time.to_string().into()),
            config::SPOOL_DIR => self.spool_dir.clone().map(OsString::from),
            config::RUN_ID => self.run_id.clone().map(OsString::from),
            _ => None,
        };
        flag.or_else(|| self.configured.get(name).cloned()).or_else(|| env::var_os(name))
    }

    /// Returns the figures to measure from inside the test binaries; `None` without an instrumented build.
    pub(crate) fn instrumentation(&self, subcommand: &str) -> Option<Wish> {
        let variable = self.lookup(INSTRUMENT).filter(|value| !value.is_empty());
        let is_wanted = if self.measuring.no_instrument {
            false
        } else if self.measuring.instrument || self.measuring.heap {
            true
        } else if let Some(value) = variable {
            !is_switched_off(&value)
        } else {
            subcommand == "test"
        };
        is_wanted.then_some(Wish { heap: self.measuring.heap })
    }

    /// Returns the user's `run_id`, if it is set and not blank.
    pub(crate) fn run_id(&self) -> Option<String> {
        let id = self.lookup(config::RUN_ID)?.to_string_lossy().trim().to_owned();
        Some(id).filter(|id| !id.is_empty())
    }
}

/// Returns whether a value of [`INSTRUMENT`] switches the instrumented build off.
pub(crate) fn is_switched_off(value: &OsStr) -> bool {
    let value = value.to_string_lossy().trim().to_ascii_lowercase();
    ["0", "false", "no", "off"].contains(&value.as_str())
}

/// Moves the flags of this program from after `test` or `nextest` to before it. Leaves arguments after `--` alone.
pub(crate) fn lift_flags(arguments: Vec<OsString>) -> Vec<OsString> {
    let own = Flags::augment_args(clap::Command::new("resmon"));
    let own: Vec<_> = own
        .get_arguments()
        .filter_map(|flag| Some((flag.get_long()?.to_owned(), flag.get_action().takes_values())))
        .collect();
    // Counts the arguments that a flag takes up, with its value. `None` if it is not a flag of this program.
    let length = |argument: &OsStr| {
        let text = argument.to_str()?.strip_prefix("--")?;
        let (name, value) =
            text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let (_, takes_value) = own.iter().find(|(flag, _)| flag == name)?;
        Some(if *takes_value && value.is_none() { 2 } else { 1 })
    };
    // The first two arguments are `cargo-resmon resmon`.
    let mut place = 2;
    while let Some(length) = arguments.get(place).and_then(|argument| length(argument)) {
        place += length;
    }
    let wraps = ["test", "t", "nextest"];
    if !arguments.get(place).is_some_and(|command| wraps.iter().any(|name| command == name)) {
        return arguments;
    }
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let (mut lifted, mut rest) = (arguments[..place].to_vec(), vec![arguments[place].clone()]);
    let mut next = place + 1;
    while next < end {
        let length = length(&arguments[next]).unwrap_or(0).min(end - next);
        if length == 0 {
            rest.push(arguments[next].clone());
            next += 1;
        } else {
            lifted.extend_from_slice(&arguments[next..next + length]);
            next += length;
        }
    }
    lifted.extend(rest);
    lifted.extend_from_slice(&arguments[end.max(next)..]);
    lifted
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    match std::time::Duration::try_from_secs_f64(seconds) {
        Ok(_) => Ok(seconds),
        Err(_) => Err("not a number of seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifted(line: &str) -> String {
        let words = line.split_whitespace().map(OsString::from).collect();
        lift_flags(words).join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn flags_after_the_subcommand_move_to_before_it() {
        for (line, wanted) in [
            ("c resmon test", "c resmon test"),
            ("c resmon test --heap", "c resmon --heap test"),
            (
                "c resmon --file f test -p a --run-id x --heap name -- --heap",
                "c resmon --file f --run-id x --heap test -p a name -- --heap",
            ),
            ("c resmon --file test t --file=g", "c resmon --file test --file=g t"),
            ("c resmon nextest run --instrument -E x", "c resmon --instrument nextest run -E x"),
            // The separator is not taken for the flag's value.
            ("c resmon test --file -- x", "c resmon --file test -- x"),
            ("c resmon report --heap", "c resmon report --heap"),
            ("c resmon", "c resmon"),
            ("c", "c"),
        ] {
            assert_eq!(lifted(line), wanted, "{line}");
        }
    }

    #[test]
    fn flags_win_over_the_variable() {
        let flags = |no_instrument, instrument, heap| Flags {
            measuring: Measuring { no_instrument, instrument, heap },
            ..Flags::default()
        };
        assert_eq!(flags(true, false, false).instrumentation("test"), None);
        assert_eq!(
            flags(false, true, false).instrumentation("nextest"),
            Some(Wish { heap: false })
        );
        assert_eq!(flags(false, false, true).instrumentation("nextest"), Some(Wish { heap: true }));
        for (value, off) in [("0", true), (" OFF ", true), ("1", false), ("yes", false)] {
            assert_eq!(is_switched_off(OsStr::new(value)), off, "{value}");
        }
    }
}
