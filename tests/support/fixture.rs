//! The packages in `tests/fixtures`, built and run by the real Cargo.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::Run;

/// Returns the root of this workspace. The package under test is the root or a member.
fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = package.ancestors();
    folders.find(|folder| folder.join("tests/fixtures").is_dir()).expect("a checkout")
}

/// Folder in Cargo's target directory for files of tests.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// A copy of a fixture outside of this workspace. The path is always the same, so that Cargo reuses earlier builds.
pub(crate) struct Fixture(PathBuf);

impl Fixture {
    pub(crate) fn new(name: &str) -> Self {
        let copy = Path::new(SCRATCH).join("fixtures").join(name);
        Self::copied(name, &copy)
    }

    /// Uses an existing package.
    pub(crate) fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Copies a fixture to this folder.
    pub(crate) fn copied(name: &str, copy: &Path) -> Self {
        copy_folder(&workspace().join("tests/fixtures").join(name), copy);
        copy_lock(&workspace().join("Cargo.lock"), &copy.join("Cargo.lock"));
        Self(copy.to_owned())
    }

    /// Returns Cargo with this subcommand in the fixture, without network. All fixtures share one target directory.
    pub(crate) fn cargo(&self, subcommand: &[&str]) -> Run {
        Run::cargo()
            .args(subcommand)
            .arg("--offline")
            .folder(&self.0)
            .env("CARGO_TARGET_DIR", Self::target())
            // Cargo never compiles dependencies from a registry incrementally. Test programs are as large as users have them.
            .env("CARGO_INCREMENTAL", "0")
    }

    /// Builds the test programs with these arguments for Cargo. Returns their paths by the names of their targets.
    pub(crate) fn programs(&self, arguments: &[&str]) -> BTreeMap<String, PathBuf> {
        let built = self.cargo(&["test", "--no-run", "--message-format=json"]);
        let built = built.args(arguments).finish().exits(0);
        let messages = built.stdout.lines().map(serde_json::from_str);
        let messages = messages.map(|message| message.expect("Cargo prints JSON"));
        let program = |message: Value| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, message["executable"].as_str()?.into()))
        };
        messages.filter_map(program).collect()
    }

    /// Returns the target directory of the fixtures.
    pub(crate) fn target() -> PathBuf {
        Path::new(SCRATCH).join("fixtures/target")
    }

    /// Returns the folder of the copy.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the target directory is ours");
    for entry in fs::read_dir(from).expect("a fixture") {
        let entry = entry.expect("a fixture");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            let text = fs::read_to_string(&from).expect("fixtures are text");
            // The path becomes a literal TOML string, because paths of Windows contain backslashes.
            let text = text.replace("\"../../..\"", &format!("'{}'", workspace().display()));
            // An unchanged file is not written: Cargo compares modification times.
            if fs::read_to_string(&to).ok().as_ref() != Some(&text) {
                replace(&to, text.as_bytes());
            }
        }
    }
}

/// Copies this workspace's lock file, whose versions are available without a network. Cargo then adds the fixture's
/// packages to it.
fn copy_lock(from: &Path, to: &Path) {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    if changed(to) <= changed(from) {
        replace(to, &fs::read(from).expect("Cargo made it to build this test"));
    }
}

/// Writes a file in one step, because another test may be building at this moment.
fn replace(path: &Path, content: &[u8]) {
    let folder = path.parent().expect("a file is in a folder");
    let mut file = tempfile::NamedTempFile::new_in(folder).expect("the target directory is ours");
    std::io::Write::write_all(&mut file, content).expect("the disk is not full");
    file.persist(path).expect("the same folder");
}
