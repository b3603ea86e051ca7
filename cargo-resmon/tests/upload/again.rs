//! Nothing is sent twice, and nothing is forgotten: uploads at the same time, from other places, and after failures.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    process::Stdio,
    time::Duration,
};

use crate::support::{Answer, Server};
use crate::{Folder, arrived, records};

/// Returns a server that takes its time, so that uploads overlap.
fn slow() -> Server {
    Server::answering(|_, request| {
        let accepted = Answer::accepted(request.body.lines().count(), 0);
        Answer::After(Duration::from_millis(200), Box::new(accepted))
    })
}

#[test]
fn two_at_once_send_each_record_once() {
    let folder = Folder::new();
    // Each of the files needs three requests.
    folder.write("a.ndjson", &records(0..28, 100_000));
    folder.write("b.ndjson", &records(28..56, 100_000));
    let server = slow();
    let first = folder.command(&server).args(["a.ndjson", "b.ndjson"]).start();
    server.wait_for(1);
    let second = folder.command(&server).args(["b.ndjson", "a.ndjson"]).start();
    let third = folder.command(&server).args(["./a.ndjson"]).start();
    for run in [first, second, third] {
        run.finish().exits(0);
    }
    assert_eq!(arrived(&server), (0..56).collect::<Vec<_>>());
}

#[test]
fn two_at_once_to_other_destinations_do_not_wait() {
    let folder = Folder::new();
    folder.write("a.ndjson", &records(0..3, 1));
    let never = Server::answering(|_, _| {
        Answer::After(Duration::from_secs(3600), Box::new(Answer::accepted(1, 0)))
    });
    let mut waiting = folder.command(&never).arg("a.ndjson").start();
    never.wait_for(1);
    let server = Server::accepting();
    folder.upload(&server, &["a.ndjson"]).exits(0);
    assert_eq!(arrived(&server), [0, 1, 2]);
    waiting.kill();
}

