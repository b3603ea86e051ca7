//! Names for the processes of a build, from their command lines.

use std::fs;

/// The programs that compile a crate.
const COMPILERS: [&str; 3] = ["rustc", "rustdoc", "clippy-driver"];

/// The programs that link. Others end in `-gcc`, `-ld` and the like, or begin with `ld.`.
const LINKERS: [&str; 10] =
    ["cc", "gcc", "clang", "c++", "g++", "collect2", "ld", "lld", "mold", "wild"];

/// A description of what a process does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// Compiles a crate.
    Compiler { program: String, crate_name: String, test: bool },
    /// Is the build script of a package.
    BuildScript(String),
    /// Anything else: the name of its program.
    Program(String),
}

/// Reads the command line of a process.
pub(super) fn read(pid: u32) -> Label {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    of(&arguments.collect::<Vec<_>>())
}

pub(super) fn is_compiler(label: &Label) -> bool {
    matches!(label, Label::Compiler { .. })
}

fn of(arguments: &[impl AsRef<str>]) -> Label {
    let argument = |place: usize| arguments.get(place).map_or("", AsRef::as_ref);
    let path = argument(0);
    let program = file_name(path);
    let values = arguments.windows(2).find(|pair| pair[0].as_ref() == "--crate-name");
    // Cargo asks the compiler about itself for a crate of this name.
    if let Some([_, name]) = values
        && name.as_ref() != "___"
    {
        // A wrapper has the compiler as its first argument.
        let named = [program, file_name(argument(1))];
        let compiler = named.into_iter().find(|name| COMPILERS.contains(name));
        return Label::Compiler {
            program: compiler.unwrap_or(program).to_owned(),
            crate_name: name.as_ref().to_owned(),
            test: arguments.iter().any(|argument| argument.as_ref() == "--test"),
        };
    }
    if program.starts_with("build-script-")
        && let Some(folder) = path.rsplit('/').nth(1)
    {
        // The folder is the package's name and a hash.
        return Label::BuildScript(folder.rsplit_once('-').map_or(folder, |(name, _)| name).into());
    }
    Label::Program(program.to_owned())
}

impl Label {
    /// Returns whether the label tells which crate or package it belongs to.
    pub(super) fn names_what_it_builds(&self) -> bool {
        !matches!(self, Self::Program(_))
    }

    /// Describes a process below another one.
    pub(super) fn describe(&self, above: Option<&Self>) -> String {
        match (self, above) {
            (Self::Compiler { program, crate_name, test }, _) => {
                let test = if *test { " --test" } else { "" };
                format!("{program} --crate-name {crate_name}{test}")
            }
            (Self::BuildScript(package), _) => format!("build script of {package}"),
            (Self::Program(program), Some(Self::Compiler { crate_name, .. })) => {
                if is_linker(program) {
                    format!("linker of {crate_name}")
                } else {
                    format!("{program} of {crate_name}")
                }
            }
            (Self::Program(program), Some(Self::BuildScript(package))) => {
                format!("{program} of the build script of {package}")
            }
            (Self::Program(program), _) => program.clone(),
        }
    }
}

fn is_linker(program: &str) -> bool {
    let of_target = program.rsplit_once('-').map_or(program, |(_, name)| name);
    LINKERS.contains(&program) || LINKERS.contains(&of_target) || program.starts_with("ld.")
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(line: &str) -> Label {
        of(&line.split(' ').collect::<Vec<_>>())
    }

    fn described(line: &str) -> String {
        label(line).describe(None)
    }

    #[test]
    fn a_compiler_is_named_with_its_crate() {
        let rustc = "/toolchain/bin/rustc --crate-name shop --edition=2021 src/lib.rs";
        assert_eq!(described(rustc), "rustc --crate-name shop");
        let wrapped = format!("/w/resmon/wrapper/link {rustc} --test");
        assert_eq!(described(&wrapped), "rustc --crate-name shop --test");
        assert_eq!(
            described("rustdoc --crate-name shop --test"),
            "rustdoc --crate-name shop --test"
        );
        // Cargo's question about the compiler, and one about its version.
        for line in ["rustc - --crate-name ___ --print=cfg", "rustc -vV", "rustc --crate-name"] {
            assert_eq!(described(line), "rustc");
            assert!(!is_compiler(&label(line)));
        }
        assert_eq!(described(""), "");
    }

    #[test]
    fn what_runs_below_is_named_after_what_it_serves() {
        let above = label("rustc --crate-name shop");
        let below = |line: &str, above| label(line).describe(Some(above));
        for linker in
            ["cc -m64", "/usr/bin/ld a.o", "rust-lld a.o", "aarch64-linux-gnu-gcc", "ld.gold"]
        {
            assert_eq!(below(linker, &above), "linker of shop", "{linker}");
        }
        assert_eq!(below("protoc x", &above), "protoc of shop");
        let script = label("/t/debug/build/zstd-sys-0123456789abcdef/build-script-build");
        assert_eq!(script.describe(None), "build script of zstd-sys");
        assert_eq!(below("/usr/lib/cc1 x.c", &script), "cc1 of the build script of zstd-sys");
    }
}
