//! The record's `test_nodeid`.

use crate::site::Site;

/// Returns the id of a test. libtest names the thread of a test after the test or, for a parameterised test, after the
/// case, which only libtest knows.
pub(crate) fn of_test(site: &Site, thread: Option<&str>) -> String {
    // libtest's names do not contain the crate's name.
    let path = match site.module.split_once("::") {
        Some((_crate, module)) => format!("{module}::{}", site.name),
        None => site.name.to_owned(),
    };
    let case = thread
        .filter(|name| name.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with("::")));
    named(site.file, case.unwrap_or(&path))
}

/// Returns `FILE::NAME`, with `/` in the file's path on every platform.
pub(crate) fn named(file: &str, name: &str) -> String {
    if cfg!(windows) {
        format!("{}::{name}", file.replace('\\', "/"))
    } else {
        format!("{file}::{name}")
    }
}
