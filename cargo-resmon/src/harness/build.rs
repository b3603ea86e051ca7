//! The build of the harness, once for each compiler and target.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::WRAPPER;
use super::compiler::Compiler;
use crate::message;

const SOURCE: &str = include_str!("../../harness/lib.rs");
const MANIFEST: &str = include_str!("../../harness/manifest.toml");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The directory in which this program was built: in a clone of the repository, or in Cargo's registry or package
/// folder.
const BUILT_IN: &str = env!("CARGO_MANIFEST_DIR");
/// The packages of a clone that the harness is built from.
const CRATES: [&str; 2] = ["resmon-record", "resmon-runtime"];

/// A built harness, by its paths. Stored as JSON beside the build.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Harness {
    pub(super) triple: String,
    /// Whether it counts the heap allocations of tests.
    pub(super) heap: bool,
    /// The path of the harness's `rlib`.
    pub(super) library: PathBuf,
    /// The folder of the `rlib`s of its dependencies.
    pub(super) dependencies: PathBuf,
    /// The compiler's default symbol mangling: `legacy` or `v0`; `None` if unknown.
    pub(super) mangling: Option<String>,
}

/// Builder of the harness for one compiler.
#[derive(Debug)]
pub(crate) struct Builder<'a> {
    compiler: &'a Compiler,
    folder: PathBuf,
    key: String,
    manifest: String,
}

impl<'a> Builder<'a> {
    /// Creates a builder whose builds go to a folder below `root`.
    pub(crate) fn new(compiler: &'a Compiler, root: &Path) -> anyhow::Result<Self> {
        let clone = clone();
        let mut hasher = DefaultHasher::new();
        (VERSION, SOURCE, MANIFEST, &compiler.version, &clone).hash(&mut hasher);
        if let Some(clone) = &clone {
            // In a clone the sources change without the version.
            for name in CRATES {
                hash_sources(&clone.join(name), &mut hasher)
                    .context("cannot read this clone of resmon")?;
            }
        }
        let key = format!("{VERSION}-{:016x}", hasher.finish());
        let manifest = manifest(clone.as_deref())?;
        Ok(Self { compiler, folder: root.join(&key), key, manifest })
    }

    /// Returns a name that differs for each compiler and each version of resmon.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Returns the harness for a target, if it is built.
    pub(crate) fn built(&self, triple: &str, heap: bool) -> Option<Harness> {
        let stamp = fs::read(self.stamp(triple, heap)).ok()?;
        let harness: Harness = serde_json::from_slice(&stamp).ok()?;
        (harness.library.exists() && harness.dependencies.exists()).then_some(harness)
    }

    /// Returns the harness for a target. Builds it if it is missing.
    pub(crate) fn build(
        &self,
        triple: &str,
        heap: bool,
        may_download: bool,
    ) -> anyhow::Result<Harness> {
        if let Some(harness) = self.built(triple, heap) {
            return Ok(harness);
        }
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot create {}", self.folder.display()))?;
        let _lock =
            lock(&self.folder.join("lock")).context("cannot lock the directory of the harness")?;
        // Another run may have built it while this one waited for the lock.
        if let Some(harness) = self.built(triple, heap) {
            return Ok(harness);
        }
        self.build_locked(triple, heap, may_download)
    }

    fn build_locked(
        &self,
        triple: &str,
        heap: bool,
        may_download: bool,
    ) -> anyhow::Result<Harness> {
        let what = if heap { "harness that counts the heap" } else { "harness" };
        message::say(format_args!("building the {what}, once for {}", self.compiler.name()));
        fs::write(self.folder.join("Cargo.toml"), &self.manifest)?;
        fs::write(self.folder.join("lib.rs"), SOURCE)?;
        let mut failure = self.cargo(triple, heap, true)?;
        if failure.is_some() && may_download {
            failure = self.cargo(triple, heap, false)?;
        }
        if let Some(failure) = failure {
            bail!("{failure}");
        }
        let folder = self.target_dir(heap).join(triple).join("harness");
        let (library, dependencies) = (folder.join("libresmon_harness.rlib"), folder.join("deps"));
        let mangling = self.compiler.mangling();
        let harness = Harness { triple: triple.to_owned(), heap, library, dependencies, mangling };
        fs::write(self.stamp(triple, heap), serde_json::to_vec(&harness)?)?;
        self.built(triple, heap).context("Cargo has built it, but the files are missing")
    }

