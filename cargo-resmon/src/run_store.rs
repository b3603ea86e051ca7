//! The directory of kept runs: one NDJSON file each, in `resmon/runs` of Cargo's target directory. A file is named by the
//! start of the run, its id and, if it has one, its name: `20261124080000000-9b1c2d3e.main.ndjson`.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
#[cfg(unix)]
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use cargo_metadata::{Metadata, MetadataCommand};
use serde::Deserialize;

/// Returns the directory for runs of the current workspace. It may not exist yet.
pub(crate) fn directory() -> anyhow::Result<PathBuf> {
    Ok(metadata()?.target_directory.join("resmon/runs").into_std_path_buf())
}

/// Returns the root of the current workspace.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    Ok(metadata()?.workspace_root.into_std_path_buf())
}

fn metadata() -> anyhow::Result<Metadata> {
    let metadata = MetadataCommand::new().no_deps().exec();
    metadata.context("cannot find the target directory of this workspace")
}

/// Returns the spool directory of a workspace. It is in Cargo's build directory, which may differ from the target
/// directory. Test executables are there too, and a test process knows no other directory of the workspace.
#[cfg(unix)]
pub(crate) fn spool_of(metadata: &Metadata) -> PathBuf {
    let directory = metadata.build_directory.as_ref().unwrap_or(&metadata.target_directory);
    directory.join("resmon").into_std_path_buf()
}

/// Returns directories of this user for data that belongs to no workspace, the best first: that of the XDG base directory
/// specification for state, and a temporary one.
#[cfg(unix)]
pub(crate) fn of_user() -> Vec<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(absolute);
    let home = || std::env::home_dir().filter(absolute).map(|home| home.join(".local/state"));
    // SAFETY: the call only reads an attribute of the process.
    let user = unsafe { libc::geteuid() };
    let temporary = std::env::temp_dir().join(format!("resmon-{user}"));
    state.or_else(home).map(|state| state.join("resmon")).into_iter().chain([temporary]).collect()
}

/// Returns the files of the kept runs, oldest first: the names begin with the start time.
pub(crate) fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut runs: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
        .collect();
    runs.sort();
    runs
}

/// The number of runs without a name to keep.
#[cfg(unix)]
const KEPT: usize = 20;

/// A run without an end that has written nothing for this long counts as killed.
#[cfg(unix)]
const SILENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes the oldest runs beyond [`KEPT`], except for `own`, which has just ended, those that are still going on, and those with
/// a name.
#[cfg(unix)]
pub(crate) fn prune(directory: &Path, own: &Path) {
    let mut runs = list(directory);
    runs.retain(|run| KeptRun::at(run.clone()).name.is_none());
    for run in &runs[..runs.len().saturating_sub(KEPT)] {
        if run != own && is_over(run).unwrap_or(false) {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_file(run);
        }
    }
}

/// Returns whether a run has ended, was killed long ago, or is none: its start is written first.
#[cfg(unix)]
fn is_over(run: &Path) -> io::Result<bool> {
    let mut file = File::open(run)?;
    let metadata = file.metadata()?;
    // The end of the session is among the last lines.
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(64 << 10)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let has_ended = String::from_utf8_lossy(&end).contains("\"event_type\":\"session_end\"");
    Ok(end.is_empty()
        || has_ended
        || metadata.modified()?.elapsed().is_ok_and(|silence| silence > SILENCE))
}

/// The variable that makes `cargo resmon` neither keep a run nor report on it. `cargo resmon compare --confirm` sets it.
#[cfg(unix)]
pub(crate) const CONFIRMING: &str = "RESMON_CONFIRMING";

/// A run in the directory.
#[derive(Clone, Debug)]
pub(crate) struct KeptRun {
    pub(crate) path: PathBuf,
    /// The file name up to the first dot: the start of the run and its id.
    stem: String,
    /// The name that the user gave it.
    pub(crate) name: Option<String>,
}

/// The fields of the first record of a run that identify it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FirstRecord {
    pub(crate) run_id: Option<String>,
    git_branch: Option<String>,
    gh_ref_name: Option<String>,
}

impl FirstRecord {
    /// Returns the branch that the run was on, as far as the record tells.
    pub(crate) fn branch(&self) -> Option<&str> {
        let branches = [&self.git_branch, &self.gh_ref_name];
        branches.into_iter().flatten().map(String::as_str).find(|branch| !branch.is_empty())
    }
}

impl KeptRun {
    fn at(path: PathBuf) -> Self {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let file = file.strip_suffix(".ndjson").unwrap_or(&file);
        let (stem, name) = match file.split_once('.') {
            Some((stem, name)) => (stem.to_owned(), Some(name.to_owned())),
            None => (file.to_owned(), None),
        };
        Self { path, stem, name }
    }

    /// Returns its short id: the file name without the start of the run.
    pub(crate) fn id(&self) -> &str {
        match self.stem.split_once('-') {
            Some((start, id)) if start.bytes().all(|byte| byte.is_ascii_digit()) => id,
            _ => &self.stem,
        }
    }

