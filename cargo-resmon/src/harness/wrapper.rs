//! The wrapper: Cargo calls it instead of the compiler for workspace members, as `WRAPPER rustc ARGUMENTS…`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};

use resmon_record::source::relative;
use serde::Deserialize;

use super::build::Harness;
use super::invocation::{self, Invocation};
use super::note::Note;
use super::settings::{NAME, Settings};
use crate::message;

/// The unstable feature to enable in a test binary.
const FEATURE: &str = "custom_test_frameworks";

/// Returns whether this is the path of a wrapper of resmon.
pub(crate) fn is_own(path: &OsStr) -> bool {
    Path::new(path).file_name() == Some(OsStr::new(NAME))
}

/// Runs the wrapper if this process was started as one.
pub(crate) fn run_if_called() -> Option<ExitCode> {
    let mut arguments = env::args_os();
    let own = arguments.next().filter(|own| is_own(own))?;
    let arguments: Vec<_> = arguments.collect();
    let settings = Settings::beside(Path::new(&own));
    let settings = settings.inspect_err(|error| {
        message::warn(format_args!(
            "tests are not measured from inside: cannot read the settings: {error}"
        ));
    });
    let chained = settings.as_ref().ok().and_then(|settings| settings.chained.clone());
    let Some(command) = compiler(chained.as_deref(), &arguments) else {
        message::error("the compiler wrapper was called without a compiler");
        return Some(ExitCode::FAILURE);
    };
    if let Ok(settings) = settings
        && invocation::may_be_test(&arguments)
    {
        let invocation = Invocation::of(&arguments[1..]);
        if invocation.is_for_harness() {
            return Some(Compilation { settings, invocation, arguments }.run());
        }
    }
    Some(become_it(command))
}

/// Builds the compiler's command, through the configured wrapper if any. Returns `None` without a compiler.
fn compiler(chained: Option<&Path>, arguments: &[OsString]) -> Option<Command> {
    let (compiler, arguments) = arguments.split_first()?;
    let mut command = match chained {
        Some(wrapper) => {
            let mut command = Command::new(wrapper);
            command.arg(compiler);
            command
        }
        None => Command::new(compiler),
    };
    command.args(arguments);
    Some(command)
}

/// Replaces this process by the command.
fn become_it(mut command: Command) -> ExitCode {
    let error = command.exec();
    message::error(format_args!("cannot run {:?}: {error}", command.get_program()));
    ExitCode::FAILURE
}

/// The compilation of a test binary.
struct Compilation {
    settings: Settings,
    invocation: Invocation,
    arguments: Vec<OsString>,
}

impl Compilation {
    /// Compiles the test binary with the harness, or without it if that fails. Shows only the messages of the
    /// compilation that counts.
    fn run(&self) -> ExitCode {
        let mut note = self.note();
        if let Some(objection) = self.invocation.objection() {
            note.not_instrumented = Some(objection.to_owned());
            return self.plain(&note);
        }
        let triple = self.invocation.target.as_deref();
        let mut failure = None;
        if self.settings.heap {
            match self.settings.harness(triple, true) {
                Some(harness) => match self.attempt(harness, &note) {
                    Ok(code) => return code,
                    // Any other failure would recur without the heap.
                    Err(why)
                        if !why.contains("global allocator")
                            && !why.contains("global_allocator") =>
                    {
                        failure = Some(why);
                    }
                    Err(_) => {
                        note.heap_not_counted =
                            Some("it has a global allocator of its own".to_owned());
                    }
                },
                None => note.heap_not_counted = Some(no_harness(triple)),
            }
        }
        if failure.is_none() {
            match self.settings.harness(triple, false) {
                Some(harness) => match self.attempt(harness, &note) {
                    Ok(code) => return code,
                    Err(why) => failure = Some(why),
                },
                None => failure = Some(no_harness(triple)),
            }
        }
        note.heap_not_counted = None;
        note.not_instrumented = failure;
        self.plain(&note)
    }

