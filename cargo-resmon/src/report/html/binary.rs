//! The table of the test binaries.

use serde::Serialize;

use crate::report::binary::Binary;
use crate::report::model::Report;
use crate::report::sentences;
use crate::report::test::Measure;
use crate::report::units::{MISSING, bytes};

/// A test binary in words.
#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    /// A class of `page/panels.css`.
    outcome: &'static str,
    status: String,
    time: String,
    cpu: String,
    memory: String,
    /// Which share of the memory that the run may use this is.
    share: String,
    read: String,
    written: String,
    /// How many tests of it were recorded.
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
