//! `cargo resmon runs`: the kept runs of the workspace.

use std::collections::HashMap;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::Style;
use anyhow::{Context, ensure};
use clap::Subcommand;
use jiff::Timestamp;
use tempfile::NamedTempFile;
use terminal_size::terminal_size_of;

use crate::input::{Input, inputs};
use crate::message;
use crate::record::{Head, Text};
use crate::report::terminal::columns::{Cell, Column, set};
use crate::report::text::clean;
use crate::report::{columns, done, read, show, units};
use crate::run_store::{self, KeptRun};

/// List, name, remove, export and import the kept runs of this workspace
///
/// A run is `latest`, `latest~2`, its name, or the first characters of its id. The newest 20 runs are kept; a run with a name
/// stays until it is removed.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the runs, the newest first
    List,
    /// Show a run, as `cargo resmon report` does
    Show { run: String },
    /// Give a run a name, which also keeps it
    Name {
        run: String,
        /// Letters, digits, `-`, `_` and `.`; nothing takes the name away
        #[arg(default_value = "")]
        name: String,
    },
    /// Remove runs
    Remove {
        #[arg(required = true)]
        runs: Vec<String>,
    },
    /// Copy the records of a run to a file
    Export { run: String, file: PathBuf },
    /// Keep the runs of files, directories and patterns, each under the name of its file
    Import {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let directory = run_store::directory()?;
    let mut kept = run_store::kept(&directory);
    match arguments.command.as_ref().unwrap_or(&Command::List) {
        Command::List => list(&kept),
        Command::Show { run } => {
            let run = run_store::find(&kept, run)?;
            let before: Vec<_> = kept.iter().rev().map(|run| run.path.clone()).collect();
            show(&run.path, &before)
        }
        Command::Name { run, name } => {
            let mut run = run_store::find(&kept, run)?.clone();
            kept.retain(|other| other.path != run.path);
            if name.is_empty() {
                run.rename(None)?;
            } else {
                run_store::check_name(&kept, name)?;
                run.rename(Some(name))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Remove { runs } => remove(&kept, runs),
        Command::Export { run, file } => {
            let run = run_store::find(&kept, run)?;
            let is_same =
                |other: PathBuf| fs::canonicalize(&run.path).is_ok_and(|own| own == other);
            ensure!(
                !fs::canonicalize(file).is_ok_and(is_same),
                "{} is the kept run itself",
                file.display()
            );
            fs::copy(&run.path, file)
                .with_context(|| format!("cannot write {}", file.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Import { files } => import(&directory, kept, files),
    }
}

const PLAIN: Style = Style::new();
const DIM: Style = Style::new().dimmed();

fn list(kept: &[KeptRun]) -> anyhow::Result<ExitCode> {
    if kept.is_empty() {
        message::say("no run is kept here yet: `cargo resmon test` makes one");
        return Ok(ExitCode::SUCCESS);
    }
    let heads = ["id", "name", "started (UTC)", "took", "tests", "bad", "branch"];
    let mut rows = vec![heads.map(|head| Cell::new(DIM, head))];
    for run in kept.iter().rev() {
        let records = read::read(&[Input::File(run.path.clone())])
            .ok()
            .and_then(|records| records.runs.into_iter().next());
        let of = |format: &dyn Fn(&crate::report::run::Run) -> Option<String>| {
            Cell::new(PLAIN, records.as_ref().and_then(format).unwrap_or_default())
        };
        let bad = |run: &crate::report::run::Run| {
            let bad = run.tests.iter().filter(|test| test.outcome().is_bad()).count();
            Some(units::number(bad)).filter(|_| bad > 0)
        };
        rows.push([
            Cell::new(Style::new().bold(), clean(run.id())),
            Cell::new(PLAIN, clean(run.name.as_deref().unwrap_or_default())),
            match &records {
                Some(run) => {
                    let first =
                        run.first.map(|first| first.strftime("%Y-%m-%d %H:%M:%S").to_string());
                    Cell::new(PLAIN, first.unwrap_or_default())
                }
                None => Cell::new(DIM, "cannot be read"),
            },
            of(&|run| run.seconds().map(units::seconds)),
            of(&|run| Some(units::number(run.tests.len()))),
            of(&bad),
            Cell::new(PLAIN, clean(run.first_record().branch().unwrap_or_default())),
        ]);
    }
    let layout = [
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Right,
        Column::Right,
        Column::Right,
        Column::Flexible,
    ];
    let width = columns(terminal_size_of(io::stdout()), io::stdout().is_terminal());
    let table = units::with_spaces(&set(layout, &rows, width));
    done(anstream::stdout().write_all(table.as_bytes()))
}

fn remove(kept: &[KeptRun], names: &[String]) -> anyhow::Result<ExitCode> {
    // A mistake in one name removes none.
    let runs = names.iter().map(|name| run_store::find(kept, name));
    let mut files: Vec<_> = runs.map(|run| run.map(|run| &run.path)).collect::<Result<_, _>>()?;
    files.sort();
    files.dedup();
    for file in files {
        fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn import(directory: &Path, mut kept: Vec<KeptRun>, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let mut parts = Vec::new();
    for input in inputs(files)? {
        split(&input, directory, &mut parts)?;
    }
    for part in parts {
        let known = kept.iter().find(|run| run.first_record().run_id.as_ref() == Some(&part.id));
        if let Some(known) = known {
            message::say(format_args!("{} is kept already, as {}", part.id, known.label()));
            continue;
        }
        let name = free_name(&kept, &part.file);
        let path = directory.join(part.file_name(&name));
        let id = part.id;
        part.lines.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
        message::say(format_args!("{id} is kept as {name}"));
        kept = run_store::kept(directory);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a name that no kept run has: that of a file, with a number if it is taken.
fn free_name(kept: &[KeptRun], stem: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let stem: String = stem.chars().map(plain).take(80).collect();
    let stem = stem.trim_start_matches(['-', '.']);
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    [stem.to_owned(), format!("imported-{stem}")]
        .into_iter()
        .chain(numbered.take(1000))
        .find(|name| run_store::check_name(kept, name).is_ok())
        .unwrap_or_else(|| format!("imported-{}", kept.len()))
}

/// The records of one run, which may be spread over several files.
struct Part {
    id: String,
    /// The name of the first file with its records, without the extension.
    file: String,
    started: Option<Timestamp>,
    lines: NamedTempFile,
}

impl Part {
    fn file_name(&self, name: &str) -> String {
        let started = self.started.unwrap_or_default().strftime("%Y%m%d%H%M%S%3f");
        let id: String = self.id.chars().filter(char::is_ascii_alphanumeric).collect();
        // The first digits of an id of resmon are the time.
        let id = id.get(12..20).or(id.get(..id.len().min(20))).unwrap_or_default();
        format!("{started}-{id}.{name}.ndjson")
    }
}

/// Writes each run of an input to a temporary file in the directory, or adds it to that of an earlier input.
fn split(input: &Input, directory: &Path, parts: &mut Vec<Part>) -> anyhow::Result<()> {
    let file = match input {
        Input::Stdin => "stdin".to_owned(),
        Input::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let file = file.split(".ndjson").next().unwrap_or_default();
    let mut places: HashMap<String, usize> =
        parts.iter().enumerate().map(|(place, part)| (part.id.clone(), place)).collect();
    let mut has_records = false;
    let mut lines = input.lines()?;
    while let Some(line) = lines.next()? {
        // A line that is not a record belongs to no run.
        let Ok(head) = serde_json::from_slice::<Head<'_>>(line.text) else { continue };
        has_records = true;
        let ids = [&head.run_id, &head.session_id, &head.gh_run_id];
        let id = ids.into_iter().flatten().find_map(Text::get).unwrap_or("nameless").to_owned();
        let place = if let Some(place) = places.get(&id) {
            *place
        } else {
            let lines = NamedTempFile::new_in(directory).context("cannot create a file")?;
            parts.push(Part { id: id.clone(), file: file.to_owned(), started: None, lines });
            places.insert(id, parts.len() - 1);
            parts.len() - 1
        };
        let part = &mut parts[place];
        part.started = [part.started, head.timestamp].into_iter().flatten().min();
        let written = part.lines.write_all(line.text).and_then(|()| part.lines.write_all(b"\n"));
        written.context("cannot write")?;
    }
    ensure!(has_records, "{} holds no records of resmon", input.name());
    Ok(())
}
