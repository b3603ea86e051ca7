//! The record's `test_nodeid`.

use std::env;
use std::path::Path;

use resmon_record::source::Package;

use super::charge;
use crate::entry::site::Site;

/// The source file of most libraries, for a doctest, of which the target is not known.
const LIBRARY: &str = "src/lib.rs";

/// Returns the id of a test. libtest names the thread of a test after the test. Only that name tells the case of a
/// parameterised test: `name::case`, or `name__case` by the crate dir-test.
pub(crate) fn of_test(site: &Site, thread: Option<&str>) -> String {
    // libtest's names do not contain the crate's name.
    let path = match site.module.split_once("::") {
        Some((_crate, module)) => format!("{module}::{}", site.name),
        None => site.name.to_owned(),
    };
    let is_case = |rest: &str| rest.starts_with("::") || rest.starts_with("__");
    let case = thread.filter(|name| name.strip_prefix(path.as_str()).is_some_and(is_case));
    let package = site.build.as_ref().map(|build| Package {
        manifest_dir: build.manifest_dir.map(Path::new),
        out_dir: build.out_dir.map(Path::new),
        folder: build.folder,
        root: build.root,
    });
    in_package(package, site.file, case.unwrap_or(&path))
}

/// Returns the id of a measurement that has a name of its own, and was begun in this source file.
pub(crate) fn named(file: &str, name: &str) -> String {
    in_package(charge::package(), file, name)
}

fn in_package(package: Option<Package<'_>>, file: &str, name: &str) -> String {
    if let Some(package) = package {
        return format!("{}::{name}", package.file(file));
    }
    if !Path::new(file).is_absolute() {
        return format!("{}::{name}", Package::default().file(file));
    }
    let folder = env::var_os("CARGO_MANIFEST_DIR");
    let manifest_dir = folder.as_deref().map(Path::new);
    let package = Package { manifest_dir, root: LIBRARY, ..Package::default() };
    format!("{}::{name}", package.file(file))
}
