//! Sources of published crates, from the folder in which Cargo keeps downloaded dependencies.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde_json::Value;

use super::{Run, run::host};

/// Returns Cargo's metadata about a dependency of the package under test.
pub(crate) fn package(name: &str) -> &'static Value {
    static METADATA: LazyLock<Value> = LazyLock::new(|| {
        let metadata = Run::cargo()
            .args(["metadata", "--offline", "--format-version=1"])
            // The sources of packages for other platforms may be missing.
            .args(["--filter-platform", &host()])
            .folder(env!("CARGO_MANIFEST_DIR"))
            .finish()
            .exits(0);
        serde_json::from_str(&metadata.stdout).expect("Cargo prints JSON")
    });
    let list = |value: &'static Value| value.as_array().expect("a list");
    // The graph may hold several versions of the crate: only one of them is a direct dependency.
    let graph = &METADATA["resolve"];
    let node = list(&graph["nodes"]).iter().find(|node| node["id"] == graph["root"]);
    let dependencies = list(&node.expect("this package")["dependencies"]);
    list(&METADATA["packages"])
        .iter()
        .find(|package| package["name"] == name && dependencies.contains(&package["id"]))
        .unwrap_or_else(|| panic!("{name} is a dev-dependency of this package"))
}

/// Returns a field of [`package`]'s metadata that is text.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_else(|| panic!("{field} is no text"))
}

/// Copies the sources and tests of a package to `folder`, and writes this manifest there. Returns the folder. `edit` may
/// change each file, which it gets by the path of the original.
pub(crate) fn lay_out(
    package: &Value,
    folder: PathBuf,
    manifest: &str,
    edit: impl Fn(&Path, &mut Vec<u8>),
) -> PathBuf {
    write(&folder.join("Cargo.toml"), manifest.as_bytes());
    let from = Path::new(text(package, "manifest_path")).with_file_name("");
    for part in ["src", "tests", "build.rs"] {
        copy(&from.join(part), &folder.join(part), &edit);
    }
    folder
}

/// Copies a file, or a folder and all that is in it. Passes over a path that does not exist.
fn copy(from: &Path, to: &Path, edit: &impl Fn(&Path, &mut Vec<u8>)) {
    if let Ok(mut content) = fs::read(from) {
        edit(from, &mut content);
        write(to, &content);
    }
    for name in names_in(from) {
        copy(&from.join(&name), &to.join(&name), edit);
    }
}

/// Returns the names of what a folder contains: none if the folder does not exist.
pub(crate) fn names_in(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.expect("Cargo unpacked it").file_name()).collect()
}

/// Writes a file, unless it has this content: Cargo builds again what is newer.
pub(crate) fn write(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|found| found == content) {
        return;
    }
    fs::create_dir_all(path.with_file_name("")).expect("the target folder can be written");
    fs::write(path, content).expect("the target folder can be written");
}
