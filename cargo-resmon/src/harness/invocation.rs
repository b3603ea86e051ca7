//! Parsing of the arguments with which Cargo calls the compiler.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

/// The arguments of one compiler call, as far as the wrapper needs them.
#[derive(Debug, Default)]
pub(super) struct Invocation {
    /// Whether `--test` asks for a test binary with libtest's harness.
    is_test: bool,
    /// Whether the crate is linked, rather than only checked.
    links: bool,
    /// Whether `-Zpanic-abort-tests` is set: libtest then runs each test in a process of its own, which the harness
    /// cannot do.
    aborts: bool,
    pub(super) crate_name: String,
    /// The edition; `None` stands for the default, `2015`.
    edition: Option<String>,
    pub(super) target: Option<String>,
    out_dir: Option<PathBuf>,
    extra_filename: String,
    /// The requested symbol mangling, if any.
    pub(super) mangling: Option<String>,
    pub(super) source: Option<PathBuf>,
}

impl Invocation {
    pub(super) fn of(arguments: &[OsString]) -> Self {
        let mut invocation = Self::default();
        let arguments = with_files(arguments);
        let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
        while let Some(argument) = arguments.next() {
            // Long options have the form `--name=value` or `--name value`.
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) if argument.starts_with("--") => (name, Some(value)),
                _ => (argument, None),
            };
            let mut value = || value.or_else(|| arguments.next()).unwrap_or_default().to_owned();
            match name {
                "--test" => invocation.is_test = true,
                "--crate-name" => invocation.crate_name = value(),
                "--edition" => invocation.edition = Some(value()),
                "--target" => invocation.target = Some(value()),
                "--out-dir" => invocation.out_dir = Some(value().into()),
                "--emit" => {
                    let kinds = value();
                    let mut kinds = kinds.split(',').map(|kind| kind.split('=').next());
                    invocation.links |= kinds.any(|kind| kind == Some("link"));
                }
                "-C" | "--codegen" => invocation.codegen(&value()),
                "-Z" => invocation.aborts |= value() == "panic-abort-tests",
                "-Zpanic-abort-tests" => invocation.aborts = true,
                // Options with a separate value, which must not pass for the source file.
                "--extern"
                | "-L"
                | "-l"
                | "--cfg"
                | "--check-cfg"
                | "--cap-lints"
                | "--crate-type"
                | "--print"
                | "--error-format"
                | "--json"
                | "--color"
                | "-A"
                | "-W"
                | "-D"
                | "-F"
                | "--allow"
                | "--warn"
                | "--deny"
                | "--forbid"
                | "--sysroot"
                | "-o"
                | "--remap-path-prefix"
                | "--diagnostic-width" => drop(value()),
                _ if name.starts_with("-C") => invocation.codegen(&argument[2..]),
                _ if name.starts_with('-') => {}
                _ => invocation.source = Some(argument.into()),
            }
        }
        invocation
    }

    fn codegen(&mut self, option: &str) {
        if let Some(suffix) = option.strip_prefix("extra-filename=") {
            suffix.clone_into(&mut self.extra_filename);
        }
        if let Some(mangling) = option.strip_prefix("symbol-mangling-version=") {
            self.mangling = Some(mangling.to_owned());
        }
    }

    /// Returns whether this call builds a test binary with libtest's harness.
    pub(super) fn is_for_harness(&self) -> bool {
        self.is_test && self.links && self.source.is_some() && self.out_dir.is_some()
    }

    /// Returns the reason why the harness cannot run this test binary, if there is one.
    pub(super) fn objection(&self) -> Option<&'static str> {
        self.aborts
            .then_some("with -Zpanic-abort-tests libtest runs each test in a process of its own")
    }

    /// Returns the path of the executable.
    pub(super) fn executable(&self) -> PathBuf {
        let name = format!("{}{}", self.crate_name, self.extra_filename);
        self.out_dir.clone().unwrap_or_default().join(name)
    }

    /// Returns the Rust path of the harness's entry point in this edition.
    pub(super) fn entry(&self) -> &'static str {
        match self.edition.as_deref() {
            None | Some("2015") => "resmon_harness::run",
            Some(_) => "::resmon_harness::run",
        }
    }
}

/// Expands `@file` arguments. Cargo writes arguments to such a file if they are too long for a command line.
fn with_files(arguments: &[OsString]) -> Vec<OsString> {
    let expand = |argument: &OsString| {
        let file = argument.to_str().and_then(|text| text.strip_prefix('@'));
        match file.and_then(|file| fs::read_to_string(file).ok()) {
            Some(text) => text.lines().map(OsString::from).collect(),
            None => vec![argument.clone()],
        }
    };
    arguments.iter().flat_map(expand).collect()
}

/// Returns whether the arguments may ask for a test binary. A quick check, as most calls do not.
pub(super) fn may_be_test(arguments: &[OsString]) -> bool {
    let is_file = |argument: &OsStr| argument.as_encoded_bytes().starts_with(b"@");
    arguments.iter().any(|argument| argument == "--test" || is_file(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Invocation {
        Invocation::of(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_cargo_asks_for_is_understood() {
        let invocation = of("--crate-name shop --edition=2024 src/lib.rs --error-format=json \
             --emit=dep-info,link -C embed-bitcode=no --test --cfg feature=\"x\" -C metadata=ab -C \
             extra-filename=-0123 --out-dir /t/debug/deps --target x86_64-unknown-none -L dependency=/t \
             --extern a=/t/liba.rlib -Cdebuginfo=2");
        assert!(invocation.is_for_harness() && invocation.objection().is_none());
        assert_eq!(invocation.executable(), PathBuf::from("/t/debug/deps/shop-0123"));
        assert_eq!(invocation.source, Some("src/lib.rs".into()));
        assert_eq!(invocation.target.as_deref(), Some("x86_64-unknown-none"));
        assert_eq!(invocation.entry(), "::resmon_harness::run");
    }

    #[test]
    fn what_is_no_test_binary_is_told_from_one() {
        for line in [
            "-vV",
            "--crate-name a src/lib.rs --out-dir t --emit=link",
            "--test src/lib.rs --out-dir t --emit=metadata",
            "- --crate-name ___ --print=file-names --test --emit=link",
        ] {
            assert!(!of(line).is_for_harness(), "{line}");
        }
        let test = "--test src/lib.rs --out-dir t --emit=link";
        assert!(of(test).is_for_harness());
        assert_eq!(of(test).entry(), "resmon_harness::run");
        assert_eq!(of(&format!("{test} --edition 2018")).entry(), "::resmon_harness::run");
        for option in ["-Zpanic-abort-tests", "-Z panic-abort-tests"] {
            assert!(of(&format!("{test} {option}")).objection().is_some(), "{option}");
        }
    }
}
