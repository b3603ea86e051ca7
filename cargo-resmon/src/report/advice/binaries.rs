//! Advice about whole test binaries.

use super::{Advice, Kind, about_run};
use crate::report::model::Report;
use crate::report::units::{count, number};

/// Returns advice about test binaries without a recorded test. If no test is recorded at all, `no_tests` covers it.
pub(super) fn unmarked(report: &Report) -> Vec<Advice> {
    let binaries = &report.run.binaries;
    let unmarked = binaries
        .iter()
        .filter(|binary| {
            let is_explained = binary.is_instrumented() || binary.about.not_instrumented.is_some();
            binary.is_without_tests() && !is_explained
        })
        .count();
    if unmarked == 0 || report.run.tests.is_empty() {
        return Vec::new();
    }
    let text = format!(
        "{} of {} recorded no test: where there are any, figures per test need the harness of `cargo resmon test`, the attribute, or `cargo resmon nextest run`",
        number(unmarked),
        count(binaries.len(), "test binary")
    );
    about_run(Kind::Unmarked, text)
}
