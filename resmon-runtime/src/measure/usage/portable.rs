//! The process on systems other than Linux. Only the runner knows whether other tests run in it: resmon may not see
//! them.

pub(super) use super::readings::{of_process, of_thread};
use super::runner::Runner;
use super::{Usage, readings};

/// The means of reading this process.
#[derive(Debug)]
pub(crate) struct Process {
    one_at_a_time: bool,
}

#[expect(clippy::unused_self, reason = "on Linux it keeps files")]
impl Process {
    /// Asks how the runner runs tests. `are_tests_known` if every test of the process has a guard.
    pub(crate) fn open(are_tests_known: bool, _keeps_peak: bool) -> Self {
        Self { one_at_a_time: Runner::of_this_process(are_tests_known) != Runner::Several }
    }

    /// Returns the resident memory in bytes.
    pub(crate) fn resident(&self) -> Option<u64> {
        readings::resident()
    }

    /// Whether the test that begins on this thread is alone in the process, if no other guard is open. Only the runner
    /// can tell: tests without a guard are unknown.
    pub(super) fn is_test_alone(&self) -> bool {
        self.one_at_a_time
    }

    /// Returns `false`: only Linux keeps the peak of a span.
    pub(crate) fn needs_no_sampler(&self) -> bool {
        false
    }

    /// Returns `false`: only Linux can reset the peak.
    pub(super) fn reset_peak(&self) -> bool {
        false
    }

    /// Returns `None`: nothing resets the peak, so whoever started the process knows it.
    pub(crate) fn highest_peak(&self) -> Option<u64> {
        None
    }

    pub(super) fn known(&self, usage: Usage) -> Usage {
        usage
    }
}

/// Returns `None`: see [`Process::reset_peak`].
pub(super) fn peak() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_what_sysinfo_says() {
        use sysinfo::{ProcessesToUpdate, System};
        let id = sysinfo::get_current_pid().unwrap();
        let mut system = System::new();
        system.refresh_processes(ProcessesToUpdate::Some(&[id]), false);
        let resident = Process::open(false, false).resident().unwrap();
        // Other tests of this process allocate meanwhile.
        assert!(resident.abs_diff(system.process(id).unwrap().memory()) < 64 << 20, "{resident}");
    }

    #[cfg(any(target_os = "macos", windows))]
    #[test]
    fn a_thread_is_charged_for_what_it_does() {
        let before = of_thread().unwrap();
        let start = std::time::Instant::now();
        while of_thread().unwrap().since(before).user.as_millis() < 50 {
            assert!(start.elapsed().as_secs() < 60);
        }
        let other = std::thread::spawn(|| of_thread().unwrap()).join().unwrap();
        assert!(other.user.as_millis() < 50);
        let all = of_process().unwrap();
        assert!(all.user + all.system >= before.user);
    }
}
