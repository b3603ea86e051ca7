//! No more than 64 MiB wait: the oldest are dropped, counted, and the user is told.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{Endpoint, Place, flood::sum_of_records, support::Finished};

const LIMIT: u64 = 64 << 20;
/// What may be there beyond that: the last records of the session itself, and the blocks of the file system.
const SLACK: u64 = 2 << 20;

/// The number at which a warning with these words begins, or that follows `a number of`.
fn counted(run: &Finished, words: &str) -> usize {
    let warning = run.warnings().into_iter().find(|warning| warning.contains(words));
    let warning = warning.unwrap_or_else(|| panic!("no warning of {words:?}: {}", run.stderr));
    let first = warning.split(' ').next().expect("a warning has a word");
    first.parse().unwrap_or_else(|_| panic!("{warning:?} does not begin with a number"))
}

/// How much of the disk a folder takes.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("it is there").flatten();
    entries.map(|entry| entry.metadata().expect("it is there").blocks() * 512).sum()
}

/// The records of a file, without reading any of them.
fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("records are UTF-8");
    let lines = text.lines().map(|line| line.trim_start_matches('\0').to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Writes a file as a session would have left it that is younger than those with a smaller number: as many records
/// as fit so many MiB, each numbered as its commit. Says where it is and how many they are.
fn prepare(place: &Place, real: &Path, number: usize, mib: usize) -> (PathBuf, usize) {
    let name = real.file_name().expect("it has one").to_str().expect("a plain name");
    let (_, destination) = name.split_once('-').expect("`ID-DESTINATION`");
    let path = place.spool().join(format!("{number:028x}-{destination}"));
    let long = format!("\"gh_ref_name\":\"{}\"", "r".repeat(200_000));
    let record = lines(real)[1].replace("\"gh_ref_name\":\"\"", &long);
    let count = (mib << 20) / record.len();
    let records = (0..count).map(|index| {
        record.replace("\"gh_sha\":\"\"", &format!("\"gh_sha\":\"{number}-{index:04}\"")) + "\n"
    });
    fs::write(&path, records.collect::<String>()).expect("the folder is ours");
    (path, count)
}

/// The numbers of the records that are left in a file.
fn left(file: &Path) -> Vec<String> {
    let number = |line: &String| {
        let (_, rest) = line.split_once("\"gh_sha\":\"").expect("it was put there");
        rest.split('"').next().expect("the rest of a line").to_owned()
    };
    if file.exists() { lines(file).iter().map(number).collect() } else { Vec::new() }
}

#[test]
fn the_oldest_of_earlier_sessions_are_dropped_and_no_more_than_must_be() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let real = place.only(".ndjson");
    // Of a name that is not resmon's, and not to be touched.
    let foreign = place.spool().join("notes.ndjson");
    fs::write(&foreign, lines(&real).join("\n")).expect("the folder is ours");
    let files =
        [(1, 10), (2, 20), (3, 45)].map(|(number, mib)| prepare(&place, &real, number, mib));
    let run = place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let dropped = counted(&run, "dropped");
    // The first file is gone, and as much of the second as is needed.
    let [one, two, three] = files;
    assert!(!one.0.exists());
    let rest = left(&two.0);
    assert_eq!(dropped, one.1 + two.1 - rest.len());
    assert_eq!(rest.first(), Some(&format!("2-{:04}", two.1 - rest.len())));
    assert_eq!(rest.last(), Some(&format!("2-{:04}", two.1 - 1)));
    assert_eq!(left(&three.0).len(), three.1);
    let size = size(&place.spool());
    assert!((LIMIT - SLACK..LIMIT + SLACK).contains(&size), "{size}");
    assert!(foreign.exists() && real.exists());
}

#[test]
fn a_directory_within_the_bound_is_left_alone() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let (file, count) = prepare(&place, &place.only(".ndjson"), 1, 60);
    let run = place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    assert!(run.warnings().iter().all(|warning| !warning.contains("dropped")), "{}", run.stderr);
    assert_eq!(left(&file).len(), count);
}

/// A session of which more waits than there may.
#[test]
fn a_session_drops_its_own_oldest() {
    const GUARDS: usize = 300;
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let long = "long".repeat(30_000);
    let run = place
        .to(&endpoint.url(), "suite::guards")
        .env("SUITE_GUARDS", GUARDS.to_string())
        .env("GITHUB_REF_NAME", &long)
        .env("GITHUB_WORKFLOW", &long)
        .env("GITHUB_JOB", &long)
        .finish()
        .exits(0);
    let kept = lines(&place.only(".ndjson"));
    assert!(size(&place.spool()) < LIMIT + SLACK, "{}", size(&place.spool()));
    assert!(size(&place.spool()) > LIMIT - SLACK, "{}", size(&place.spool()));
    assert!(run.warnings().iter().any(|warning| warning.contains("oldest")), "{}", run.stderr);
    // What was given up before is kept too, so that the oldest that can be dropped come after that.
    assert!(kept[kept.len() - 1].contains("session_end"));
    assert!(kept[kept.len() - 2].contains(&format!("::g{}\"", GUARDS - 1)));
    assert_eq!(sum_of_records(&run.stderr), GUARDS + 2, "{}", run.stderr);
}
