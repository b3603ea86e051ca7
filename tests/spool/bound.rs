//! The spool holds at most 64 MiB. The oldest records beyond that are dropped and counted, with a warning.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{Endpoint, Place, flood::sum_of_records, support::Finished};

const LIMIT: u64 = 64 << 20;
/// Bytes that may exceed the bound: the session's last records, and the blocks of the file system.
const SLACK: u64 = 2 << 20;

/// Returns the number at the beginning of the warning with these words.
fn counted(run: &Finished, words: &str) -> usize {
    let warning = run.warnings().into_iter().find(|warning| warning.contains(words));
    let warning = warning.unwrap_or_else(|| panic!("no warning of {words:?}: {}", run.stderr));
    let first = warning.split(' ').next().expect("a warning has a word");
    first.parse().unwrap_or_else(|_| panic!("{warning:?} does not begin with a number"))
}

/// Returns the number of bytes that a folder's files occupy on disk.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("it is there").flatten();
    entries.map(|entry| entry.metadata().expect("it is there").blocks() * 512).sum()
}

/// Returns the lines of a file without parsing them.
fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("records are UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// Writes segments of about a MiB each, as a session would have left them. A higher `number` means a younger session.
/// Returns the paths, and the number of records in each segment.
fn prepare(place: &Place, real: &Path, number: usize, segments: usize) -> (Vec<PathBuf>, usize) {
    const RECORDS: usize = 5;
    let name = real.file_name().expect("it has one").to_str().expect("a plain name");
    let destination = name.split('-').nth(1).expect("`ID-DESTINATION-NUMBER`");
    let long = format!("\"gh_ref_name\":\"{}\"", "r".repeat((1 << 20) / RECORDS));
    let record = lines(real)[1].replace("\"gh_ref_name\":\"\"", &long) + "\n";
    let segments = (1..=segments).map(|segment| {
        let path = place.spool().join(format!("{number:028x}-{destination}-{segment:04}.ndjson"));
        fs::write(&path, record.repeat(RECORDS)).expect("the folder is ours");
        path
    });
    (segments.collect(), RECORDS)
}

#[test]
fn the_oldest_of_earlier_sessions_are_dropped_and_no_more_than_must_be() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    place.settle();
    let real = place.only(".ndjson");
    // A file whose name is not resmon's must stay.
    let foreign = place.spool().join("notes.ndjson");
    fs::write(&foreign, lines(&real).join("\n")).expect("the folder is ours");
    let prepared = [(1, 10), (2, 20), (3, 45)]
        .map(|(number, segments)| prepare(&place, &real, number, segments));
    let run = place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let dropped = counted(&run, "dropped");
    // All segments of the first session are gone, and as many of the second as necessary.
    let segments: Vec<_> = prepared.iter().flat_map(|(segments, _)| segments).collect();
    let gone = segments.iter().take_while(|path| !path.exists()).count();
    assert!((10..15).contains(&gone), "{gone}");
    assert!(segments[gone..].iter().all(|path| path.exists()));
    assert_eq!(dropped, gone * prepared[0].1);
    let size = size(&place.spool());
    assert!((LIMIT - SLACK..LIMIT + SLACK).contains(&size), "{size}");
    assert!(foreign.exists() && real.exists());
}

#[test]
fn a_directory_within_the_bound_is_left_alone() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    place.settle();
    let (segments, _) = prepare(&place, &place.only(".ndjson"), 1, 60);
    let run = place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    assert!(run.warnings().iter().all(|warning| !warning.contains("dropped")), "{}", run.stderr);
    assert!(segments.iter().all(|path| path.exists()));
}

/// Runs a session that alone has more records waiting than the bound allows.
#[test]
fn a_session_drops_its_own_oldest() {
    const GUARDS: usize = 300;
    const BATCH: usize = 10;
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let long = "long".repeat(30_000);
    let run = place
        .to(&endpoint.url(), "suite::guards")
        .env("SUITE_GUARDS", GUARDS.to_string())
        .env("RESMON_BATCH_SIZE", BATCH.to_string())
        .env("GITHUB_REF_NAME", &long)
        .env("GITHUB_WORKFLOW", &long)
        .env("GITHUB_JOB", &long)
        .finish()
        .exits(0);

    let segments: Vec<_> =
        place.names().into_iter().filter(|name| name.ends_with(".ndjson")).collect();
    assert!(size(&place.spool()) < LIMIT + SLACK, "{}", size(&place.spool()));
    assert!(size(&place.spool()) > LIMIT - SLACK, "{}", size(&place.spool()));
    let lost = run.warnings().into_iter().find(|warning| warning.contains(" lost: "));
    assert!(
        lost.is_some_and(|lost| lost.contains("more than 64 MiB wait there")),
        "{}",
        run.stderr
    );
    let newest = lines(&place.spool().join(&segments[segments.len() - 1]));
    assert!(newest[newest.len() - 1].contains("session_end"));
    assert!(
        newest.len() == 1 || newest[newest.len() - 2].contains(&format!("::g{}\"", GUARDS - 1))
    );
    let sum_in = |words: &str| -> usize {
        let warnings = run.warnings().into_iter().filter(|warning| warning.contains(words));
        warnings.map(sum_of_records).sum()
    };
    // The warnings count every kept record and every lost one.
    let waiting = place.waiting_lines();
    assert_eq!(waiting, sum_in("kept in") - sum_in("not kept"), "{}", run.stderr);
    // A batch that the sender gave up, and was setting aside at the moment when the session dropped it, counts as lost.
    let told = waiting + sum_in(" lost: ");
    assert!((GUARDS + 2..=GUARDS + 2 + BATCH).contains(&told), "{told}: {}", run.stderr);
    assert!(!run.stderr.contains("has ended"), "{}", run.stderr);
}
