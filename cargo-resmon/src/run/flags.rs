//! Flags that stand for variables, and win over them.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where records go. Each flag wins over its variable.
#[derive(Debug, Default, PartialEq, clap::Args)]
#[allow(clippy::doc_markdown, reason = "shown on a terminal as they stand")]
#[command(next_help_heading = "Where records go (before the subcommand)")]
pub(crate) struct Flags {
    /// Append records to this file, even if there is a token [variable: RESMON_FILE]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Send nothing to Tinybird, even if there is a token
    #[arg(long)]
    no_tinybird: bool,
    /// The base URL of Tinybird's API [variable: TINYBIRD_API_URL]
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// The data source that is written to [variable: RESMON_DATASOURCE]
    #[arg(long, value_name = "NAME")]
    datasource: Option<String>,
    /// Test records per batch [variable: RESMON_BATCH_SIZE]
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    batch_size: Option<u64>,
    /// The most seconds that delivery may hold up the end [variable: RESMON_FLUSH_TIMEOUT]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    flush_timeout: Option<f64>,
    /// Where records wait that could not be delivered [variable: RESMON_SPOOL_DIR]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// The run_id of the records [variable: RESMON_RUN_ID]
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
}

impl Flags {
    /// The environment with what the flags say in the place of their variables.
    pub(crate) fn lookup(&self, name: &str) -> Option<OsString> {
        let flag = match name {
            "RESMON_FILE" => self.file.clone().map(OsString::from),
            "TINYBIRD_WRITE_TOKEN" if self.no_tinybird || self.file.is_some() => return None,
            "TINYBIRD_API_URL" => self.api_url.clone().map(OsString::from),
            "RESMON_DATASOURCE" => self.datasource.clone().map(OsString::from),
            "RESMON_BATCH_SIZE" => self.batch_size.map(|size| size.to_string().into()),
            "RESMON_FLUSH_TIMEOUT" => self.flush_timeout.map(|time| time.to_string().into()),
            "RESMON_SPOOL_DIR" => self.spool_dir.clone().map(OsString::from),
            "RESMON_RUN_ID" => self.run_id.clone().map(OsString::from),
            _ => None,
        };
        flag.or_else(|| env::var_os(name))
    }

    /// `run_id` where the user has one.
    pub(crate) fn run_id(&self) -> Option<String> {
        let id = self.lookup("RESMON_RUN_ID")?.to_string_lossy().trim().to_owned();
        Some(id).filter(|id| !id.is_empty())
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    match std::time::Duration::try_from_secs_f64(seconds) {
        Ok(_) => Ok(seconds),
        Err(_) => Err("not a number of seconds".to_owned()),
    }
}
