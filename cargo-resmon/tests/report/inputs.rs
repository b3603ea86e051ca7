//! Several files, directories, patterns and standard input; compressed files and other encodings.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Finish, Finished, report_on_nothing};
use crate::records::{Records, timestamp};

const START: i64 = 1_795_500_000_000;

/// Runs `cargo resmon report` in a folder.
fn report(folder: &TempDir, arguments: &[&str]) -> Finished {
    report_on_nothing().args(arguments).current_dir(folder.path()).finish()
}

#[track_caller]
fn read_json(folder: &TempDir, arguments: &[&str]) -> Value {
    let printed = report(folder, &[arguments, &["--json"]].concat()).printed();
    serde_json::from_str(&printed).unwrap()
}

/// Returns the records of one of the machines that share a run, each with two tests of its own.
fn shard(number: i64, run: &str, memory: i64) -> String {
    let mut records = Records::empty();
    let session = format!("session-{number}");
    let mut push = |event: &str, id: &str, at: i64, more: Value| {
        let mut record = json!({ "event_type": event, "test_nodeid": id, "package": "shop",
            "run_id": run, "session_id": session, "timestamp": timestamp(START + at) });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        records.push(&record);
    };
    let machine = json!({ "hostname": format!("machine-{number}"), "os": "linux", "cpu_count": 4,
        "mem_total_bytes": memory, "gh_run_id": "77", "gh_run_attempt": "1" });
    push("session_start", "__session__", number, machine);
    for test in ["a", "b"] {
        let outcome = if (number, test) == (2, "b") { "failed" } else { "passed" };
        let more = json!({ "outcome": outcome, "attempt": 1, "duration_s": 1.0,
            "rss_peak": 100 << 20, "concurrent_tests": 1, "cpu_user_s": 0.5, "cpu_system_s": 0.0,
            "cpu_scope": "process" });
        push("test", &format!("tests/{number}.rs::{test}"), 2000 + number, more);
    }
    let status = if number == 2 { 100 } else { 0 };
    push(
        "session_end",
        "__session__",
        3000,
        json!({ "exit_status": status, "records_dropped": 1 }),
    );
    records.lines().to_owned()
}

/// Creates a folder with the files of three shards of one run, one in a folder of its own each, as they are downloaded
/// from a CI.
fn shards() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        let directory = folder.path().join(format!("artifacts/shard-{number}"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("records.ndjson"), shard(number, "ci-77", 16 << 30)).unwrap();
        fs::write(directory.join("notes.txt"), "no records").unwrap();
    }
    folder
}

const SHARDS: [&str; 3] = [
    "artifacts/shard-1/records.ndjson",
    "artifacts/shard-2/records.ndjson",
    "artifacts/shard-3/records.ndjson",
];

#[track_caller]
fn is_all_of_the_run(document: &Value) {
    assert_eq!(document["run"]["id"], "ci-77");
    assert_eq!(document["totals"]["tests"], 6);
    assert_eq!(document["totals"]["passed"], 5);
    assert_eq!(document["totals"]["failed"], 1);
    assert_eq!(document["totals"]["retries"], 0);
    assert_eq!(document["totals"]["cpu_s"], 3.0);
    assert_eq!(document["run"]["sessions_started"], 3);
    assert_eq!(document["run"]["sessions_ended"], 3);
    assert_eq!(document["run"]["exit_status"], 100);
    assert_eq!(document["run"]["records_dropped"], 3);
    assert_eq!(document["run"]["machines"], 3);
    assert_eq!(document["earlier_runs"], json!([]));
}

#[test]
fn the_shards_of_a_run_are_one_run() {
    let folder = shards();
    is_all_of_the_run(&read_json(&folder, &SHARDS));
    let backwards: Vec<_> = SHARDS.iter().copied().rev().collect();
    is_all_of_the_run(&read_json(&folder, &backwards));
    let printed = report(&folder, &SHARDS).printed();
    assert!(printed.contains("\n6 tests: 1 failed, 5 passed, exit status 100\n"), "{printed}");
    assert!(printed.contains("and 2 machines more"), "{printed}");
    assert!(printed.contains("of 16 GiB"), "{printed}");
}

