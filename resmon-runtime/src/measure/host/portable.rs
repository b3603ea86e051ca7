//! The host on systems other than Linux, read by sysinfo.

use sysinfo::{CpuRefreshKind, System};

/// Returns the model name of the first CPU.
pub(super) fn cpu_model() -> Option<String> {
    let mut system = System::new();
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    let name = system.cpus().first()?.brand().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Returns the host name of the machine.
pub(super) fn hostname() -> Option<String> {
    System::host_name().filter(|name| !name.is_empty())
}
