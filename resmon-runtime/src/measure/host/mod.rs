//! The description of the machine.

use std::env::consts;

use resmon_record::fields::Host;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(target_os = "linux"))]
use self::portable as system;

/// Reads the description of this machine.
pub(crate) fn read() -> Host {
    Host {
        os: consts::OS,
        arch: consts::ARCH,
        cpu_model: system::cpu_model(),
        hostname: system::hostname(),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{linux, portable};

    #[test]
    fn direct_reading_agrees_with_sysinfo() {
        assert_eq!(linux::hostname(), portable::hostname());
        assert_eq!(linux::cpu_model(), portable::cpu_model());
    }
}
