//! A run of many processes as one session. Called by `cargo resmon`; not public API.

pub(crate) mod intake_fields;
mod orphan;
mod run;

use std::ffi::OsString;
use std::path::Path;

use resmon_record::config::{self, Config, Endpoint};
use resmon_record::line::Line;

pub use self::orphan::Orphan;
pub use self::run::{Placed, Run};
use crate::limit::Limit;
use crate::snapshot::Machine;

/// The variable by which the processes of a run find its intake.
pub const INTAKE: &str = config::INTAKE;
/// The variable by which they are told apart.
pub const UNIT: &str = config::UNIT;

/// What the variables ask for.
#[derive(Debug)]
pub struct Plan {
    config: Config,
    disabled: bool,
    warnings: Vec<String>,
}

/// Where records go.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// Switched off.
    Disabled,
    /// Nowhere.
    Nothing,
    /// To a file.
    File(&'a Path),
    /// To Tinybird.
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
        // A run within a run is one of its own, and it is no test process whatever started it.
        let ours = |name: &str| ![INTAKE, UNIT, "NEXTEST_EXECUTION_MODE"].contains(&name);
        let lookup = |name: &str| lookup(name).filter(|_| ours(name));
        let disabled = Config::is_disabled(lookup);
        let (config, mut warnings) = Config::read(lookup);
        for warning in &mut warnings {
            // A test process by itself has no other place.
            if let Some(problem) = warning.strip_suffix("nothing is recorded") {
                *warning = format!("{problem}records go nowhere else");
            }
        }
        Self { config, disabled, warnings }
    }

    /// Where records go.
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

    /// The data source that records are sent to, if they are.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.config.output {
            config::Output::Tinybird(endpoint) if !self.disabled => Some(endpoint),
            _ => None,
        }
    }

    /// What is wrong with the variables.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// `RESMON_SPOOL_DIR`
    #[must_use]
    pub fn spool(&self) -> Option<&Path> {
        self.config.spool.as_deref()
    }
}

/// What a control group allows its processes. `None` is without limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowed {
    /// Bytes of memory, fewer than the machine has.
    pub memory: Option<u64>,
    /// CPUs, by the quota.
    pub cpus: Option<f64>,
}

/// What the control group of this process and those above it allow, by their files; `None` where the system has none.
#[must_use]
pub fn control_group() -> Option<Allowed> {
    let machine = Machine::open().memory().map(|memory| memory.total);
    let Limit { memory, cpus } = Limit::of_cgroup()?.below(machine);
    Some(Allowed { memory, cpus })
}

/// A JSON object as a line under construction.
fn resume(object: &str) -> Option<Line> {
    let fields = object.strip_prefix('{')?.strip_suffix('}')?;
    Line::resume(format!(",{fields}").as_bytes())
}
