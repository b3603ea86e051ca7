//! The limits that the control group sets.

use resmon_runtime::collector::{Allowed, control_group};

use super::Findings;

pub(super) fn examine(findings: &mut Findings) {
    findings.note("control group", describe(control_group()));
}

fn describe(allowed: Option<Allowed>) -> String {
    let Some(Allowed { memory, cpus }) = allowed else { return "none on this system".to_owned() };
    let memory = memory.map(|bytes| format!("{} MiB of memory", bytes >> 20));
    let cpus = cpus.map(|cpus| format!("{cpus} CPUs"));
    let both: Vec<_> = [memory, cpus].into_iter().flatten().collect();
    if both.is_empty() {
        "no limit: the figures are those of the whole machine".to_owned()
    } else {
        format!("limited to {}", both.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_told() {
        let told = |memory, cpus| describe(Some(Allowed { memory, cpus }));
        assert_eq!(told(Some(2 << 20), Some(1.5)), "limited to 2 MiB of memory and 1.5 CPUs");
        assert_eq!(told(Some(2 << 20), None), "limited to 2 MiB of memory");
        assert_eq!(told(None, Some(1.5)), "limited to 1.5 CPUs");
        assert!(told(None, None).starts_with("no limit"));
        assert_eq!(describe(None), "none on this system");
    }
}
