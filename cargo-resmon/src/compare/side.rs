//! The sides of a comparison: which runs they are, and how they are named on the command line.

use std::collections::HashSet;
use std::path::Path;

use anyhow::ensure;

use crate::input::{self, Input};
use crate::report::read;
use crate::report::run::Run;
use crate::run_store::{self, KeptRun};

/// The runs of a side, the oldest first.
#[derive(Debug)]
pub(crate) struct Side {
    /// The name that the user gave to it.
    pub(crate) label: String,
    pub(crate) runs: Vec<Run>,
    /// How many of them, the last ones, are runs of a few tests only.
    pub(crate) partial: usize,
}

/// The kept runs of the workspace, if there is one.
pub(crate) struct Store(Result<Vec<KeptRun>, String>);

impl Store {
    pub(crate) fn open() -> Self {
        let directory = run_store::directory().map_err(|error| format!("{error:#}"));
        Self(directory.map(|directory| run_store::kept(&directory)))
    }

    fn kept(&self) -> anyhow::Result<&[KeptRun]> {
        self.0.as_deref().map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// Returns the files of the kept runs that were made on a branch.
    fn of_branch(&self, branch: &str) -> anyhow::Result<Vec<Input>> {
        let kept = self.kept()?.iter();
        let files: Vec<_> = kept
            .filter(|run| run.first_record().branch() == Some(branch))
            .map(|run| Input::File(run.path.clone()))
            .collect();
        ensure!(
            !files.is_empty(),
            "no kept run has the branch {branch:?} in its records: `cargo resmon runs` lists them"
        );
        Ok(files)
    }

    /// Returns the files that a name on the command line stands for.
    fn files(&self, text: &str) -> anyhow::Result<Vec<Input>> {
        let is_kept = run_store::back_from_latest(text).is_some() || self.has_name(text);
        let is_file = text.contains(['/', '\\', '.', '*', '?', '[']) || text == "-";
        let path = Path::new(text);
        if !is_kept && (is_file || path.exists()) {
            ensure!(
                path.exists() || text == "-" || text.contains(['*', '?', '[']),
                "there is neither a file nor a kept run {text}"
            );
            return input::inputs(&[path.to_owned()]);
        }
        Ok(vec![Input::File(run_store::find(self.kept()?, text)?.path.clone())])
    }

    fn has_name(&self, text: &str) -> bool {
        self.0.iter().flatten().any(|run| run.name.as_deref() == Some(text))
    }
}

impl Side {
    /// Loads the runs with these names, and those of a branch. Each run counts once.
    pub(crate) fn load(
        store: &Store,
        names: &[String],
        branch: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for name in names {
            files.extend(store.files(name)?);
        }
        if let Some(branch) = branch {
            files.extend(store.of_branch(branch)?);
        }
        let label = names.iter().map(String::as_str).chain(branch).collect::<Vec<_>>().join(", ");
        let mut side = Self { label, runs: Vec::new(), partial: 0 };
        // One call for all of them: a run may be spread over several files.
        side.runs = runs_of(&files)?;
        side.sort();
        Ok(side)
    }

    /// Adds later runs of a few tests.
    #[cfg(unix)]
    pub(crate) fn add_partial(&mut self, runs: Vec<Run>) {
        self.partial += runs.len();
        self.runs.extend(runs);
    }

    fn sort(&mut self) {
        let mut seen = HashSet::new();
        self.runs.retain(|run| seen.insert((run.id.clone(), run.first, run.last)));
        self.runs.sort_by(|one, other| (one.first, &one.id).cmp(&(other.first, &other.id)));
    }

    /// Removes the runs that the other side has too. Fails if no run remains.
    pub(crate) fn without(mut self, other: &Self) -> anyhow::Result<Self> {
        let of_other: HashSet<_> = other.runs.iter().map(|run| (&run.id, run.first)).collect();
        self.runs.retain(|run| !of_other.contains(&(&run.id, run.first)));
        ensure!(
            !self.runs.is_empty(),
            "all runs of the base ({}) are those of the head ({}), too",
            self.label,
            other.label
        );
        Ok(self)
    }
}

/// Reads the runs of some files, the newest first.
pub(super) fn runs_of(files: &[Input]) -> anyhow::Result<Vec<Run>> {
    Ok(read::read_newest(files, usize::MAX)?.runs)
}
