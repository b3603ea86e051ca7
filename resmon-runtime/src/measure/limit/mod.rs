//! The limits of the process on its machine.

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(all(unix, feature = "collector"))]
pub(crate) mod counters;
#[cfg(target_os = "linux")]
mod mounts;

/// The memory and the CPUs that a process may use. `None` is unknown or without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limit {
    /// Bytes of memory.
    pub(crate) memory: Option<u64>,
    /// The number of CPUs. A quota may grant a fraction.
    pub(crate) cpus: Option<f64>,
}

impl Limit {
    /// Reads the limits of this process on a machine with these resources.
    ///
    /// Memory: the lowest limit, of its control group or a parent, that the kernel enforces (`memory.max`,
    /// `memory.limit_in_bytes`), not the one at which it only slows down (`memory.high`). CPUs: the lowest quota, or
    /// the number of CPUs in the affinity, which the control group's `cpuset` is part of.
    pub(crate) fn read(machine: Limit) -> Self {
        let cgroup = Self::of_cgroup().unwrap_or_default();
        machine.and(Self { memory: None, cpus: allowed_cpus() }).and(cgroup)
    }

    /// Reads the limits of the control group alone. `None` where the system has no control groups.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_cgroup() -> Option<Self> {
        cgroup::limit()
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of_cgroup() -> Option<Self> {
        None
    }

    /// Removes a limit of memory that is not below the machine's memory.
    #[cfg(all(unix, feature = "collector"))]
    pub(crate) fn below(self, machine: Option<u64>) -> Self {
        let is_below = |&memory: &u64| machine.is_none_or(|all| memory < all);
        Self { memory: self.memory.filter(is_below), ..self }
    }

    fn and(self, other: Self) -> Self {
        Self {
            memory: lower(self.memory, other.memory, u64::min),
            cpus: lower(self.cpus, other.cpus, f64::min),
        }
    }
}

fn lower<T>(a: Option<T>, b: Option<T>, min: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(min(a, b)),
        (a, b) => a.or(b),
    }
}

/// Counts the CPUs that the main thread may run on: a test may have bound its own thread to one.
#[cfg(target_os = "linux")]
fn allowed_cpus() -> Option<f64> {
    crate::sys::machine::allowed_cpus().map(f64::from)
}

#[cfg(not(target_os = "linux"))]
fn allowed_cpus() -> Option<f64> {
    let cpus = u32::try_from(std::thread::available_parallelism().ok()?.get()).ok()?;
    Some(cpus.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_limit_holds() {
        let machine = Limit { memory: Some(100), cpus: Some(4.0) };
        assert_eq!(machine.and(Limit::default()), machine);
        assert_eq!(Limit::default().and(machine), machine);
        let higher = Limit { memory: Some(u64::MAX), cpus: Some(4.5) };
        assert_eq!(machine.and(higher), machine);
        let lower = Limit { memory: Some(50), cpus: Some(1.5) };
        assert_eq!(machine.and(lower), lower);
    }

    #[cfg(all(unix, feature = "collector"))]
    #[test]
    fn as_much_as_the_machine_has_is_no_limit() {
        let limit = |memory| Limit { memory, cpus: Some(1.5) };
        // The value for no limit in version 1.
        let none = Some(9_223_372_036_854_771_712);
        assert_eq!(limit(none).below(Some(1 << 34)), limit(None));
        assert_eq!(limit(Some(1 << 34)).below(Some(1 << 34)), limit(None));
        assert_eq!(limit(Some(1 << 30)).below(Some(1 << 34)), limit(Some(1 << 30)));
        assert_eq!(limit(Some(1 << 30)).below(None), limit(Some(1 << 30)));
    }

    #[test]
    fn a_process_may_run_on_as_many_cpus_as_the_standard_library_finds() {
        let cpus = std::thread::available_parallelism().unwrap().get();
        let limit = Limit::read(Limit::default()).cpus.unwrap();
        // The standard library rounds a quota down, but not below one.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
        let whole = limit.floor() as usize;
        assert_eq!(whole.max(1), cpus);
    }
}
