//! Source files as ids name them.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

/// A package, for files in it that the compiler names by an absolute path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Package<'a> {
    /// Its directory on this machine, `CARGO_MANIFEST_DIR`.
    pub manifest_dir: Option<&'a Path>,
    /// The directory for code that its build script generates, `OUT_DIR`.
    pub out_dir: Option<&'a Path>,
    /// Its directory, from the root of the workspace.
    pub folder: &'a str,
    /// The target's source file, from the root of the workspace.
    pub root: &'a str,
}

impl Package<'_> {
    /// Names a source file by its path from the root of the workspace, with `/` on every platform.
    ///
    /// The compiler names most files so. Others it names by a path of this machine: a file in the package is then named
    /// from the package's directory. The target's source file stands in for code that was generated, or that lies
    /// elsewhere: its path may be another at the next build.
    #[must_use]
    pub fn file<'b>(&self, file: &'b str) -> Cow<'b, str> {
        let path = Path::new(file);
        if path.is_absolute() {
            let is_generated = self.out_dir.is_some_and(|out_dir| path.starts_with(out_dir));
            let own = self.manifest_dir.filter(|_| !is_generated);
            let below = own.and_then(|folder| path.strip_prefix(folder).ok());
            return match below {
                Some(below) => slashes(&Path::new(self.folder).join(below)).into(),
                None => self.root.to_owned().into(),
            };
        }
        if cfg!(windows) { slashes(path).into() } else { file.into() }
    }
}

/// Returns the path of a file from a directory, with `/` on every platform.
#[must_use]
pub fn relative(file: &Path, folder: &Path) -> String {
    let (file, folder): (Vec<_>, Vec<_>) =
        (file.components().collect(), folder.components().collect());
    let same = file.iter().zip(&folder).take_while(|(one, other)| one == other).count();
    let up = folder[same..].iter().map(|_| Component::ParentDir);
    slashes(&up.chain(file[same..].iter().copied()).collect::<PathBuf>())
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn no_path_of_a_machine_is_in_a_name() {
        let package = Package {
            manifest_dir: Some(Path::new("/w/crates/shop")),
            out_dir: Some(Path::new("/w/crates/shop/target/build/shop-01/out")),
            folder: "crates/shop",
            root: "crates/shop/src/lib.rs",
        };
        let of = |file| package.file(file).into_owned();
        assert_eq!(of("crates/shop/src/basket.rs"), "crates/shop/src/basket.rs");
        assert_eq!(of("/w/crates/shop/cases/one.rs"), "crates/shop/cases/one.rs");
        let generated = "/w/crates/shop/target/build/shop-01/out/cases.rs";
        assert_eq!(of(generated), "crates/shop/src/lib.rs");
        assert_eq!(of("/tmp/rustdoctest01/bundle.rs"), "crates/shop/src/lib.rs");
    }

    #[test]
    fn the_way_to_a_file_may_lead_up() {
        let of = |file, folder| relative(Path::new(file), Path::new(folder));
        assert_eq!(of("/w/src/lib.rs", "/w"), "src/lib.rs");
        assert_eq!(of("/sib/src/lib.rs", "/w/m"), "../../sib/src/lib.rs");
        assert_eq!(of("/w", "/w"), "");
    }
}
