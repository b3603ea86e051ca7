//! Everything but Linux: what sysinfo reads.

use sysinfo::{CpuRefreshKind, System};

/// What the first CPU calls itself.
pub(super) fn cpu_model() -> Option<String> {
    let mut system = System::new();
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    let name = system.cpus().first()?.brand().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The name that the system goes by in a network.
pub(super) fn hostname() -> Option<String> {
    System::host_name().filter(|name| !name.is_empty())
}
