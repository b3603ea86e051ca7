//! The report in a terminal.

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use crate::command::{Finish, report};
use crate::records::{Records, eventful};

/// Returns the lines under a heading.
fn section<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| !line.starts_with(heading)).skip(1);
    lines.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn the_run_is_told_in_a_few_lines() {
    let printed = report(&eventful().write()).finish().printed();
    let head: Vec<_> = printed.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(
        head,
        [
            "shop, 2026-11-24 09:00:00 UTC, took 11.0 s",
            "11 tests: 1 crashed, 1 failed, 9 passed (1 only when tried again), 2 retries, exit status 101",
            "linux x86_64, Some CPU, 4 CPUs (2 allowed), 16 GiB of memory (4 GiB allowed)",
            "Tests ran for 7.00 s, they used at least 4.50 s of CPU, the machine's CPUs were 60 % busy, \
             at least 9 GiB of its memory stayed available",
        ]
    );
}

#[test]
fn what_went_wrong_comes_first_and_crashes_before_failures() {
    let printed = report(&eventful().write()).finish().printed();
    let headings: Vec<_> =
        printed.split("\n\n").skip(1).filter_map(|part| part.lines().next()).collect();
    assert_eq!(headings[0], "Look at these first");
    assert_eq!(
        section(&printed, "Look at these first"),
        [
            "  crashed  tests/api.rs::overflows  SIGSEGV",
            "  failed   tests/api.rs::broken     after 300 ms",
            "  flaky    tests/api.rs::flaky      after 800 ms, passed at attempt 3",
        ]
    );
}

#[test]
fn the_tests_that_cost_most_are_listed_by_each_measure() {
    let printed = report(&eventful().write()).arg("--top=2").finish().printed();
    assert_eq!(
        section(&printed, "Most time"),
        [
            "  4.00 s  ██████████  tests/api.rs::slow   CPU 2.40 s",
            "  800 ms  ██          tests/api.rs::flaky  CPU 480 ms",
        ]
    );
    assert_eq!(
        section(&printed, "Most CPU")[0],
        "  2.40 s  ██████████  tests/api.rs::slow   0.6 CPUs for 4.00 s"
    );
    assert_eq!(
        section(&printed, "Most memory")[0],
        "   3 GiB  ██████████  tests/api.rs::hungry        75 % of 4 GiB"
    );
    assert_eq!(
        section(&printed, "Most growth")[0],
        "  +1014 MiB  ██████████  tests/api.rs::hungry        to 1 GiB"
    );
}

#[test]
fn figures_say_what_they_cover() {
    let printed = report(&eventful().write()).arg("--top=20").finish().printed();
    let find = |heading| {
        let lines = section(&printed, heading);
        lines.into_iter().find(|line| line.contains("::broken")).unwrap().to_owned()
    };
    assert!(find("Most CPU").ends_with("own thread only"));
    assert!(find("Most memory").ends_with("of the process, with 3 tests at once"));
}

#[test]
fn advice_follows_where_figures_call_for_it() {
    let printed = report(&eventful().write()).finish().printed();
    let advice = section(&printed, "Advice").join("\n");
    for part in [
        "tests/api.rs::hungry\n    it needed 3 GiB of the 4 GiB of memory there are for the run, 75 %",
        "tests/api.rs::flaky\n    passed at attempt 3",
        "tests/api.rs::slow\n    took 4.00 s instead of the usual 1.00 s",
        "tests/api.rs::slow\n    takes 4.00 s of the 7.00 s in which tests run",
    ] {
        assert!(advice.contains(part), "{part}\n{advice}");
    }
}

/// Returns the advice on a suite without problems, to which `wrong` adds some.
fn advice_on(wrong: impl FnOnce(&mut Records)) -> String {
    let mut records = Records::new();
    for number in 1..=9 {
        records.test(
            &format!("src/lib.rs::ok_{number}"),
            f64::from(number),
            1.0,
            json!({
                "cpu_user_s": 0.9,
            }),
        );
    }
    wrong(&mut records);
    records.end(12.0, 0);
    section(&report(&records.write()).finish().printed(), "Advice").join("\n")
}

#[test]
fn a_suite_in_order_gets_no_advice() {
    assert_eq!(advice_on(|_| ()), "");
}

#[test]
fn a_test_that_keeps_several_cpus_busy_is_named() {
    let advice = advice_on(|records| {
        records.test("src/lib.rs::busy", 10.0, 1.0, json!({ "cpu_user_s": 3.4 }));
    });
    assert!(
        advice.contains("src/lib.rs::busy\n    keeps 3.5 CPUs busy (3.50 s of CPU in 1.00 s)"),
        "{advice}"
    );
}

#[test]
fn memory_and_disk_that_run_out_are_told() {
    let advice = advice_on(|records| {
        let low = json!({ "mem_available_min": 300 << 20, "disk_percent_after": 97.0, "disk_free_after": 1 << 30 });
        records.test("src/lib.rs::low", 10.0, 1.0, low);
    });
    assert!(
        advice.contains("src/lib.rs::low\n    while it ran, only 300 MiB of the machine's 16 GiB"),
        "{advice}"
    );
    assert!(advice.contains("the disk was 97 % full, 1 GiB were free"), "{advice}");
}

