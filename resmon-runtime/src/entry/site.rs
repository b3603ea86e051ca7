//! The facts about a test that the macro knows at compile time.

use crate::outcome::ShouldPanic;

/// One `#[resmon::test]` function, as the compiler sees it.
#[derive(Debug)]
pub struct Site {
    /// `option_env!("CARGO_PKG_NAME")`
    pub package: Option<&'static str>,
    /// `module_path!()`, which begins with the crate's name.
    pub module: &'static str,
    /// The function's name, with its `r#` where it has one.
    pub name: &'static str,
    /// `file!()`
    pub file: &'static str,
    /// The expectation of `#[should_panic]`.
    pub should_panic: ShouldPanic,
    /// Whether the return type hides success and failure from resmon.
    pub opaque: bool,
    /// `None` where Cargo did not start the compiler.
    pub build: Option<Build>,
}

/// The Cargo target that a test is compiled into.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Its name, as nextest names binaries: `shop`, `shop::bin/shop`, `shop::api`.
    pub target: &'static str,
    /// The directory of its package, from the root of the workspace.
    pub folder: &'static str,
    /// Its source file, from the root of the workspace.
    pub root: &'static str,
    /// `option_env!("CARGO_MANIFEST_DIR")`
    pub manifest_dir: Option<&'static str>,
    /// `option_env!("OUT_DIR")`
    pub out_dir: Option<&'static str>,
}

/// Builds the [`Site`] of the function `$name` around it. Expands to a literal, so that the compiler makes it
/// `'static`.
#[doc(hidden)]
#[macro_export]
macro_rules! site {
    (
        $name:literal, $should_panic:ident $(($expected:literal))?, $opaque:literal
        $(, target = $target:literal, folder = $folder:literal, root = $root:literal)?
    ) => {
        &$crate::site::Site {
            package: ::core::option_env!("CARGO_PKG_NAME"),
            module: ::core::module_path!(),
            name: $name,
            file: ::core::file!(),
            should_panic: $crate::outcome::ShouldPanic::$should_panic $(($expected))?,
            opaque: $opaque,
            build: $crate::site!(@build $($target $folder $root)?),
        }
    };
    (@build) => {
        ::core::option::Option::None
    };
    (@build $target:literal $folder:literal $root:literal) => {
        ::core::option::Option::Some($crate::site::Build {
            target: $target,
            folder: $folder,
            root: $root,
            manifest_dir: ::core::option_env!("CARGO_MANIFEST_DIR"),
            out_dir: ::core::option_env!("OUT_DIR"),
        })
    };
}
