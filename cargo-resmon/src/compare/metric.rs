//! The figures of a test that are compared.

use serde::{Serialize, Serializer};

use super::statistics::Rule;
use crate::record::{Attempt, Scope};
use crate::report::units::{self, float};

/// A figure of a test. Of all of them, less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Time,
    Cpu,
    Rss,
    Growth,
    Heap,
    AllocCount,
    AllocBytes,
    IoRead,
    IoWrite,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    Count,
}

/// The part of the process that a figure covers. Figures of different parts cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// The test with all its threads, or a figure that does not depend on it.
    Whole,
    /// The test's own thread.
    Thread,
    /// Also other tests, which ran in the process at the same time.
    Shared,
}

const MIB: f64 = 1_048_576.0;

impl Metric {
    pub(crate) const ALL: [Self; 9] = [
        Self::Time,
        Self::Cpu,
        Self::Rss,
        Self::Growth,
        Self::Heap,
        Self::AllocCount,
        Self::AllocBytes,
        Self::IoRead,
        Self::IoWrite,
    ];

    /// Returns its name on the command line and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Cpu => "cpu",
            Self::Rss => "rss",
            Self::Growth => "growth",
            Self::Heap => "heap",
            Self::AllocCount => "alloc-count",
            Self::AllocBytes => "alloc-bytes",
            Self::IoRead => "io-read",
            Self::IoWrite => "io-write",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Returns its name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Cpu => "CPU time",
            Self::Rss => "peak memory",
            Self::Growth => "growth",
            Self::Heap => "heap peak",
            Self::AllocCount => "allocations",
            Self::AllocBytes => "bytes allocated",
            Self::IoRead => "storage read",
            Self::IoWrite => "storage written",
        }
    }

    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Time | Self::Cpu => Unit::Seconds,
            Self::AllocCount => Unit::Count,
            _ => Unit::Bytes,
        }
    }

    /// Returns whether it differs between runs of the same code.
    pub(crate) fn is_noisy(self) -> bool {
        !matches!(self, Self::Heap | Self::AllocCount | Self::AllocBytes)
    }

    /// Returns whether it depends on the speed of the machine, so that a run is divided by its factor.
    pub(crate) fn depends_on_speed(self) -> bool {
        matches!(self, Self::Time | Self::Cpu)
    }

    /// Returns whether the figure of several tests is the greatest of theirs, and not their sum.
    pub(crate) fn is_peak(self) -> bool {
        matches!(self, Self::Rss | Self::Heap)
    }

    /// Returns what counts as a change of it unless the user says otherwise.
    pub(crate) fn rule(self) -> Rule {
        let (share, floor, noise) = match self {
            Self::Time | Self::Cpu => (0.2, 0.05, 0.02),
            Self::Rss | Self::Growth | Self::IoRead | Self::IoWrite => (0.2, 8.0 * MIB, 0.02),
            Self::Heap | Self::AllocBytes => (0.05, 4096.0, 0.0),
            Self::AllocCount => (0.05, 0.0, 0.0),
        };
        Rule { share, floor, noise }
    }

    /// Returns the figure of an attempt, with what it covers.
    pub(crate) fn of(self, attempt: &Attempt) -> Option<(f64, Coverage)> {
        let figure = match self {
            Self::Time => attempt.duration_s,
            Self::Cpu => attempt.cpu_s(),
            Self::Rss => attempt.rss_peak.map(float),
            Self::Growth => attempt.growth().map(float),
            Self::Heap => attempt.alloc_peak_bytes.map(float),
            Self::AllocCount => attempt.alloc_count.map(float),
            Self::AllocBytes => attempt.alloc_bytes.map(float),
            Self::IoRead => attempt.io_read_bytes.map(float),
            Self::IoWrite => attempt.io_write_bytes.map(float),
        };
        let is_of_process = matches!(self, Self::Rss | Self::Growth);
        let coverage = if is_of_process && attempt.concurrent_tests.unwrap_or(1) > 1 {
            Coverage::Shared
        } else if is_of_process || self == Self::Time || attempt.cpu_scope != Some(Scope::Thread) {
            Coverage::Whole
        } else {
            Coverage::Thread
        };
        Some((figure?, coverage))
    }

    /// Formats a figure of it.
    pub(crate) fn format(self, figure: f64) -> String {
        match self.unit() {
            Unit::Seconds => units::seconds(figure),
            Unit::Bytes if self == Self::Growth => units::growth(whole(figure)),
            Unit::Bytes => units::bytes(whole(figure)),
            Unit::Count if figure.fract() != 0.0 && figure < 100.0 => format!("{figure:.1}"),
            Unit::Count => units::number(usize::try_from(whole(figure)).unwrap_or_default()),
        }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn whole(figure: f64) -> i64 {
    figure.round() as i64
}
