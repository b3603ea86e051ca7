//! Puts the sender where test processes find it, and chooses the implementation of the crate.
//!
//! A separate process sends records to Tinybird, so that no HTTP client is linked into the user's tests. A dependency
//! cannot install a program. Its build script is a program, though, and its dependencies are not part of the user's
//! crates. This build script acts as the sender when it is called with `__sender`.
//!
//! The build script also sets `cfg(measures)` on the systems that resmon measures.

/// The systems that resmon measures: Linux and those that sysinfo supports. `Cargo.toml` lists the same ones for the
/// dependencies. On other systems, such as WebAssembly and iOS, the attribute leaves a plain test.
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
        // Removed rather than overwritten: the old sender may be running.
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
