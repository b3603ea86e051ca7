//! The variables for users: one table, from which the names in the code, the list of `cargo resmon doctor`, the help of
//! `cargo resmon` and `docs/configuration.md` come.

/// The description of a variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// The value that an unset variable stands for, as text. Empty if there is none.
    pub default: &'static str,
    /// The meaning.
    pub about: &'static str,
}

/// Defines constants with the names of variables, and a table of them.
macro_rules! variables {
    (
        $(#[doc = $about:literal])*
        $table:ident: $($(#[doc = $doc:literal])* $constant:ident = $name:literal, default $default:expr;)*
    ) => {
        $($(#[doc = $doc])* pub const $constant: &str = $name;)*

        $(#[doc = $about])*
        pub const $table: &[Variable] = &[
            $(Variable { name: $constant, default: $default, about: concat!($($doc),*) },)*
        ];
    };
}

/// The default of [`API_URL`].
pub const DEFAULT_API_URL: &str = "https://api.tinybird.co";
/// The default of [`DATASOURCE`].
pub const DEFAULT_DATASOURCE: &str = "ci_test_metrics";

variables! {
    /// The variables that configure resmon, the token first.
    VARIABLES:

    /// The write token of Tinybird. If it is set, records go to Tinybird.
    TOKEN = "TINYBIRD_WRITE_TOKEN", default "";
    /// The base URL of Tinybird's API: that of your region, or of any other server.
    API_URL = "TINYBIRD_API_URL", default DEFAULT_API_URL;
    /// The data source that records are sent to.
    DATASOURCE = "RESMON_DATASOURCE", default DEFAULT_DATASOURCE;
    /// The file that records are appended to, if there is no token.
    FILE = "RESMON_FILE", default "";
    /// The number of test records per batch, at least 1.
    BATCH_SIZE = "RESMON_BATCH_SIZE", default "50";
    /// The longest time that the end of a run waits for delivery, in seconds.
    FLUSH_TIMEOUT = "RESMON_FLUSH_TIMEOUT", default "10";
    /// The spool: the directory for undelivered records.
    SPOOL_DIR = "RESMON_SPOOL_DIR", default "resmon/ beside the test executables";
    /// The `run_id` of the records, if you have one of your own.
    RUN_ID = "RESMON_RUN_ID", default "";
    /// The switch that turns resmon off: anything but empty, `0`, `false`, `no` and `off`.
    DISABLE = "RESMON_DISABLE", default "";
}

variables! {
    /// The variables that only `cargo resmon` reads.
    OF_CARGO_RESMON:

    /// The switch of the instrumented build: `0`, `false`, `no` and `off` do without it.
    INSTRUMENT = "RESMON_INSTRUMENT", default "on for `cargo resmon test`, off for `cargo resmon nextest`";
}
