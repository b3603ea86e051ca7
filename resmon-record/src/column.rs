//! The columns of the table: the description of each field, beside its definition in [`fields`](crate::fields). The
//! reference page, the data source and the JSON Schema are rendered from it. A test binary uses none of it, and the
//! linker leaves it out.

use crate::outcome::Outcome;
use crate::timestamp::Timestamp;

/// The events, in the order in which a session writes them.
pub const EVENTS: [&str; 3] = ["session_start", "test", "session_end"];

/// A group of fields that are in the same events.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The description of the group.
    pub about: &'static str,
    /// The events.
    pub place: Place,
    /// The fields in the order in which they are written.
    pub columns: &'static [Column],
}

/// The description of a field.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The name.
    pub name: &'static str,
    /// The values that the field can have.
    pub values: Values,
    /// The unit of a number: `bytes`, `s`, `%`, or empty.
    pub unit: &'static str,
    /// The meaning.
    pub about: &'static str,
    /// The origin of the value. For a figure of the system, its origin on Linux.
    pub source: &'static str,
}

/// The records that a group of fields is in.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The events.
    pub events: &'static [&'static str],
    /// Whether the fields are missing if the process died.
    pub needs_end: bool,
}

/// All records.
pub const ALL: Place = Place { events: &EVENTS, needs_end: false };
/// The record of a test.
pub const TEST: Place = Place { events: &["test"], needs_end: false };
/// The record of a test whose process saw its end.
pub const TEST_AT_END: Place = Place { events: &["test"], needs_end: true };
/// Both session events.
pub const SESSION: Place = Place { events: &["session_start", "session_end"], needs_end: false };
/// The start of a session.
pub const START: Place = Place { events: &["session_start"], needs_end: false };
/// The end of a session that ended by itself.
pub const SESSION_AT_END: Place = Place { events: &["session_end"], needs_end: true };

/// The values of a field.
#[derive(Clone, Copy, Debug)]
pub struct Values {
    /// The type of the column.
    pub kind: Kind,
    /// Whether the field is left out where its value is unknown.
    pub optional: bool,
    /// Whether the number cannot be negative.
    pub unsigned: bool,
    /// All values that the field can have. Empty if they are not a fixed set.
    pub choices: &'static [&'static str],
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// An integer of 32 bits.
    Int32,
    /// An integer of 64 bits.
    Int64,
    /// A number.
    Float64,
    /// A time in UTC with milliseconds.
    DateTime,
}

impl Kind {
    /// Returns the name of the type in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Int32 => "Int32",
            Self::Int64 => "Int64",
            Self::Float64 => "Float64",
            Self::DateTime => "DateTime64(3)",
        }
    }
}

impl Values {
    const fn of(kind: Kind) -> Self {
        Self { kind, optional: false, unsigned: false, choices: &[] }
    }
}

/// A type that a field can have.
pub trait FieldType {
    /// The values of the field.
    const VALUES: Values;
}

impl<T: FieldType> FieldType for Option<T> {
    const VALUES: Values = Values { optional: true, ..T::VALUES };
}

impl FieldType for &str {
    const VALUES: Values = Values::of(Kind::String);
}

impl FieldType for String {
    const VALUES: Values = Values::of(Kind::String);
}

impl FieldType for Outcome {
    const VALUES: Values = Values { choices: Outcome::NAMES, ..Values::of(Kind::String) };
}

impl FieldType for Timestamp {
    const VALUES: Values = Values::of(Kind::DateTime);
}

impl FieldType for i32 {
    const VALUES: Values = Values::of(Kind::Int32);
}

impl FieldType for u32 {
    const VALUES: Values = Values { unsigned: true, ..Values::of(Kind::Int32) };
}

impl FieldType for u64 {
    const VALUES: Values = Values { unsigned: true, ..Values::of(Kind::Int64) };
}

impl FieldType for f64 {
    const VALUES: Values = Values::of(Kind::Float64);
}

/// The names of events.
#[derive(Debug)]
pub enum Event {}

impl FieldType for Event {
    const VALUES: Values = Values { choices: &EVENTS, ..Values::of(Kind::String) };
}

/// The names of owners of a test's figures.
#[derive(Debug)]
pub enum Scope {}

impl FieldType for Scope {
    const VALUES: Values = Values { choices: &["process", "thread"], ..Values::of(Kind::String) };
}
