//! The cost of resmon for a test suite: the same empty tests, bare and instrumented, run in turn.
//!
//! ```sh
//! cargo bench --package benches --bench suite -- [--tests 10000] [--rounds 7] \
//!     [--profiles dev,release] [--threads 1,2] [--no-compile]
//! ```
//!
//! | variant | tests |
//! |---|---|
//! | `bare` | `#[test]` |
//! | `floor` | `#[test]` that does only the indispensable work: read the machine twice and write a line |
//! | `inactive` | `#[resmon::test]` with nothing configured |
//! | `file` | `#[resmon::test]` with `RESMON_FILE` |
//! | `tinybird` | `#[resmon::test]` with a token, and a server on this machine |
//! | `harness` | `#[test]` as `cargo resmon test` builds it, with `RESMON_FILE` |
//! | `idle harness` | `#[test]` as `cargo resmon test` builds it, with nothing configured |
//!
//! The figures are medians over the rounds, in microseconds per test: CPU time (user and system, of all threads), wall
//! time, and the difference of each to `bare`.

#![cfg(unix)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    env, fs,
    mem::MaybeUninit,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use support::{Run, Server};
use tempfile::tempdir;

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
/// The root of this workspace, which is the package `resmon`.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The library of the generated package. The tests of the `floor` variant call its `test`.
const FLOOR: &str = r#"//! The least that a snapshot before and after a test, and a record of it, can cost.
use std::{fs::{File, OpenOptions}, io::Write, mem::MaybeUninit, os::{fd::AsRawFd, unix::fs::FileExt}, sync::LazyLock};

struct Kept { stat: File, meminfo: File, directory: File, out: File }

static KEPT: LazyLock<Kept> = LazyLock::new(|| Kept {
    stat: File::open("/proc/stat").unwrap(),
    meminfo: File::open("/proc/meminfo").unwrap(),
    directory: File::open(".").unwrap(),
    out: OpenOptions::new().append(true).create(true).open(std::env::var_os("FLOOR_FILE").unwrap()).unwrap(),
});

pub fn test() {
    snapshot();
    snapshot();
    (&KEPT.out).write_all(&[b'.'; 640]).unwrap();
}

fn snapshot() {
    let mut buffer = [0; 256];
    KEPT.stat.read_at(&mut buffer, 0).unwrap();
    KEPT.meminfo.read_at(&mut buffer[..128], 0).unwrap();
    let mut stat = MaybeUninit::<libc::statvfs>::uninit();
    assert_eq!(unsafe { libc::fstatvfs(KEPT.directory.as_raw_fd(), stat.as_mut_ptr()) }, 0);
}
"#;

struct Options {
    tests: usize,
    rounds: usize,
    profiles: Vec<String>,
    threads: Vec<String>,
    compile: bool,
}

impl Options {
    fn parse() -> Self {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let value = |name: &str, default: &str| {
            let place = arguments.iter().position(|argument| argument == name);
            place
                .and_then(|place| arguments.get(place + 1))
                .map_or(default, String::as_str)
                .to_owned()
        };
        let list = |text: String| text.split(',').map(str::to_owned).collect();
        Self {
            tests: value("--tests", "10000").parse().expect("a number of tests"),
            rounds: value("--rounds", "7").parse().expect("a number of rounds"),
            profiles: list(value("--profiles", "dev,release")),
            threads: list(value("--threads", "1,2")),
            compile: !arguments.iter().any(|argument| argument == "--no-compile"),
        }
    }
}

/// CPU and wall time of a run.
#[derive(Clone, Copy, Default)]
struct Cost {
    cpu: Duration,
    wall: Duration,
}

/// The generated package with the tests, by its folder.
struct Package(PathBuf);

impl Package {
    fn write(tests: usize) -> Self {
        let folder = Path::new(SCRATCH).join("suite");
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("in the folder")).expect("ours");
            fs::write(path, text).expect("ours");
        };
        write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"suite\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\nlibc = \"0.2\"\n\n\
                 [dev-dependencies]\nresmon = {{ path = '{WORKSPACE}' }}\n\n[workspace]\n"
            ),
        );
        write("src/lib.rs", FLOOR);
        let suite = |attribute: &str, body: &str| -> String {
            let test = |n| format!("#[{attribute}]\nfn t{n}() {{{body}}}\n");
            (0..tests).map(test).collect()
        };
        write("tests/bare.rs", &suite("test", ""));
        write("tests/floor.rs", &suite("test", "suite::test()"));
        write("tests/instrumented.rs", &suite("resmon::test", ""));
        fs::copy(Path::new(WORKSPACE).join("Cargo.lock"), folder.join("Cargo.lock"))
            .expect("built");
        Self(folder)
    }

    /// Builds one of the three test targets and returns the path of its executable.
    fn build(&self, target: &str, profile: &str) -> PathBuf {
        self.build_by(Run::cargo().arg("test"), target, profile)
    }

    /// Builds a test target as `cargo resmon test` does and returns the path of its executable.
    fn build_with_harness(&self, target: &str, profile: &str) -> PathBuf {
        let build = Run::cargo()
            .args(["build", "--offline", "--package=cargo-resmon", "--message-format=json"])
            .folder(WORKSPACE);
        let resmon = executable(&build.finish().exits(0).stdout, "cargo-resmon");
        self.build_by(Run::new(resmon).args(["resmon", "test"]), target, profile)
    }

    fn build_by(&self, command: Run, target: &str, profile: &str) -> PathBuf {
        let output = command
            .args(["--offline", "--no-run", "--message-format=json", "--profile", profile])
            .args(["--test", target])
            .folder(&self.0)
            .env("CARGO_TARGET_DIR", Path::new(SCRATCH).join("suite/target"))
            .finish()
            .exits(0);
        executable(&output.stdout, target)
    }

    /// Rewrites the source file of a test target, so that Cargo compiles it again.
    fn touch(&self, target: &str) {
        let path = self.0.join(format!("tests/{target}.rs"));
        let text = fs::read_to_string(&path).expect("written above");
        fs::write(path, text).expect("ours");
    }
}