    /// Runs Cargo. Returns the first error message of a failed build.
    fn cargo(&self, triple: &str, heap: bool, offline: bool) -> anyhow::Result<Option<String>> {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--quiet", "--lib", "--profile", "harness", "--target", triple]);
        command.args(heap.then_some("--features=heap")).args(offline.then_some("--offline"));
        // The metadata distinguishes these crates from the user's copies of them. Builds with LTO need the bitcode.
        let flags = [format!("-Cmetadata=resmon-{}", self.key), "-Cembed-bitcode=yes".to_owned()];
        command
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.target_dir(heap))
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env("CARGO_TERM_COLOR", "never")
            .env("RUSTC", &self.compiler.path)
            .env("RUSTC_BOOTSTRAP", "resmon_harness")
            .env("RUSTC_WRAPPER", "")
            .env(WRAPPER, "");
        for name in ["CARGO_BUILD_TARGET", "CARGO_BUILD_BUILD_DIR", "CARGO_MAKEFLAGS", "MAKEFLAGS"]
        {
            command.env_remove(name);
        }
        let output = command.output().context("cannot run Cargo")?;
        if output.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines().find(|line| line.starts_with("error")).or_else(|| lines().next());
        let first = first.unwrap_or("Cargo says nothing");
        Ok(Some(first.strip_prefix("error: ").unwrap_or(first).to_owned()))
    }

    fn target_dir(&self, heap: bool) -> PathBuf {
        self.folder.join(if heap { "heap" } else { "plain" })
    }

    fn stamp(&self, triple: &str, heap: bool) -> PathBuf {
        let heap = if heap { "-heap" } else { "" };
        self.folder.join(format!("{triple}{heap}.json"))
    }
}

/// Returns the clone of the repository that this program was built from, if it still exists.
fn clone() -> Option<PathBuf> {
    let clone = Path::new(BUILT_IN).parent()?;
    clone.join("resmon-runtime/Cargo.toml").is_file().then(|| clone.to_owned())
}

/// Returns the manifest, completed with the source of the runtime: the clone, or exactly this version from the
/// registry.
fn manifest(clone: Option<&Path>) -> anyhow::Result<String> {
    let place = match clone {
        Some(clone) => {
            let path = clone.join("resmon-runtime");
            let path = path.to_str().context("the path of this clone of resmon is not UTF-8")?;
            // The escapes of a JSON string are valid in TOML.
            format!("path = {}", serde_json::to_string(path)?)
        }
        None => format!("version = \"={VERSION}\""),
    };
    Ok(format!("{MANIFEST}{place}\n"))
}

/// Hashes the sources below a folder in a stable order. A missing folder has none.
fn hash_sources(folder: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    let Ok(entries) = folder.read_dir() else { return Ok(()) };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            hash_sources(&path, hasher)?;
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "toml") {
            (&path, fs::read(&path)?).hash(hasher);
        }
    }
    Ok(())
}

/// Waits until no other process builds here. Closing the file releases the lock.
fn lock(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    loop {
        // SAFETY: the descriptor is open for as long as the file is.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } == 0 {
            return Ok(file);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_is_that_of_the_clone_or_of_the_registry() {
        let of = |clone| manifest(clone).unwrap();
        assert!(of(None).ends_with(&format!("\nversion = \"={VERSION}\"\n")));
        let odd = Path::new("/a \"b\"");
        assert!(of(Some(odd)).ends_with("\npath = \"/a \\\"b\\\"/resmon-runtime\"\n"));
    }

    #[test]
    fn a_compiler_has_a_harness_of_its_own() {
        let key = |version: &str| {
            let compiler = Compiler { path: "rustc".into(), version: version.to_owned() };
            Builder::new(&compiler, Path::new("/t")).unwrap().key().to_owned()
        };
        assert_eq!(key("rustc 1.88.0"), key("rustc 1.88.0"));
        assert_ne!(key("rustc 1.88.0"), key("rustc 1.89.0"));
    }

    #[test]
    fn sources_count_with_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let hash = || {
            let mut hasher = DefaultHasher::new();
            hash_sources(folder.path(), &mut hasher).unwrap();
            hasher.finish()
        };
        let empty = hash();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "1").unwrap();
        let one = hash();
        fs::write(folder.path().join("src/lib.rs"), "2").unwrap();
        let two = hash();
        fs::write(folder.path().join("notes.txt"), "2").unwrap();
        assert!(empty != one && one != two && two == hash());
    }
}