#[test]
fn directories_patterns_and_repetitions_name_each_file_once() {
    let folder = shards();
    for arguments in [
        &["artifacts"][..],
        &["."],
        &["artifacts/shard-*/records.ndjson"],
        &["artifacts/**/*.ndjson"],
        &["artifacts/shard-?"],
        &["artifacts/shard-[12]", "artifacts/shard-3"],
        &["artifacts", SHARDS[0], "./artifacts/shard-2/../shard-2/records.ndjson"],
    ] {
        let document = read_json(&folder, arguments);
        is_all_of_the_run(&document);
        assert_eq!(document["duplicate_records"], 0, "{arguments:?}");
    }
}

#[test]
fn a_name_that_exists_is_no_pattern() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a[1].ndjson"), shard(1, "one", 1)).unwrap();
    fs::write(folder.path().join("a1.ndjson"), shard(1, "other", 1)).unwrap();
    assert_eq!(read_json(&folder, &["a[1].ndjson"])["run"]["id"], "one");
    let complaint = report(&folder, &["b*.ndjson"]).complaint();
    assert_eq!(complaint, "resmon: error: no file matches b*.ndjson\n");
}

#[test]
fn standard_input_is_read_also_beside_files() {
    let folder = shards();
    let with_stdin = |arguments: &[&str]| -> Finished {
        let stdin = File::open(folder.path().join(SHARDS[2])).unwrap();
        report_on_nothing().args(arguments).current_dir(folder.path()).stdin(stdin).finish()
    };
    let document = with_stdin(&[SHARDS[0], "-", SHARDS[1], "-", "--json"]).printed();
    is_all_of_the_run(&serde_json::from_str(&document).unwrap());
    let printed = with_stdin(&["-"]).printed();
    assert!(printed.contains("\n2 tests: 2 passed\n"), "{printed}");
    let mut nothing = report_on_nothing();
    let complaint = nothing.arg("-").stdin(Stdio::null()).finish().complaint();
    assert!(complaint.contains("standard input is empty"), "{complaint}");
}

/// Shards on machines of different sizes: a test does not tell on which one it ran.
#[test]
fn of_machines_that_differ_no_share_is_made_up() {
    let folder = shards();
    fs::write(folder.path().join(SHARDS[1]), shard(2, "ci-77", 128 << 20)).unwrap();
    is_all_of_the_run(&read_json(&folder, &SHARDS));
    let printed = report(&folder, &SHARDS).printed();
    assert!(printed.contains("Most memory") && !printed.contains("% of"), "{printed}");
    let alone = report(&folder, &SHARDS[1..2]).printed();
    assert!(alone.contains("% of 128 MiB"), "{alone}");
}

#[test]
fn runs_before_the_newest_are_its_history_in_whatever_file_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = Records::empty();
    for run in ["first", "second", "third"] {
        let before = records.lines().len();
        records.begin(run);
        records.test("src/lib.rs::same", 1.0, 1.0, json!({}));
        records.end(2.0, 0);
        fs::write(folder.path().join(format!("{run}.ndjson")), &records.lines()[before..]).unwrap();
    }
    let document = read_json(&folder, &["third.ndjson", "first.ndjson", "second.ndjson"]);
    assert_eq!(document["run"]["id"], "third");
    let earlier = document["earlier_runs"].as_array().unwrap();
    assert_eq!(earlier.iter().map(|run| &run["id"]).collect::<Vec<_>>(), ["second", "first"]);
    assert_eq!(document["tests"][0]["earlier"].as_array().unwrap().len(), 2);
    assert!(!report(&folder, &["."]).printed().contains("RESMON_RUN_ID"));
}