    /// Returns its name, else its short id.
    pub(crate) fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id())
    }

    /// Reads its first record. Returns an empty one if that cannot be read.
    pub(crate) fn first_record(&self) -> FirstRecord {
        let read = || {
            let mut line = String::new();
            // No record is longer.
            BufReader::new(File::open(&self.path)?.take(1 << 20)).read_line(&mut line)?;
            Ok::<_, io::Error>(serde_json::from_str(&line)?)
        };
        read().unwrap_or_default()
    }

    fn has_prefix(&self, prefix: &str) -> bool {
        let run_id = || self.first_record().run_id.is_some_and(|id| id.starts_with(prefix));
        self.id().starts_with(prefix) || self.stem.starts_with(prefix) || run_id()
    }

    /// Gives it a name, in the place of any that it has. `None` takes the name away.
    pub(crate) fn rename(&mut self, name: Option<&str>) -> anyhow::Result<()> {
        let suffix = name.map(|name| format!(".{name}")).unwrap_or_default();
        let path = self.path.with_file_name(format!("{}{suffix}.ndjson", self.stem));
        fs::rename(&self.path, &path)
            .with_context(|| format!("cannot rename {}", self.path.display()))?;
        *self = Self::at(path);
        Ok(())
    }
}

/// Returns the kept runs, oldest first.
pub(crate) fn kept(directory: &Path) -> Vec<KeptRun> {
    list(directory).into_iter().map(KeptRun::at).collect()
}

/// Finds a kept run: by `latest` or `latest~2`, by its name, or by the first characters of its id.
pub(crate) fn find<'a>(runs: &'a [KeptRun], text: &str) -> anyhow::Result<&'a KeptRun> {
    ensure!(!runs.is_empty(), "no run is kept here yet: `cargo resmon test` makes one");
    if let Some(back) = back_from_latest(text) {
        let place = runs.len().checked_sub(back + 1);
        return place.map(|place| &runs[place]).with_context(|| {
            format!(
                "there is no run {text}: the oldest that is kept here is latest~{}",
                runs.len() - 1
            )
        });
    }
    if let Some(run) = runs.iter().find(|run| run.name.as_deref() == Some(text)) {
        return Ok(run);
    }
    let found: Vec<&KeptRun> =
        runs.iter().filter(|run| !text.is_empty() && run.has_prefix(text)).collect();
    match found[..] {
        [run] => Ok(run),
        [] => bail!("no kept run has the name or id {text:?}: `cargo resmon runs` lists them"),
        _ => {
            let ids: Vec<_> = found.iter().take(5).map(|run| run.id()).collect();
            bail!("{text:?} is not unique: it begins the ids {}", ids.join(", "))
        }
    }
}

/// Returns how many runs `latest` or `latest~2` is before the latest; `None` if the text is neither.
pub(crate) fn back_from_latest(text: &str) -> Option<usize> {
    match text.strip_prefix("latest")? {
        "" => Some(0),
        back => back.strip_prefix('~')?.parse().ok(),
    }
}

/// Requires that a name can be the name of a run.
pub(crate) fn check_name(runs: &[KeptRun], name: &str) -> anyhow::Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        !name.is_empty() && name.len() <= 100 && name.chars().all(is_plain),
        "{name:?} cannot be a name: use up to 100 letters, digits, `-`, `_` and `.`"
    );
    ensure!(!name.starts_with(['-', '.']), "{name:?} cannot be a name: it begins with `-` or `.`");
    ensure!(!name.starts_with("latest"), "{name:?} cannot be a name: `latest` is the latest run");
    let other = runs.iter().find(|run| run.name.as_deref() == Some(name));
    if let Some(other) = other {
        bail!("{name:?} is the name of {} already", other.id());
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn the_oldest_runs_are_removed_unless_they_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let start = "{\"event_type\":\"session_start\"}\n";
        let ended = format!("{start}{{\"event_type\":\"session_end\"}}\n");
        let path = |number: usize| folder.path().join(format!("{number:02}.ndjson"));
        for number in 0..KEPT + 4 {
            fs::write(path(number), if number < 2 { start } else { &ended }).unwrap();
        }
        let killed = File::options().append(true).open(path(1)).unwrap();
        killed.set_modified(SystemTime::now() - 2 * SILENCE).unwrap();
        prune(folder.path(), &path(2));
        let left: Vec<_> = [0, 2].into_iter().chain(4..KEPT + 4).map(path).collect();
        assert_eq!(list(folder.path()), left);
    }

    #[test]
    fn the_oldest_runs_without_a_name_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for run in 10..35 {
            let name = if run == 11 { ".main" } else { "" };
            let file = format!("202611240000000{run}-abcdef{run}{name}.ndjson");
            fs::write(folder.path().join(file), "").unwrap();
        }
        prune(folder.path(), Path::new(""));
        let kept = kept(folder.path());
        let ids: Vec<_> = kept.iter().map(KeptRun::id).collect();
        assert_eq!(kept.len(), KEPT + 1, "{ids:?}");
        assert_eq!((kept[0].label(), ids[1], ids[20]), ("main", "abcdef15", "abcdef34"));
    }

    #[test]
    fn only_latest_counts_from_the_latest() {
        for (text, back) in [
            ("latest", Some(0)),
            ("latest~12", Some(12)),
            ("latest~", None),
            ("latest~-1", None),
            ("latest2", None),
            ("main", None),
        ] {
            assert_eq!(back_from_latest(text), back, "{text}");
        }
    }
}
