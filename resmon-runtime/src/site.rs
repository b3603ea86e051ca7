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
}

/// Builds the [`Site`] of the function `$name` around it. Expands to a literal, so that the compiler makes it
/// `'static`.
#[doc(hidden)]
#[macro_export]
macro_rules! site {
    ($name:literal, $should_panic:ident $(($expected:literal))?, $opaque:literal) => {
        &$crate::site::Site {
            package: ::core::option_env!("CARGO_PKG_NAME"),
            module: ::core::module_path!(),
            name: $name,
            file: ::core::file!(),
            should_panic: $crate::outcome::ShouldPanic::$should_panic $(($expected))?,
            opaque: $opaque,
        }
    };
}