    /// Compiles with a harness. On failure, returns the reason and shows nothing.
    fn attempt(&self, harness: &Harness, note: &Note) -> Result<ExitCode, String> {
        let mut command = self.command();
        command.arg(format!("-Zcrate-attr=feature({FEATURE})"));
        command.arg(format!("-Zcrate-attr=test_runner({})", self.invocation.entry()));
        let mut library = OsString::from("resmon_harness=");
        library.push(&harness.library);
        let mut dependencies = OsString::from("dependency=");
        dependencies.push(&harness.dependencies);
        command.arg("--extern").arg(library).arg("-L").arg(dependencies);
        if !self.settings.is_nightly && !self.is_bootstrapped() {
            // Enables one feature for one compilation. All else that the compiler refuses stays refused.
            command.env("RUSTC_BOOTSTRAP", "1").arg(format!("-Zallow-features={FEATURE}"));
            if let Some(mangling) =
                harness.mangling.as_ref().filter(|_| self.invocation.mangling.is_none())
            {
                // Allowing unstable features changes the default mangling.
                command
                    .arg("-Zunstable-options")
                    .arg(format!("-Csymbol-mangling-version={mangling}"));
            }
        }
        // A crash of the compiler must not leave an ICE report, as the user did not ask for this compilation.
        command.env("RUSTC_ICE", "0").stdin(Stdio::inherit());
        let output =
            command.output().map_err(|error| format!("cannot run the compiler: {error}"))?;
        if !output.status.success() {
            return Err(reason(&output));
        }
        // Without the note the tests are still measured, but the report lists the binary as not instrumented.
        let _ = note.write(&self.invocation.executable());
        // These writes fail only if Cargo has ended.
        let _ = io::stdout().write_all(&output.stdout);
        let _ = io::stderr().write_all(&output.stderr);
        Ok(ExitCode::SUCCESS)
    }

    /// Returns whether the user allows unstable features for this crate.
    fn is_bootstrapped(&self) -> bool {
        env::var("RUSTC_BOOTSTRAP").is_ok_and(|value| {
            value == "1" || value.split(',').any(|name| name == self.invocation.crate_name)
        })
    }

    /// Compiles without the harness.
    fn plain(&self, note: &Note) -> ExitCode {
        let _ = note.write(&self.invocation.executable());
        become_it(self.command())
    }

    fn command(&self) -> Command {
        let command = compiler(self.settings.chained.as_deref(), &self.arguments);
        command.unwrap_or_else(|| unreachable!("a compilation has a compiler"))
    }

    fn note(&self) -> Note {
        // The compiler's directory is the root of the workspace, or of a package outside of it.
        let folder = env::current_dir().unwrap_or_default();
        let source = folder.join(self.invocation.source.as_deref().unwrap_or(Path::new("")));
        let target = self.settings.target(&source, &self.invocation.crate_name);
        let manifest_dir = env::var("CARGO_MANIFEST_DIR").ok();
        let workspace = &self.settings.targets.workspace;
        let package = manifest_dir.as_deref().map_or(folder.as_path(), Path::new);
        Note {
            target: target.map(str::to_owned),
            folder: relative(package, workspace),
            root: relative(&source, workspace),
            manifest_dir,
            out_dir: env::var("OUT_DIR").ok(),
            ..Note::default()
        }
    }
}

fn no_harness(triple: Option<&str>) -> String {
    format!("no harness was built for {}", triple.unwrap_or("this machine"))
}

/// A diagnostic of the compiler: one JSON object per line of its stderr.
#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    code: Option<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// Returns why the compilation failed, in few words.
fn reason(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let diagnostics = text.lines().filter_map(|line| serde_json::from_str::<Diagnostic>(line).ok());
    let Some(error) = diagnostics.into_iter().find(|diagnostic| diagnostic.level == "error") else {
        return "it does not compile with the harness".to_owned();
    };
    match error.code.as_ref().map(|code| code.code.as_str()) {
        Some("unstable_features") => "its crate denies unstable features".to_owned(),
        _ => format!("it does not compile with the harness: {}", error.message),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn the_first_error_is_the_reason() {
        let why = |stderr: &str| {
            let (status, stdout) = (ExitStatus::from_raw(256), Vec::new());
            reason(&Output { status, stdout, stderr: stderr.as_bytes().to_vec() })
        };
        let warning = r#"{"message":"unused","level":"warning","code":null}"#;
        let error =
            r#"{"message":"the `#[global_allocator]` conflicts","level":"error","code":null}"#;
        let denied =
            r#"{"message":"unstable feature","level":"error","code":{"code":"unstable_features"}}"#;
        assert!(why(&format!("{warning}\nnoise\n{error}\n{denied}")).contains("global_allocator"));
        assert_eq!(why(denied), "its crate denies unstable features");
        assert_eq!(why("killed"), "it does not compile with the harness");
    }
}
