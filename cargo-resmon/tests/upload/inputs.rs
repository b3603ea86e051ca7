//! Files of all kinds: the records that are sent, and the messages about them.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::support::Server;
use crate::{Folder, arrived, records};

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn json_with_spaces_is_sent() {
    let folder = Folder::new();
    let server = Server::accepting();
    let spaced = records(1..2, 1).replace("\":", "\" : ").replace(",\"", " ,\t\"");
    let last_first = records(2..3, 1).replacen("\"event_type\":\"test\",", "", 1);
    let last_first = last_first.replace("}\n", ",\"event_type\":\"test\" } \n");
    folder.write("a.ndjson", &[&records(0..1, 1), "  ", &spaced, &*last_first].concat());
    let run = folder.upload(&server, &["a.ndjson"]).exits(0);
    assert_eq!(run.stdout, "a.ndjson: 3 accepted, 0 quarantined, 0 left\n");
    let requests = server.requests();
    let ids = requests[0].body.lines().map(|line| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        record["test_nodeid"].as_str().expect("text").to_owned()
    });
    assert!(ids.eq([0, 1, 2].map(|number| format!("tests/a.rs::0{number}"))));
    let again = folder.upload(&server, &["a.ndjson"]).exits(0);
    assert!(again.stdout.ends_with("0 left, 3 sent before\n"), "{}", again.stdout);
}

#[test]
fn a_line_that_is_no_record_fails_the_upload_and_is_named() {
    let folder = Folder::new();
    let server = Server::accepting();
    let lines = [&records(0..2, 1), "{\"event_type\":\"cli", "ck\"}\n", &records(2..3, 1)];
    folder.write("a.ndjson", &lines.concat());
    folder.write("b.ndjson", &records(3..4, 1));
    fs::write(
        folder.path("c.ndjson"),
        [records(4..5, 1).as_bytes(), b"{\"event_type\":\"test\",\"a\":\"\xff\"}\n"].concat(),
    )
    .expect("written");
    let run = folder.upload(&server, &["a.ndjson", "b.ndjson", "c.ndjson"]).exits(1);
    assert!(
        run.stderr.contains("a.ndjson: line 3 is not sent: it is of another kind"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("c.ndjson: line 2 is not sent: it is not UTF-8"), "{}", run.stderr);
    assert_eq!(arrived(&server), [0, 1, 2, 3, 4]);
}

#[test]
fn what_holds_no_record_is_an_error_each_time() {
    let folder = Folder::new();
    let server = Server::accepting();
    folder.write("a.ndjson", "{\"level\":\"info\"}\n");
    for _ in 0..2 {
        let run = folder.upload(&server, &["a.ndjson"]).exits(1);
        let problem = "a.ndjson holds no records of resmon: line 1 is not a record";
        assert!(run.stderr.contains(problem), "{}", run.stderr);
    }
}

#[test]
fn compressed_files_directories_and_patterns_are_sent() {
    let folder = Folder::new();
    let server = Server::accepting();
    folder.write("all/a.ndjson", &records(0..1, 1));
    fs::write(folder.path("all/b.ndjson.gz"), gzip(records(1..2, 1).as_bytes())).expect("written");
    folder.write("c", &records(2..3, 1));
    let mut wanted = vec![0, 1];
    if let Ok(packed) = Command::new("zstd").arg("-qc").arg(folder.path("c")).output() {
        fs::write(folder.path("all/c.ndjson.zst"), packed.stdout).expect("written");
        wanted.push(2);
    }
    folder.upload(&server, &["all"]).exits(0);
    assert_eq!(arrived(&server), wanted);
    let again = folder.upload(&server, &["all/*.ndjson*"]).exits(0);
    assert!(again.stdout.contains("in all: 0 accepted"), "{}", again.stdout);
}

#[test]
fn a_damaged_file_is_named_and_the_others_are_sent() {
    let folder = Folder::new();
    let server = Server::accepting();
    let packed = gzip(records(0..2000, 1).as_bytes());
    fs::write(folder.path("cut.gz"), &packed[..packed.len() - 9]).expect("written");
    fs::create_dir(folder.path("b.ndjson.d")).expect("made");
    folder.write("c.ndjson", &records(5000..5001, 1));
    let run = folder.upload(&server, &["cut.gz", "c.ndjson"]).exits(1);
    assert!(run.stderr.contains("cannot read cut.gz after line "), "{}", run.stderr);
    assert!(run.stderr.contains("the gzip data is damaged or cut off there"), "{}", run.stderr);
    assert_eq!(arrived(&server).last(), Some(&5000));
    // Once it is whole, the rest is sent.
    fs::write(folder.path("cut.gz"), &packed).expect("written");
    folder.upload(&server, &["cut.gz"]).exits(0);
    let mut all = arrived(&server);
    all.sort_unstable();
    assert_eq!(all, (0..2000).chain([5000]).collect::<Vec<_>>());
}

#[test]
fn a_pipe_is_sent_and_one_without_a_writer_is_given_up() {
    let folder = Folder::new();
    let server = Server::accepting();
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("there is one").success());
    let upload = folder.command(&server).arg("pipe").start();
    let mut writer = OpenOptions::new().write(true).open(&pipe).expect("it is read");
    writer.write_all(records(0..28, 100_000).as_bytes()).expect("it is read");
    drop(writer);
    let run = upload.finish().exits(0);
    assert_eq!(run.stdout, "pipe: 28 accepted, 0 quarantined, 0 left\n");
    assert_eq!(arrived(&server), (0..28).collect::<Vec<_>>());
    let run = folder.upload(&server, &["pipe"]).exits(1);
    assert!(
        run.stderr.contains("cannot read pipe: it is a named pipe, and for 10 s"),
        "{}",
        run.stderr
    );
}

#[test]
fn names_do_not_reach_the_terminal_raw() {
    let folder = Folder::new();
    let server = Server::accepting();
    let name = "all/\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31mx.ndjson";
    let is_clean = |text: &str| !text.contains(|c: char| c.is_control() && c != '\n');
    for content in [&*records(0..1, 1), "strange\n", ""] {
        folder.write(name, content);
        for path in [name, "all", "all/*"] {
            let run = folder.upload(&server, &[path]);
            assert!(is_clean(&run.stdout) && is_clean(&run.stderr), "{run:?}");
            assert!(run.stdout.contains("owned"), "{run:?}");
        }
    }
    let run = folder.upload(&server, &["none\u{1b}[2J"]).exits(1);
    assert!(is_clean(&run.stderr), "{run:?}");
}

#[test]
fn a_part_of_a_spool_is_sent_by_its_directory_only() {
    let folder = Folder::new();
    let server = Server::accepting();
    let spooled = "spool/0123456789ab0123456789abcdef-0123456789abcdef-0001.ndjson";
    folder.write(spooled, &records(0..2, 1));
    let run = folder.upload(&server, &[spooled]).exits(1);
    assert!(run.stderr.contains("upload its directory"), "{}", run.stderr);
    assert!(server.requests().is_empty());
    folder.upload(&server, &["spool"]).exits(0);
    assert_eq!(arrived(&server), [0, 1]);
}
