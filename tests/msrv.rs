//! All dependencies of resmon build with the Rust version that resmon promises.

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::Run;

#[test]
fn every_dependency_supports_the_promised_rust_version() {
    // The list covers all platforms and features, so Cargo may have to download some packages.
    let metadata = Run::cargo()
        .args(["metadata", "--format-version=1", "--all-features"])
        .folder(env!("CARGO_MANIFEST_DIR"))
        .finish()
        .exits(0);
    let metadata: Value = serde_json::from_str(&metadata.stdout).expect("cargo prints JSON");
    let promised = version(env!("CARGO_PKG_RUST_VERSION"));
    let mut shipped = dependencies(&metadata, "resmon");
    assert!(shipped.len() > 10, "{shipped:?}");
    shipped.extend(dependencies(&metadata, "cargo-resmon"));
    let newer: Vec<String> = list(&metadata["packages"])
        .filter(|package| package["id"].as_str().is_some_and(|id| shipped.contains(id)))
        .filter(|package| package["rust_version"].as_str().map(version) > Some(promised.clone()))
        .map(|package| format!("{} needs {}", package["id"], package["rust_version"]))
        .collect();
    assert_eq!(newer, [""; 0]);
}

/// Returns the ids of all packages that a user of this package builds.
fn dependencies<'a>(metadata: &'a Value, name: &str) -> BTreeSet<&'a str> {
    let root = list(&metadata["packages"]).find(|package| package["name"] == name);
    let mut to_do = vec![root.and_then(|package| package["id"].as_str()).expect("it is there")];
    let mut done = BTreeSet::new();
    while let Some(id) = to_do.pop() {
        if done.insert(id) {
            let node = list(&metadata["resolve"]["nodes"]).find(|node| node["id"] == id);
            let uses = list(&node.expect("each package has one")["deps"]);
            let shipped =
                uses.filter(|used| list(&used["dep_kinds"]).any(|kind| kind["kind"] != "dev"));
            to_do.extend(shipped.filter_map(|used| used["pkg"].as_str()));
        }
    }
    done
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Parses `1.85` or `1.85.1` into the major and minor number.
fn version(text: &str) -> Vec<u32> {
    text.split('.').take(2).map(|part| part.parse().expect("a number")).collect()
}
