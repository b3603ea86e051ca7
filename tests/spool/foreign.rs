//! Spool directories with files of other programs, or with files that a crash has damaged.

use std::{
    ffi::CString,
    fs::{self, File},
    os::unix::{ffi::OsStrExt, fs::FileExt, fs::symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Endpoint, Place,
    endpoint::State,
    suite::{EARLY, status_of},
    summary,
    support::{Gate, Record},
};

/// A place in which a session has left records, and an endpoint that is up since then.
struct Left {
    place: Place,
    endpoint: Endpoint,
    /// Content of the segment, followed by its path.
    text: String,
    real: PathBuf,
}

impl Left {
    fn new() -> Self {
        let (place, endpoint) = (Place::new(), Endpoint::down());
        place.to(&endpoint.url(), "suite::early::").finish().exits(0);
        place.settle();
        endpoint.set(State::Up);
        let real = place.only(".ndjson");
        let text = fs::read_to_string(&real).expect("it was written");
        Self { place, endpoint, text, real }
    }

    /// Returns a segment's path for the same destination, of an older session.
    fn name(&self, number: usize) -> PathBuf {
        let name = self.real.file_name().expect("it has one").to_str().expect("a plain name");
        let (_, destination) = name.split_once('-').expect("`ID-DESTINATION-NUMBER`");
        self.place.spool().join(format!("{number:028x}-{destination}"))
    }

    /// Runs a session, and returns the records that it delivers besides its own.
    #[track_caller]
    fn delivered(&self) -> Vec<Record> {
        let run = self.place.to(&self.endpoint.url(), "suite::early::t0").finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
        assert!(run.took < Duration::from_secs(10), "{:?}", run.took);
        let taken = self.endpoint.taken();
        let own = taken.iter().rfind(|record| record.event() == "session_end");
        let ids: Vec<_> = taken.iter().map(|record| record.text("session_id")).collect();
        let youngest = ids.iter().max().expect("its own");
        assert!(own.is_some());
        taken.iter().filter(|record| record.text("session_id") != *youngest).cloned().collect()
    }
}

#[test]
fn a_torn_last_line_is_no_record_and_the_others_are() {
    let left = Left::new();
    let whole = left.text.trim_end();
    for cut in [1, 2, 100] {
        let left = Left::new();
        fs::write(&left.real, &whole[..whole.len() - cut]).expect("it is ours");
        assert_eq!(left.delivered().len(), EARLY + 1);
        assert!(left.place.names().is_empty(), "{:?}", left.place.names());
    }
}

#[test]
fn only_whole_records_are_sent() {
    let left = Left::new();
    let lines: Vec<&str> = left.text.lines().collect();
    let mut content = Vec::new();
    for (line, between) in lines.iter().zip([
        &b"\0\0\0\0\n"[..],
        b"\n\n\0\n",
        b"not a record\n",
        b"{\"event_type\":\"test\"\n",
        b"{\"event_type\":\"test\",\"test_nodeid\":\"\xff\"}\n",
        b"[1, 2, 3]\n",
        b"{\"another\":\"object\"}\n",
        b"{\"event_type\":\"te\0st\"}\n",
        b"{}\r\n",
    ]) {
        content.extend_from_slice(line.as_bytes());
        content.push(b'\n');
        content.extend_from_slice(between);
    }
    // The line is longer than a record may be, and contains a record at a place where reading may resume.
    content.resize(content.len() + (1 << 20), b'x');
    content.extend_from_slice(lines[0].as_bytes());
    content.push(b'\n');
    fs::write(&left.real, &content).expect("it is ours");
    let delivered = left.delivered();
    assert_eq!(summary(&delivered), crate::whole()[..9]);
    assert!(left.place.names().is_empty(), "{:?}", left.place.names());
}

#[test]
fn what_is_no_file_is_left_alone() {
    let left = Left::new();
    let elsewhere = left.place.folder().join("elsewhere.ndjson");
    fs::write(&elsewhere, &left.text).expect("the folder is ours");
    let [directory, fifo, link] = [1, 2, 3].map(|number| left.name(number));
    let journal = |path: &Path| path.with_extension("session");
    for (directory, fifo, link) in [
        (directory.clone(), fifo.clone(), link.clone()),
        (journal(&directory), journal(&fifo), journal(&link)),
    ] {
        fs::create_dir(directory).expect("the folder is ours");
        let name = CString::new(fifo.as_os_str().as_bytes()).expect("a plain name");
        // SAFETY: the pointer is to a C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        symlink(&elsewhere, link).expect("the folder is ours");
    }
    assert_eq!(left.delivered().len(), EARLY + 2);
    assert_eq!(left.place.names().len(), 6);
    assert_eq!(fs::read_to_string(&elsewhere).expect("it is there"), left.text);
}

#[test]
fn files_of_others_and_of_other_versions_are_left_alone() {
    let left = Left::new();
    let files = [
        ("notes.txt", "a note\n".to_owned()),
        (
            "notes.session",
            "resmon 3 open 00000000000000000000\nfile /nowhere\n,\"a\":1\n,\"b\":2\n".to_owned(),
        ),
        ("empty.session", String::new()),
        ("zeros.session", "\0".repeat(10_000)),
        ("0000000000000000000000000000.live", left.text.clone()),
        ("0000000000000000000000000000-ffffffffffffffff.ndjson", left.text.clone()),
        ("0000000000000000000000000000-ffffffffffffffff-0001.ndjson", left.text.clone()),
        ("0000000000000000000000000000-ffffffffffffffff-0001.ndjson.bak", left.text.clone()),
        ("0000000000000000000000000000-ffffffffffffffff-0001.refused", left.text.clone()),
    ];
    for (name, content) in &files {
        fs::write(left.place.spool().join(name), content).expect("the folder is ours");
    }
    assert_eq!(left.delivered().len(), EARLY + 2);
    for (name, content) in &files {
        let found = fs::read_to_string(left.place.spool().join(name));
        assert_eq!(found.as_ref().ok(), Some(content), "{name}");
    }
    assert_eq!(left.place.names().len(), files.len());
}

/// Requires that a sparse segment of 1 GiB, and a journal of that size, cost neither time nor memory.
#[test]
fn a_large_file_is_no_matter() {
    const SIZE: u64 = 1 << 30;
    let left = Left::new();
    let (first, second) = left.text.split_at(left.text.len() / 2);
    let line = first.rfind('\n').expect("several lines") + 1;
    let (first, second) = (&first[..line], format!("\n{}{second}", &first[line..]));
    let file = File::options().write(true).open(&left.real).expect("it is ours");
    file.set_len(SIZE).expect("it takes no room");
    file.write_all_at(&vec![0; left.text.len()], 0).expect("it is ours");
    file.write_all_at(first.as_bytes(), 0).expect("it is ours");
    file.write_all_at(second.as_bytes(), SIZE / 2).expect("it is ours");
    let journal = left.name(1).with_extension("session");
    File::create(&journal).and_then(|file| file.set_len(SIZE)).expect("it takes no room");

    let gate = Gate::closed();
    let running = left
        .place
        .to(&left.endpoint.url(), "suite::early::")
        .arg("suite::held::one")
        .env("SUITE_HELD", gate.address())
        .start();
    let waiting = gate.wait_for(1);
    // These are the records that were left, and the session's own start.
    left.endpoint.wait_for_taken(EARLY + 2 + 1);
    let sender = left.place.wait_for_sender();
    let peak = status_of(&sender.to_string(), "VmHWM:");
    drop(waiting);
    let run = running.finish().exits(0);
    assert!(run.took < Duration::from_secs(10), "{:?}", run.took);
    assert!(peak < 64 << 10, "{peak} KiB");
    assert_eq!(left.endpoint.lines_taken(), EARLY + 2 + EARLY + 3);
    assert!(left.place.names().is_empty(), "{:?}", left.place.names());
}
