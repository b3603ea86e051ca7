//! The table of the test binaries.

use serde::Serialize;

use crate::report::binary::Binary;
use crate::report::model::Report;
use crate::report::sentences;
use crate::report::test::Measure;
use crate::report::units::{MISSING, bytes};

/// A row of the table: a test binary as text.
#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    /// The class in `page/panels.css`.
    outcome: &'static str,
    status: String,
    time: String,
    cpu: String,
    memory: String,
    /// Its share of the memory that the run may use.
    share: String,
    read: String,
    written: String,
    /// The number of its recorded tests.
    tests: String,
}

impl Row {
    pub(super) fn new(report: &Report, binary: &Binary) -> Self {
        let figures = &binary.figures;
        let figure = |measure| sentences::figure(measure, figures);
        let size = |size: Option<i64>| size.map_or_else(|| MISSING.to_owned(), bytes);
        Self {
            name: binary.name(),
            outcome: binary.outcome().name(),
            status: sentences::status(binary),
            time: figure(Measure::Time),
            cpu: figure(Measure::Cpu),
            memory: figure(Measure::Memory),
            share: sentences::context(report, Measure::Memory, figures),
            read: size(figures.io_read_bytes),
            written: size(figures.io_write_bytes),
            tests: binary.about.tests.map_or_else(|| MISSING.to_owned(), |tests| tests.to_string()),
        }
    }
}