/// Returns the path of a target's executable from Cargo's JSON messages.
fn executable(messages: &str, target: &str) -> PathBuf {
    let messages = messages.lines().map(|line| -> serde_json::Value {
        serde_json::from_str(line).expect("Cargo writes JSON")
    });
    messages
        .filter(|message| message["target"]["name"] == target)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("it has been built")
}

/// Returns the CPU time, user and system, of all child processes that have ended.
fn children() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the call fills in the structure, and cannot fail for this argument.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        let (seconds, micros) = (time.tv_sec.unsigned_abs(), time.tv_usec.unsigned_abs());
        Duration::from_micros(seconds * 1_000_000 + micros)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

fn measure(work: impl FnOnce()) -> Cost {
    let (before, start) = (children(), Instant::now());
    work();
    Cost { wall: start.elapsed(), cpu: children().saturating_sub(before) }
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

/// Measures the variants in turn and prints the median cost of each per test.
fn compare(title: &str, tests: usize, rounds: usize, variants: &[(&str, &dyn Fn())]) {
    println!("\n{title}");
    println!("{:<14}{:>10}{:>10}{:>10}{:>10}   µs per test", "", "CPU", "above", "wall", "above");
    let mut costs = vec![Vec::new(); variants.len()];
    for _ in 0..=rounds {
        for (costs, (_, work)) in costs.iter_mut().zip(variants) {
            costs.push(measure(work));
        }
    }
    let medians: Vec<Cost> = costs
        .iter()
        // The first round warms up.
        .map(|costs| Cost {
            cpu: median(costs[1..].iter().map(|cost| cost.cpu).collect()),
            wall: median(costs[1..].iter().map(|cost| cost.wall).collect()),
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "not so many")]
    let per_test = |time: Duration| time.as_secs_f64() * 1e6 / tests as f64;
    for ((name, _), cost) in variants.iter().zip(&medians) {
        let above = |of: fn(&Cost) -> Duration| per_test(of(cost)) - per_test(of(&medians[0]));
        println!(
            "{name:<14}{:>10.1}{:>10.1}{:>10.1}{:>10.1}",
            per_test(cost.cpu),
            above(|cost| cost.cpu),
            per_test(cost.wall),
            above(|cost| cost.wall),
        );
    }
}

fn run(executable: &Path, threads: &str, variables: &[(&str, &str)]) {
    let mut run = Run::new(executable).args(["--quiet", "--test-threads", threads]);
    for (name, value) in variables {
        run = run.env(name, value);
    }
    let finished = run.finish().exits(0);
    assert!(!finished.stderr.contains("resmon:"), "{}", finished.stderr);
}

fn main() {
    let options = Options::parse();
    let package = Package::write(options.tests);
    println!("{} empty tests, medians of {} rounds", options.tests, options.rounds);
    for profile in &options.profiles {
        let [bare, floor, instrumented] =
            ["bare", "floor", "instrumented"].map(|target| package.build(target, profile));
        let harness = package.build_with_harness("bare", profile);
        for threads in &options.threads {
            let folder = tempdir().expect("a folder of our own");
            let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
            let (records, lines, server) = (path("records"), path("lines"), Server::accepting());
            let measured = path("measured");
            let url = server.url();
            compare(
                &format!("profile {profile}, --test-threads={threads}"),
                options.tests,
                options.rounds,
                &[
                    ("bare", &|| run(&bare, threads, &[])),
                    ("floor", &|| run(&floor, threads, &[("FLOOR_FILE", &lines)])),
                    ("harness", &|| run(&harness, threads, &[("RESMON_FILE", &measured)])),
                    ("idle harness", &|| run(&harness, threads, &[])),
                    ("inactive", &|| run(&instrumented, threads, &[])),
                    ("file", &|| run(&instrumented, threads, &[("RESMON_FILE", &records)])),
                    ("tinybird", &|| {
                        let token = ("TINYBIRD_WRITE_TOKEN", "a-token");
                        run(&instrumented, threads, &[token, ("TINYBIRD_API_URL", &url)]);
                    }),
                ],
            );
        }
        if options.compile {
            let build = |target: &'static str| {
                package.touch(target);
                package.build(target, profile);
            };
            compare(
                &format!("profile {profile}, compiled and linked anew"),
                options.tests,
                options.rounds.min(3),
                &[("bare", &|| build("bare")), ("instrumented", &|| build("instrumented"))],
            );
        }
    }
}
