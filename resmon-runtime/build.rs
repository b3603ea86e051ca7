//! Puts the sender where the test processes find it.
//!
//! A separate process sends records to Tinybird, so that no HTTP client is linked into the user's tests. A dependency
//! cannot bring a program, but its build script is one, and its dependencies are not linked into the user's crates.
//! Called with `__sender`, this build script is the sender.
//!
//! This build script also sets `measures` for systems that resmon can measure, which chooses the implementation.

/// The systems that resmon measures: Linux and those that sysinfo reads. `Cargo.toml` has the dependencies for the same
/// systems. Elsewhere, for example on WebAssembly and iOS, the attribute leaves a plain test.
const MEASURED: [&str; 6] = ["android", "freebsd", "linux", "macos", "netbsd", "windows"];

fn choose_implementation() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(measures)");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if MEASURED.contains(&system.as_str()) {
        println!("cargo::rustc-cfg=measures");
    }
}

#[cfg(feature = "tinybird")]
fn main() -> std::process::ExitCode {
    use std::env::{args_os, consts::EXE_SUFFIX, current_exe, var_os};
    use std::fs;
    use std::path::PathBuf;
    use std::process::ExitCode;

    if args_os().nth(1).is_some_and(|argument| argument == "__sender") {
        return resmon_delivery::sender::main();
    }
    choose_implementation();
    let Some(folder) = var_os("OUT_DIR").map(PathBuf::from) else { return ExitCode::FAILURE };
    let sender = folder.join(format!("resmon-sender{EXE_SUFFIX}"));
    let copy = || {
        let own = current_exe()?;
        // Removed, not overwritten: the old one may be running.
        let _ = fs::remove_file(&sender);
        fs::hard_link(&own, &sender).or_else(|_| fs::copy(&own, &sender).map(drop))
    };
    match copy() {
        Ok(()) => println!("cargo::rustc-env=RESMON_SENDER={}", sender.display()),
        // Without it, test processes look for `cargo-resmon` as the sender.
        Err(error) => {
            println!("cargo::warning=the sender of resmon cannot be put in place: {error}");
        }
    }
    ExitCode::SUCCESS
}

#[cfg(not(feature = "tinybird"))]
fn main() {
    choose_implementation();
}
