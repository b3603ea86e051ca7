//! The page as a file.

use std::fs;

use serde_json::json;

use crate::command::{Finish, report};
use crate::records::{Records, eventful};

#[test]
fn the_page_is_written_and_its_place_is_said() {
    let records = eventful();
    let page = records.path("report.html");
    let finished = report(&records.write()).arg("--html").arg(&page).finish();
    assert_eq!(finished.stdout, "");
    assert!(
        finished.stderr.contains("the report is in ") && finished.stderr.contains("report.html")
    );
    let html = fs::read_to_string(page).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
}

#[test]
fn the_page_can_be_had_together_with_the_summary() {
    let records = eventful();
    let page = records.path("report.html");
    let command = &mut report(&records.write());
    let printed = command.arg("--markdown").arg("--html").arg(&page).finish().printed();
    assert!(printed.starts_with("### shop"));
    assert!(page.exists());
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let records = eventful();
    let page = records.path("nowhere/report.html");
    let complaint = report(&records.write()).arg("--html").arg(&page).finish().complaint();
    assert!(complaint.contains("cannot write ") && complaint.contains("nowhere"), "{complaint}");
}

#[test]
fn names_cannot_leave_the_place_they_are_put_in() {
    let mut records = Records::new();
    let hostile =
        r#"src/lib.rs::</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>"&'"#;
    records.test(hostile, 1.0, 1.0, json!({ "outcome": "failed", "package": "</script><b>" }));
    records.end(2.0, 1);
    let page = records.path("report.html");
    report(&records.write()).arg("--html").arg(&page).finish().printed();
    let html = fs::read_to_string(page).unwrap();
    // The page has two scripts of its own and no other.
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script").count(), 2);
    assert!(!html.contains("<img") && !html.contains("<b>"));
    assert!(!html.contains("<!--"));
}

#[test]
fn nothing_in_the_page_names_another_place() {
    let records = eventful();
    let page = records.path("report.html");
    report(&records.write()).arg("--html").arg(&page).finish().printed();
    let html = fs::read_to_string(page).unwrap();
    // The namespace of SVG is a name and not an address.
    let html = html.replace("http://www.w3.org/2000/svg", "");
    for word in ["http:", "https:", "//cdn", "@import", "url("] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(html.contains("Content-Security-Policy\" content=\"default-src 'none';"));
}
