//! The Markdown report for GitHub.

use serde_json::json;

use crate::command::{Finish, report};
use crate::records::{Records, eventful};

#[test]
fn the_summary_has_the_run_what_went_wrong_and_what_cost_most() {
    let printed = report(&eventful().write()).arg("--markdown").finish().printed();
    for part in [
        "### shop, 2026-11-24 09:00:00 UTC, took 11.0 s\n",
        "❌ 11 tests: 1 crashed, 1 failed, 9 passed",
        "| crashed | <code>tests/api.rs::overflows</code> | SIGSEGV |\n",
        "- <code>tests/api.rs::hungry</code>: it needed 3 GiB",
        "<details open><summary>Most time</summary>\n\n| | test | |\n",
        "| 4.00 s | <code>tests/api.rs::slow</code> | CPU 2.40 s |\n",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    assert!(!printed.contains('\u{1b}'));
}

#[test]
fn a_name_is_neither_markdown_nor_html() {
    let mut records = Records::new();
    let hostile =
        "src/lib.rs::`a`|b|</code><img src=x onerror=alert(1)>\n# not a heading [x](y) @someone";
    records.test(hostile, 1.0, 1.0, json!({ "outcome": "failed" }));
    records.end(2.0, 1);
    let printed = report(&records.write()).arg("--markdown").finish().printed();
    let rows: Vec<_> = printed.lines().filter(|line| line.contains("not a heading")).collect();
    assert_eq!(rows.len(), 5, "{printed}");
    for row in rows {
        assert_eq!(row.matches('|').count(), if row.starts_with('|') { 4 } else { 0 }, "{row}");
        assert!(!row.contains('`') && !row.contains("<img") && !row.contains("[x]"), "{row}");
        assert!(!row.contains("@someone") && row.matches("</code>").count() == 1, "{row}");
    }
}

#[test]
fn it_is_never_longer_than_github_takes() {
    let mut records = Records::new();
    for number in 0..3000 {
        // Every character of the name needs an escape. Combining characters have no width.
        let id = format!("src/lib.rs::{}{}{number}", "|".repeat(400), "\u{301}".repeat(2000));
        let more =
            json!({ "outcome": "failed", "package": "p".repeat(500), "rss_after": 1_i64 << 31 });
        records.test(&id, 1.0, 1.0, more);
    }
    records.end(2.0, 1);
    let file = records.write();
    let printed = report(&file).args(["--markdown", "--top=100000"]).finish().printed();
    assert!(printed.len() < 1 << 20, "{}", printed.len());
    assert!(printed.contains("3,000 tests"), "{}", &printed[..200]);
}
