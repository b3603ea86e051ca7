//! A run of many processes as one session. Called by `cargo resmon`; not public API.

pub(crate) mod intake_fields;
mod orphan;
mod run;

use std::ffi::OsString;
use std::path::Path;

use resmon_record::config::{self, Config, Endpoint};
use resmon_record::line::Line;

pub use self::orphan::Orphan;
pub use self::run::{Delivery, Placed, Run};
use crate::measure::limit::Limit;
pub use crate::measure::limit::counters::{Counters, MemoryGroups};
use crate::measure::snapshot::Machine;

/// The variable that names the intake for the processes of a run.
pub const INTAKE: &str = config::INTAKE;
/// The variable that identifies a process in its run.
pub const CHILD: &str = config::CHILD;

/// The configuration of a run, and the warnings about it.
#[derive(Debug)]
pub struct Plan {
    config: Config,
    disabled: bool,
    warnings: Vec<String>,
}

/// The destination of records.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// None: resmon is turned off.
    Disabled,
    /// None: nothing is configured.
    Nothing,
    /// A file.
    File(&'a Path),
    /// A data source of Tinybird.
    Tinybird {
        /// The base URL.
        base: &'a str,
        /// The name of the data source.
        datasource: &'a str,
    },
}

impl Plan {
    /// Reads an environment.
    pub fn new(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        // A run within another run is separate, and `cargo resmon` is no test process, whatever started it.
        let ours = |name: &str| ![INTAKE, CHILD, "NEXTEST_EXECUTION_MODE"].contains(&name);
        let lookup = |name: &str| lookup(name).filter(|_| ours(name));
        let disabled = Config::is_disabled(lookup);
        let (config, mut warnings) = Config::read(lookup);
        for warning in &mut warnings {
            // Unlike a single test process, a run always keeps a copy.
            if let Some(problem) = warning.strip_suffix("nothing is recorded") {
                *warning = format!("{problem}records go nowhere else");
            }
        }
        Self { config, disabled, warnings }
    }

    /// Returns the destination of records.
    #[must_use]
    pub fn output(&self) -> Output<'_> {
        match &self.config.output {
            _ if self.disabled => Output::Disabled,
            config::Output::Nothing => Output::Nothing,
            config::Output::File(path) => Output::File(path),
            config::Output::Tinybird(endpoint) => {
                Output::Tinybird { base: endpoint.base(), datasource: endpoint.datasource() }
            }
        }
    }

    /// Returns the data source to send to. `None` for other destinations.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.config.output {
            config::Output::Tinybird(endpoint) if !self.disabled => Some(endpoint),
            _ => None,
        }
    }

    /// Returns the warnings about the variables.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the directory from `RESMON_SPOOL_DIR`.
    #[must_use]
    pub fn spool(&self) -> Option<&Path> {
        self.config.spool.as_deref()
    }
}

/// The limits of a control group. `None` means no limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowed {
    /// Bytes of memory, if fewer than the machine has.
    pub memory: Option<u64>,
    /// The number of CPUs that the quota allows.
    pub cpus: Option<f64>,
}

/// Reads the limits of this process's control group and of its parents. `None` where the system has no control groups.
#[must_use]
pub fn control_group() -> Option<Allowed> {
    let machine = Machine::open().memory_total();
    let Limit { memory, cpus } = Limit::of_cgroup()?.below(machine);
    Some(Allowed { memory, cpus })
}

/// Turns a JSON object into a line under construction. `None` if it is no object.
fn resume(object: &str) -> Option<Line> {
    let fields = object.strip_prefix('{')?.strip_suffix('}')?;
    Line::resume(format!(",{fields}").as_bytes())
}
