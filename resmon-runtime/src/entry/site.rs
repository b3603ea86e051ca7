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
    /// The limits that the test must keep to.
    pub budget: Option<Budget>,
    /// `None` where Cargo did not start the compiler.
    pub build: Option<Build>,
}

/// The limits that a test must keep to. `None` is no limit.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The peak of the heap, in bytes.
    pub max_heap: Option<u64>,
    /// The number of allocations.
    pub max_allocs: Option<u64>,
    /// The peak of resident memory of the process, in bytes.
    pub max_rss: Option<u64>,
    /// Wall time, in nanoseconds.
    pub max_time: Option<u64>,
    /// CPU time in user code and in the kernel, in nanoseconds.
    pub max_cpu: Option<u64>,
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
        $(, budget = ($heap:tt $allocs:tt $rss:tt $time:tt $cpu:tt))?
        $(, target = $target:literal, folder = $folder:literal, root = $root:literal)?
    ) => {
        &$crate::site::Site {
            package: ::core::option_env!("CARGO_PKG_NAME"),
            module: ::core::module_path!(),
            name: $name,
            file: ::core::file!(),
            should_panic: $crate::outcome::ShouldPanic::$should_panic $(($expected))?,
            opaque: $opaque,
            budget: $crate::site!(@budget $($heap $allocs $rss $time $cpu)?),
            build: $crate::site!(@build $($target $folder $root)?),
        }
    };
    (@budget) => {
        ::core::option::Option::None
    };
    (@budget $heap:tt $allocs:tt $rss:tt $time:tt $cpu:tt) => {
        ::core::option::Option::Some($crate::site::Budget {
            max_heap: $crate::site!(@limit $heap),
            max_allocs: $crate::site!(@limit $allocs),
            max_rss: $crate::site!(@limit $rss),
            max_time: $crate::site!(@limit $time),
            max_cpu: $crate::site!(@limit $cpu),
        })
    };
    (@limit none) => {
        ::core::option::Option::None
    };
    (@limit $limit:literal) => {
        ::core::option::Option::Some($limit)
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
