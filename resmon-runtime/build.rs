//! Leaves the sender where the test processes find it.
//!
//! Records are sent to Tinybird by a process of resmon's own, so that no HTTP client is linked into anybody's tests. A
//! dependency cannot bring a program, but its build script is one, with dependencies that are in nobody's crate graph.
//! This build script is the sender when it is called as one.
//!
//! It also decides whether there is anything to measure, and with that what the crate is.

/// The systems that resmon measures: Linux and those that sysinfo reads. `Cargo.toml` has the dependencies for the same
/// ones. Everywhere else, as on WebAssembly and iOS, the attribute leaves a plain test.
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
        // Not written over: it may be running.
        let _ = fs::remove_file(&sender);
        fs::hard_link(&own, &sender).or_else(|_| fs::copy(&own, &sender).map(drop))
    };
    match copy() {
        Ok(()) => println!("cargo::rustc-env=RESMON_SENDER={}", sender.display()),
        // The tests then look for `cargo-resmon`.
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
