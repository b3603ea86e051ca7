//! The compilation that expands the attribute: Cargo's variables and the compiler's own arguments.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proc_macro2::TokenStream;
use quote::quote;

/// The Cargo target that is being compiled. Its paths name nothing of this machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Build {
    /// The target, as nextest names binaries: `shop`, `shop::bin/shop`, `shop::api`.
    target: String,
    /// The directory of the package, from the root of the workspace.
    folder: String,
    /// The source file of the target, from the root of the workspace.
    root: String,
}

/// Cargo's variables for one call of the compiler.
struct Variables {
    manifest_dir: PathBuf,
    package: String,
    crate_name: String,
    /// Set for programs and examples.
    bin_name: Option<String>,
    /// Whether this is an integration test or a benchmark.
    is_separate: bool,
}

impl Build {
    /// Returns the target of this process; `None` where Cargo and the compiler did not start it, as in an editor.
    pub(crate) fn current() -> Option<&'static Self> {
        static CURRENT: OnceLock<Option<Build>> = OnceLock::new();
        CURRENT.get_or_init(Self::read).as_ref()
    }

    fn read() -> Option<Self> {
        let is_source = |argument: &PathBuf| {
            argument.extension() == Some(OsStr::new("rs"))
                && !argument.as_os_str().as_encoded_bytes().starts_with(b"-")
        };
        let source = env::args_os().skip(1).map(PathBuf::from).find(is_source)?;
        let variables = Variables {
            manifest_dir: env::var_os("CARGO_MANIFEST_DIR")?.into(),
            package: env::var("CARGO_PKG_NAME").ok()?,
            crate_name: env::var("CARGO_CRATE_NAME").ok()?,
            bin_name: env::var("CARGO_BIN_NAME").ok(),
            is_separate: env::var_os("CARGO_TARGET_TMPDIR").is_some(),
        };
        Self::new(&source, &env::current_dir().ok()?, &variables)
    }

    /// Describes the target with this source file, which `folder` is the compiler's directory for: the root of the
    /// workspace, or that of a package outside of it.
    fn new(source: &Path, folder: &Path, variables: &Variables) -> Option<Self> {
        let manifest_dir = &variables.manifest_dir;
        let below = folder.join(source).strip_prefix(manifest_dir).ok()?.to_owned();
        let folder = if source.is_absolute() {
            // The root of the workspace is not known here. Most packages outside of it are beside it.
            Path::new("..").join(manifest_dir.file_name()?)
        } else {
            manifest_dir.strip_prefix(folder).ok()?.to_owned()
        };
        let root = folder.join(&below);
        Some(Self {
            target: variables.target(&below),
            folder: slashes(&folder),
            root: slashes(&root),
        })
    }

    /// The arguments of `site!` that describe the target.
    pub(crate) fn tokens(&self) -> TokenStream {
        let Self { target, folder, root } = self;
        quote!(, target = #target, folder = #folder, root = #root)
    }
}

impl Variables {
    /// Names the target whose source file is `source` in its package.
    fn target(&self, source: &Path) -> String {
        let package = &self.package;
        let is_in = |folder| source.starts_with(folder);
        match &self.bin_name {
            Some(name) if is_in("examples") => format!("{package}::example/{name}"),
            Some(name) => format!("{package}::bin/{name}"),
            None if !self.is_separate => package.clone(),
            None if is_in("benches") => format!("{package}::bench/{}", self.name(source)),
            None => format!("{package}::{}", self.name(source)),
        }
    }

    /// The name of an integration test: the name of its crate, with the hyphens that its file has.
    fn name(&self, source: &Path) -> String {
        let stem = source.file_stem();
        let folder = source.parent().and_then(Path::file_name);
        let mut names = [stem, folder].into_iter().flatten().filter_map(OsStr::to_str);
        let name = names.find(|name| name.replace('-', "_") == self.crate_name);
        name.unwrap_or(&self.crate_name).to_owned()
    }
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(
        source: &str,
        folder: &str,
        crate_name: &str,
        bin: Option<&str>,
        is_separate: bool,
    ) -> [String; 3] {
        let variables = Variables {
            manifest_dir: "/w/crates/shop".into(),
            package: "my-shop".to_owned(),
            crate_name: crate_name.to_owned(),
            bin_name: bin.map(str::to_owned),
            is_separate,
        };
        let Build { target, folder, root } =
            Build::new(Path::new(source), Path::new(folder), &variables).unwrap();
        [target, folder, root]
    }

    #[test]
    fn targets_are_named_as_nextest_names_them() {
        let of = |source: &str, crate_name, bin, is_separate| {
            let source = format!("crates/shop/{source}");
            let [target, folder, root] = built(&source, "/w", crate_name, bin, is_separate);
            assert_eq!((folder.as_str(), root), ("crates/shop", source));
            target
        };
        assert_eq!(of("src/lib.rs", "my_shop", None, false), "my-shop");
        assert_eq!(of("src/main.rs", "a_tool", Some("a-tool"), false), "my-shop::bin/a-tool");
        assert_eq!(of("examples/x.rs", "x", Some("x"), false), "my-shop::example/x");
        assert_eq!(of("tests/in-one.rs", "in_one", None, true), "my-shop::in-one");
        assert_eq!(of("tests/in-two/main.rs", "in_two", None, true), "my-shop::in-two");
        assert_eq!(of("tests/other.rs", "named_so", None, true), "my-shop::named_so");
        assert_eq!(of("benches/fast.rs", "fast", None, true), "my-shop::bench/fast");
    }

    #[test]
    fn a_package_outside_the_workspace_is_named_from_beside_it() {
        let [target, folder, root] =
            built("/w/crates/shop/src/lib.rs", "/w/crates/shop", "my_shop", None, false);
        assert_eq!(target, "my-shop");
        assert_eq!((folder.as_str(), root.as_str()), ("../shop", "../shop/src/lib.rs"));
    }

    #[test]
    fn a_root_package_has_no_folder() {
        let variables = Variables {
            manifest_dir: "/w".into(),
            package: "shop".to_owned(),
            crate_name: "shop".to_owned(),
            bin_name: None,
            is_separate: false,
        };
        let build = Build::new(Path::new("src/lib.rs"), Path::new("/w"), &variables).unwrap();
        assert_eq!((build.folder.as_str(), build.root.as_str()), ("", "src/lib.rs"));
        assert_eq!(Build::new(Path::new("/tmp/a.rs"), Path::new("/w"), &variables), None);
    }
}