#[test]
fn a_suite_that_waits_is_told_so() {
    let mut records = Records::new();
    for number in 1..=9 {
        let idle = json!({ "cpu_user_s": 0.1, "cpu_system_s": 0.0 });
        records.test(&format!("src/lib.rs::waits_{number}"), f64::from(number), 1.0, idle);
    }
    records.end(12.0, 0);
    let printed = report(&records.write()).finish().printed();
    let advice = section(&printed, "Advice").join("\n");
    assert!(
        advice.contains("used 900 ms of CPU in 9.00 s on 2 CPUs, 5 % of what they could"),
        "{advice}"
    );
}

#[test]
fn a_suite_that_runs_one_test_at_a_time_is_told_so() {
    let mut records = Records::new();
    for number in 1..=9 {
        let busy = json!({ "cpu_user_s": 1.0, "cpu_system_s": 0.0 });
        records.test(&format!("src/lib.rs::computes_{number}"), f64::from(number), 1.0, busy);
    }
    let lines = records.lines().replace("\"cpu_limit\":2.0", "\"cpu_limit\":16.0");
    let lines = lines.replace("\"cpu_count\":4", "\"cpu_count\":16");
    let printed = report(&records.write_bytes(lines.as_bytes())).finish().printed();
    let advice = section(&printed, "Advice").join("\n");
    assert!(
        advice.contains("on 16 CPUs, 6 % of what they could: only 1 of them ran at once"),
        "{advice}"
    );
}

#[test]
fn a_kill_and_a_missing_end_are_explained() {
    let mut records = Records::new();
    records.crash("src/lib.rs::eats", 1.0, 9);
    let printed = report(&records.write()).finish().printed();
    let advice = section(&printed, "Advice").join("\n");
    assert!(advice.contains("src/lib.rs::eats\n    ended by SIGKILL"), "{advice}");
    assert!(advice.contains("the end of the run is not recorded"), "{advice}");
}

#[test]
fn a_run_without_tests_says_what_it_takes() {
    let mut records = Records::new();
    records.end(1.0, 0);
    let printed = report(&records.write()).finish().printed();
    assert!(printed.contains("\n0 tests\n"), "{printed}");
    assert!(
        printed.contains(
            "no test is recorded: figures per test need the harness of `cargo resmon test`"
        ),
        "{printed}"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut records = eventful();
    let wide = format!("tests/テスト.rs::{}", "日本語の名前_".repeat(30));
    records.test(&wide, 5.0, 2.0, json!({ "rss_peak": 1_i64 << 31 }));
    let file = records.write();
    for columns in [40, 60, 72, 80, 100, 120, 200] {
        let printed = report(&file).env("COLUMNS", columns.to_string()).finish().printed();
        for line in printed.lines() {
            assert!(line.width() <= columns, "{columns}: {line}");
        }
        assert!(printed.contains('…'), "{columns}");
    }
}

/// Uses `script`, which Debian always has, to run the program in a terminal of a given size.
#[cfg(target_os = "linux")]
#[test]
fn the_size_of_a_terminal_is_respected() {
    let records = eventful();
    let command = |size: &str| {
        let program = env!("CARGO_BIN_EXE_cargo-resmon");
        let file = records.write();
        let line = format!("{size}; '{program}' resmon report '{}'", file.display());
        let mut script = std::process::Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        script.env("TERM", "xterm").env_remove("COLUMNS").env_remove("NO_COLOR");
        script.stdin(std::process::Stdio::null()).finish().printed()
    };
    for (size, columns) in [("stty rows 40 cols 50", 50), ("stty rows 0 cols 0", 80)] {
        let printed = command(size);
        assert!(printed.contains("\u{1b}[1m"), "{printed}");
        let widest = printed
            .lines()
            .map(|line| anstream::adapter::strip_str(line).to_string().trim_end().width());
        let widest = widest.max().unwrap();
        assert!(widest <= columns && widest > columns - 10, "{widest} of {columns}: {printed}");
    }
}

#[test]
fn a_pipe_gets_whole_names_and_no_colours() {
    let mut records = eventful();
    let long = format!("tests/api.rs::{}", "very_".repeat(60));
    records.test(&long, 5.0, 6.0, json!({}));
    let printed = report(&records.write()).finish().printed();
    assert!(printed.contains(&long));
    assert!(!printed.contains('\u{1b}'));
}

#[test]
fn colours_can_be_asked_for_and_refused() {
    let records = eventful();
    let file = records.write();
    let coloured = report(&file).env("CLICOLOR_FORCE", "1").finish().printed();
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31mcrashed"), "{coloured}");
    let plain = report(&file).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").finish().printed();
    assert!(!plain.contains('\u{1b}'));
}

#[test]
fn a_name_cannot_move_the_cursor() {
    let mut records = Records::new();
    records.test("src/lib.rs::\u{1b}[2Jgone\r\nover", 1.0, 1.0, json!({ "outcome": "failed" }));
    let printed = report(&records.write()).finish().printed();
    assert!(!printed.contains('\u{1b}') && !printed.contains('\r'), "{printed:?}");
    assert!(printed.contains("src/lib.rs::\u{fffd}[2Jgone\u{fffd}\u{fffd}over"), "{printed}");
}
