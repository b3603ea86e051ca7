//! The destination of records, and the variables that set it.

use std::env;
use std::ffi::{CString, OsStr};
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use resmon_record::config::{TOKEN, VARIABLES};
use resmon_runtime::collector::{Output, Plan};

use super::Findings;
use crate::run::Flags;

pub(super) fn examine(findings: &mut Findings, plan: &Plan, flags: &Flags) {
    for known in VARIABLES {
        variable(findings, known.name, flags);
    }
    for warning in plan.warnings() {
        findings.problem("variables", warning);
    }
    match plan.output() {
        Output::Disabled => findings.note("output", "none, because RESMON_DISABLE is set"),
        Output::Nothing if !plan.warnings().is_empty() => findings.note(
            "output",
            "runs of `cargo resmon` are kept here, and a plain `cargo test` records nothing, for what is wrong with \
             the variables",
        ),
        Output::Nothing => findings.note(
            "output",
            "runs of `cargo resmon` are kept here, and a plain `cargo test` records nothing: there is neither \
             TINYBIRD_WRITE_TOKEN nor RESMON_FILE",
        ),
        Output::File(path) => file(findings, path),
        Output::Tinybird { base, datasource } => findings.good(
            "output",
            format_args!("the data source {datasource} at {base}, because TINYBIRD_WRITE_TOKEN is set"),
        ),
    }
}

fn variable(findings: &mut Findings, name: &str, flags: &Flags) {
    let set = env::var_os(name);
    let used = flags.lookup(name);
    let is_blank = |value: &OsStr| value.to_string_lossy().trim().is_empty();
    let token = flags.lookup(TOKEN).map(|token| token.to_string_lossy().trim().to_owned());
    let token = token.filter(|token| !token.is_empty());
    let shown = |value: &OsStr| {
        let text = format!("{value:?}");
        // A URL may contain a password.
        let is_secret = name == TOKEN
            || text.contains('@')
            || text.contains('?')
            || token.as_ref().is_some_and(|token| text.contains(token));
        if is_secret { "set, and not shown".to_owned() } else { text }
    };
    match (&set, &used) {
        (_, None) if set.is_some() => findings.note(name, "set, but a flag wins over it"),
        (_, None) => {}
        (Some(_), Some(used)) if is_blank(used) => {
            findings.note(name, "set to nothing, which counts as unset");
        }
        (set, Some(used)) if set.as_ref() != Some(used) && flags.is_configured(name) => {
            findings
                .note(name, format_args!("{}, by `[env]` of Cargo's configuration", shown(used)));
        }
        (set, Some(used)) if set.as_ref() != Some(used) => {
            findings.note(name, format_args!("{}, by a flag", shown(used)));
        }
        (_, Some(used)) => findings.note(name, shown(used)),
    }
}

fn file(findings: &mut Findings, path: &Path) {
    let why = format!("{path:?}, because it is named and there is no token");
    // A run opens it like this. Otherwise a named pipe that nobody reads would block.
    let opened = OpenOptions::new().append(true).custom_flags(libc::O_NONBLOCK).open(path);
    let problem = match opened {
        Ok(_) => None,
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
            Some("it is a named pipe or a device, and nobody reads from it".to_owned())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let there = path.ancestors().skip(1).find(|folder| folder.exists());
            let fit = there.is_some_and(|folder| folder.is_dir() && is_writable(folder));
            (!fit).then(|| "it does not exist and cannot be created".to_owned())
        }
        Err(error) => Some(error.to_string()),
    };
    match problem {
        None => findings.good("output", why),
        Some(problem) => findings.problem("output", format_args!("{path:?}: {problem}")),
    }
}

/// Returns whether this user may create files in a folder.
pub(super) fn is_writable(folder: &Path) -> bool {
    let Ok(path) = CString::new(folder.as_os_str().as_bytes()) else { return false };
    // SAFETY: the pointer is to a string that ends in NUL.
    unsafe { libc::access(path.as_ptr(), libc::W_OK | libc::X_OK) == 0 }
}