#[test]
fn shards_without_a_run_id_in_common_are_told_how_to_get_one() {
    let folder = shards();
    for (number, file) in (1..).zip(SHARDS) {
        let records = shard(number, &format!("run-{number}"), 16 << 30);
        fs::write(folder.path().join(file), records).unwrap();
    }
    let printed = report(&folder, &["artifacts"]).printed();
    let note =
        "2 runs of the same GitHub run, on another machine, count as earlier: set RESMON_RUN_ID";
    assert!(printed.replace('\n', " ").contains(note), "{printed}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Packs with the program `zstd`. Returns `None` where there is none.
fn zstd(file: &Path) -> Option<Vec<u8>> {
    let packed = Command::new("zstd").args(["-q", "-c", "-19"]).arg(file).output().ok()?;
    assert!(packed.status.success());
    Some(packed.stdout)
}

#[test]
fn compressed_files_are_read() {
    let folder = shards();
    let path = |name: &str| folder.path().join(name);
    let whole = fs::read(path(SHARDS[0])).unwrap();
    fs::write(path("artifacts/shard-1/records.ndjson.gz"), gzip(&whole)).unwrap();
    fs::remove_file(path(SHARDS[0])).unwrap();
    is_all_of_the_run(&read_json(&folder, &["artifacts"]));
    // The name does not count, and a file that was appended to has several parts.
    let (start, end) = whole.split_at(whole.len() / 2);
    fs::write(path(SHARDS[0]), [gzip(start), gzip(end)].concat()).unwrap();
    is_all_of_the_run(&read_json(&folder, &SHARDS));
    if let Some(packed) = zstd(&path(SHARDS[1])) {
        fs::write(path("artifacts/shard-2/records.ndjson.zst"), packed).unwrap();
        fs::remove_file(path(SHARDS[1])).unwrap();
        let document = read_json(&folder, &["artifacts/**/*.ndjson*"]);
        is_all_of_the_run(&document);
        // The first shard is there twice: as itself and compressed.
        assert_eq!(document["duplicate_records"], 4);
    }
}

#[test]
fn text_of_windows_is_read() {
    let folder = shards();
    for (number, file) in SHARDS.iter().enumerate() {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
        let units = || "\u{feff}".encode_utf16().chain(text.encode_utf16());
        let bytes = match number {
            0 => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            1 => units().flat_map(u16::to_le_bytes).collect(),
            _ => units().flat_map(u16::to_be_bytes).collect(),
        };
        fs::write(path, bytes).unwrap();
    }
    let document = read_json(&folder, &SHARDS);
    is_all_of_the_run(&document);
    assert_eq!(document["unreadable_lines"], 0);
}

#[test]
fn one_unreadable_file_of_several_is_named() {
    let folder = shards();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let packed = gzip(&fs::read(folder.path().join(SHARDS[0])).unwrap());
    write("cut.gz", &packed[..packed.len() - 20]);
    write("empty.ndjson", b"");
    write("other.ndjson", b"\n{\"level\":\"info\"}\n");
    write("logs.zip", b"PK\x03\x04\x14\0\0\0");
    fs::create_dir(folder.path().join("folder")).unwrap();
    for (file, problem) in [
        ("none.ndjson", "cannot read none.ndjson: "),
        ("cut.gz", "cannot read cut.gz"),
        ("cut.gz", "the gzip data is damaged or cut off there"),
        ("empty.ndjson", "empty.ndjson is empty: nothing has been recorded: leave it out"),
        ("other.ndjson", "other.ndjson holds no records of resmon: line 2 is not a record"),
        ("logs.zip", "cannot read logs.zip: it is a zip archive: unpack it first"),
        ("folder", "folder holds no file of records: their names end in .ndjson, .ndjson.gz or"),
    ] {
        let complaint = report(&folder, &[SHARDS[0], file, SHARDS[1]]).complaint();
        assert!(complaint.contains(problem), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn a_line_that_is_left_out_is_told_with_its_file() {
    let folder = shards();
    let mut file = File::options().append(true).open(folder.path().join(SHARDS[1])).unwrap();
    file.write_all(b"{\"event_type\":\"te").unwrap();
    let printed = report(&folder, &SHARDS).printed().replace('\n', " ");
    let note =
        "1 line of the files is left out: line 5 of artifacts/shard-2/records.ndjson, is cut off";
    assert!(printed.contains(note), "{printed}");
}

#[cfg(unix)]
#[test]
fn a_name_does_not_reach_the_terminal_raw() {
    let folder = tempfile::tempdir().unwrap();
    let name = "\u{1b}]0;owned\u{7}\u{1b}[2Jx.ndjson";
    for content in [None, Some(""), Some("strange\n")] {
        if let Some(content) = content {
            fs::write(folder.path().join(name), content).unwrap();
        }
        for arguments in [&[name][..], &["."], &["\u{1b}*"]] {
            let finished = report(&folder, arguments);
            assert!(
                finished.code == Some(1) && !finished.stderr.contains('\u{1b}'),
                "{finished:?}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_and_one_without_a_writer_is_given_up() {
    let folder = shards();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = report_on_nothing()
        .args(["pipe", SHARDS[1], SHARDS[2], "--json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    fs::write(&pipe, gzip(&fs::read(folder.path().join(SHARDS[0])).unwrap())).unwrap();
    let output = reader.wait_with_output().unwrap();
    is_all_of_the_run(&serde_json::from_slice(&output.stdout).unwrap());
    let complaint = report(&folder, &["pipe"]).complaint();
    assert!(
        complaint.contains("cannot read pipe: it is a named pipe, and for 10 s"),
        "{complaint}"
    );
}
