//! Tests that run at the same time as others.

use crate::{
    MIB, Place,
    support::{Gate, Server},
    used,
};

#[test]
fn beside_noisy_neighbours_only_the_own_thread_counts() {
    let (place, gate) = (Place::new(), Gate::closed());
    let running = place
        .run("suite::beside::")
        .arg("--test-threads=4")
        .env("SUITE_GATE", gate.address())
        .start();
    // All four tests have begun.
    drop(gate.wait_for(4));
    assert!(running.finish().exits(0).is_quiet());
    let records = place.records();
    let test = |name: &str| records.test(&format!("suite::beside::{name}")).clone();
    assert_eq!(used(records.test("counted within")), [10_000, 10_240_000, 1024]);
    for name in ["counted", "loud", "louder"] {
        assert!(test(name).int("concurrent_tests") > 1, "{name}");
    }
    assert!(test("loud").int("alloc_count") >= 10_000);
    // The start of a thread allocates a little. The MiB that the thread allocates is not included.
    assert!(test("spawns").int("concurrent_tests") > 1);
    assert!(test("spawns").int("alloc_bytes") < MIB);
    assert!(!records.test("moved beside others").has("alloc_count"));
}

/// Records are sent while the tests run.
#[test]
fn what_resmon_does_at_the_same_time_does_not_count() {
    let (server, place) = (Server::accepting(), Place::new());
    let run = place.run("suite::one::").arg("--test-threads=1").env("RESMON_BATCH_SIZE", "1");
    let run = run.env("TINYBIRD_WRITE_TOKEN", "a-token").env("TINYBIRD_API_URL", server.url());
    assert!(run.finish().exits(0).is_quiet());
    let records = server.records();
    for (name, expected) in [
        ("nothing", [0, 0, 0]),
        ("ten_thousand", [10_000, 10_240_000, 1024]),
        ("zeroed", [1, 4096, 4096]),
    ] {
        let used = used(records.test(&format!("suite::one::{name}")));
        // These tolerances are for allocations that are not resmon's.
        let off: [_; 3] = std::array::from_fn(|index| used[index] - expected[index]);
        assert!((0..8).contains(&off[0]) && (0..512).contains(&off[1]), "{name}: {used:?}");
        assert!(off[2].abs() < 64 << 10, "{name}: {used:?}");
    }
}
