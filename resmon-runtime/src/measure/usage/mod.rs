//! The usage of a test: CPU time, storage I/O, page faults and context switches of its thread or process, and the
//! memory of the process.

#[cfg(not(target_os = "linux"))]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(any(target_os = "macos", windows)), path = "other.rs")]
mod readings;
mod runner;
#[cfg(unix)]
mod rusage;
mod span;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "portable.rs")]
mod system;

use std::time::Duration;

pub(crate) use self::span::{End, InUse, Span};
pub(crate) use self::system::Process;

/// The resources that a thread or a process has used since it began. `None` is unknown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// CPU time in user code.
    pub(crate) user: Duration,
    /// CPU time in the kernel.
    pub(crate) system: Duration,
    /// Page faults of any kind: without one, no memory becomes resident.
    pub(crate) faults: Option<u64>,
    /// Page faults for which storage was read.
    pub(crate) major_faults: Option<u64>,
    /// Times that the kernel took a CPU away from the thread or process.
    pub(crate) involuntary_switches: Option<u64>,
    /// Bytes that were read from storage.
    pub(crate) read: Option<u64>,
    /// Bytes that are to be written to storage.
    pub(crate) written: Option<u64>,
}

impl Usage {
    pub(crate) fn since(self, earlier: Self) -> Self {
        let more = |later: Option<u64>, earlier: Option<u64>| Some(later?.saturating_sub(earlier?));
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            faults: more(self.faults, earlier.faults),
            major_faults: more(self.major_faults, earlier.major_faults),
            involuntary_switches: more(self.involuntary_switches, earlier.involuntary_switches),
            read: more(self.read, earlier.read),
            written: more(self.written, earlier.written),
        }
    }

    fn and(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        Self {
            user: self.user + other.user,
            system: self.system + other.system,
            faults: sum(self.faults, other.faults),
            major_faults: sum(self.major_faults, other.major_faults),
            involuntary_switches: sum(self.involuntary_switches, other.involuntary_switches),
            read: sum(self.read, other.read),
            written: sum(self.written, other.written),
        }
    }

    /// Subtracts CPU time that resmon used itself. Takes it from both kinds in proportion, because its kind is unknown.
    fn without(self, own: Duration) -> Self {
        let all = self.user + self.system;
        let rest = all.saturating_sub(own);
        let part = |time: Duration| {
            let nanos = time.as_nanos() * rest.as_nanos() / all.as_nanos().max(1);
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        Self { user: part(self.user), system: part(self.system), ..self }
    }
}

/// The owner of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The process, in which the test was alone.
    Process,
    /// The test's thread.
    Thread,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Thread => "thread",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_resmon_used_itself_is_taken_from_both_kinds_of_time() {
        let millis = Duration::from_millis;
        let rest = |user, system, own| {
            let usage = Usage { user: millis(user), system: millis(system), ..Usage::default() };
            let rest = usage.without(millis(own));
            (rest.user, rest.system)
        };
        assert_eq!(rest(30, 10, 20), (millis(15), millis(5)));
        assert_eq!(rest(30, 10, 1000), (millis(0), millis(0)));
        assert_eq!(rest(0, 0, 1000), (millis(0), millis(0)));
    }
}
