//! `docs/configuration.md`

use resmon_record::config::{OF_CARGO_RESMON, VARIABLES, Variable};

use super::table;

const INTRODUCTION: &str = "\
# The variables that configure resmon

<!-- Rendered from resmon-record/src/config/variables.rs by `cargo run --package resmon-record --example render`. -->

Records go to Tinybird if there is a token, else to a file if there is one, else nowhere. A blank variable counts as
unset. A value that cannot be used gets one warning on stderr, which says what is used instead. A relative `RESMON_FILE`
or `RESMON_SPOOL_DIR` starts from the folder in which you started the run. `cargo resmon --help` lists the options that
win over these variables, and `cargo resmon doctor` says which of them are set and what follows.

";

/// Renders the page of the variables.
pub(super) fn render() -> String {
    format!(
        "{INTRODUCTION}{}\n## Of `cargo resmon` only\n\n{}",
        variables(VARIABLES),
        variables(OF_CARGO_RESMON)
    )
}

fn variables(variables: &[Variable]) -> String {
    let rows = variables.iter().map(|variable| {
        let default = match variable.default {
            "" => "–".to_owned(),
            // Only a sentence has spaces.
            text if text.contains(' ') => text.to_owned(),
            value => format!("`{value}`"),
        };
        vec![format!("`{}`", variable.name), default, variable.about.to_owned()]
    });
    table(&["variable", "default", "meaning"], rows)
}