#[test]
fn what_is_sent_is_known_wherever_it_is_and_however_it_is_packed() {
    let folder = Folder::new();
    let server = Server::accepting();
    folder.write("here/a.ndjson", &records(0..5, 1));
    folder.upload(&server, &["here/a.ndjson"]).exits(0);
    let text = records(0..5, 1);
    folder.write("there/b.ndjson", &text);
    folder.write("windows.ndjson", &("\u{feff}".to_owned() + &text.replace('\n', "\r\n")));
    folder.write("unfinished.ndjson", text.trim_end());
    fs::write(folder.path("a.ndjson.gz"), crate::inputs::gzip(text.as_bytes())).expect("written");
    symlink("here/a.ndjson", folder.path("link.ndjson")).expect("linked");
    let told = "0 accepted, 0 quarantined, 0 left, 5 sent before\n";
    for path in
        ["there/b.ndjson", "windows.ndjson", "unfinished.ndjson", "a.ndjson.gz", "link.ndjson"]
    {
        let run = folder.upload(&server, &[path]).exits(0);
        assert_eq!(run.stdout, format!("{path}: {told}"));
    }
    let run = folder.command(&server).arg("../a.ndjson").folder(folder.path("here"));
    fs::rename(folder.path("here/a.ndjson"), folder.path("a.ndjson")).expect("moved");
    run.finish().exits(0);
    // Records that are appended to one of them are new.
    folder.write("there/b.ndjson", &records(0..6, 1));
    folder.upload(&server, &["there/b.ndjson"]).exits(0);
    assert_eq!(arrived(&server), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn the_memory_belongs_to_the_user_and_not_to_the_directory() {
    let folder = Folder::new();
    let server = Server::accepting();
    folder.write("one/a.ndjson", &records(0..3, 1));
    folder.write("one/Cargo.toml", "[package]\nname = \"shop\"\nedition = \"2024\"\n");
    folder.write("one/src/lib.rs", "");
    folder.write("two/notes.txt", "");
    let upload = |from: &str, path: &str, home: &str| {
        let run = folder.command(&server).arg(path).folder(folder.path(from));
        let run = run.env_remove("RESMON_SPOOL_DIR").env_remove("XDG_STATE_HOME");
        run.env("HOME", folder.path(home)).env("TMPDIR", folder.path("")).finish().exits(0)
    };
    for (from, path) in [("one", "a.ndjson"), ("two", "../one/a.ndjson"), ("", "one/a.ndjson")] {
        upload(from, path, "home");
    }
    assert_eq!(arrived(&server), [0, 1, 2]);
    assert!(folder.path("home/.local/state/resmon").is_dir());
    assert!(!folder.path("one/target").exists());
    // A home that cannot be written to has a place beside it.
    folder.write("file", "");
    for _ in 0..2 {
        upload("one", "a.ndjson", "file/home");
    }
    assert_eq!(arrived(&server), [0, 1, 2, 0, 1, 2]);
}

#[test]
fn without_a_memory_nothing_is_sent() {
    let folder = Folder::new();
    let server = Server::accepting();
    folder.write("a.ndjson", &records(0..3, 1));
    folder.write("file", "");
    let run = folder.command(&server).arg("a.ndjson");
    let run = run.env("RESMON_SPOOL_DIR", folder.path("file/state")).finish().exits(1);
    assert!(
        run.stderr.contains("there is no place to remember what has been sent"),
        "{}",
        run.stderr
    );
    assert!(server.requests().is_empty());
}

#[test]
fn any_path_will_do() {
    let folder = Folder::new();
    let server = Server::accepting();
    let name = OsStr::from_bytes(b"a \xff'\"\n.ndjson");
    fs::write(folder.0.path().join(name), records(0..28, 100_000)).expect("written");
    for told in ["28 accepted, 0 quarantined, 0 left\n", "0 left, 28 sent before\n"] {
        let run = folder.command(&server).arg(name).finish().exits(0);
        assert!(run.stdout.ends_with(told), "{}", run.stdout);
    }
    assert_eq!(arrived(&server), (0..28).collect::<Vec<_>>());
}

#[test]
fn what_arrived_before_a_failure_within_a_request_is_not_sent_again() {
    let folder = Folder::new();
    folder.write("a.ndjson", &records(0..4, 1));
    // The four are too many, the halves are not, and the first record of the second half is refused by itself.
    let too_large = || Answer::status(413);
    let server = Server::answering(move |_, request| {
        let lines = request.body.lines().count();
        match lines {
            4 => too_large(),
            2 if request.body.contains("rs::02") => too_large(),
            1 if request.body.contains("rs::02") => Answer::status(400),
            _ => Answer::accepted(lines, 0),
        }
    });
    let run = folder.upload(&server, &["a.ndjson"]).exits(1);
    assert_eq!(run.stdout, "a.ndjson: 3 accepted, 0 quarantined, 1 left\n");
    let healthy = server.requests().len();
    let run = folder.upload(&server, &["a.ndjson"]).exits(1);
    assert_eq!(run.stdout, "a.ndjson: 0 accepted, 0 quarantined, 1 left, 3 sent before\n");
    assert_eq!(server.requests()[healthy..].len(), 1);
    assert!(server.requests()[healthy..].iter().all(|request| request.body.lines().count() == 1));
}

#[test]
fn a_file_that_grows_is_sent_once() {
    let folder = Folder::new();
    let server = Server::accepting();
    let all = records(0..20, 1);
    let ends: Vec<_> = (0..=all.len()).step_by(97).chain([all.len()]).collect();
    for end in ends {
        folder.write("a.ndjson", &all[..end]);
        folder.upload(&server, &["a.ndjson"]).exits(0);
    }
    assert_eq!(arrived(&server), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_copy_on_standard_input_is_known() {
    let folder = Folder::new();
    let server = Server::accepting();
    folder.write("a.ndjson", &records(0..3, 1));
    folder.upload(&server, &["a.ndjson"]).exits(0);
    let told = "standard input: 0 accepted, 0 quarantined, 0 left, 3 sent before\n";
    let mut upload = crate::plain_command(&folder, &server, &["-".into()]);
    let file = fs::File::open(folder.path("a.ndjson")).expect("there");
    let output = upload.stdin(file).stderr(Stdio::inherit()).output().expect("it was built");
    assert_eq!(String::from_utf8_lossy(&output.stdout), told);
    assert_eq!(arrived(&server), [0, 1, 2]);
    let nothing = folder.command(&server).arg("-").finish();
    assert_eq!(nothing.stdout, "standard input: 0 accepted, 0 quarantined, 0 left\n");
}
