//! What the macro knows about a test at compile time.

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
    /// What `#[should_panic]` asks for.
    pub should_panic: ShouldPanic,
    /// Whether the return type hides success and failure from resmon.
    pub opaque: bool,
}

/// The [`Site`] of the function of this name around it, in the module and the file that it is in.
/// A literal, so that the compiler makes a `'static` of it.
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

impl Site {
    /// The record's `test_nodeid`. libtest names the thread of a test after the test, and that of a
    /// parameterised one after the case, which only it knows.
    pub(crate) fn id(&self, thread: Option<&str>) -> String {
        // libtest's names leave the crate's out.
        let path = match self.module.split_once("::") {
            Some((_crate, module)) => format!("{module}::{}", self.name),
            None => self.name.to_owned(),
        };
        let case = thread.filter(|name| {
            name.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with("::"))
        });
        id(self.file, case.unwrap_or(&path))
    }
}

/// `FILE::NAME`, with `/` in the file's path on every platform.
pub(crate) fn id(file: &str, name: &str) -> String {
    if cfg!(windows) {
        format!("{}::{name}", file.replace('\\', "/"))
    } else {
        format!("{file}::{name}")
    }
}
