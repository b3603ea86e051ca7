//! The page in a browser, used as a person uses it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::command::{Finish, report};
use crate::records::{Records, eventful};
use crate::webdriver::{Browser, DOWN, ENTER, Seen};

/// Opens the page of these records in a browser, without network requests. `None` if there is no Chromium.
pub(crate) fn open(records: &Records) -> Option<(Browser, PathBuf)> {
    let page = records.path("report.html");
    report(&records.write()).arg("--html").arg(&page).finish().printed();
    let browser = Browser::start()?;
    browser.open(&page);
    // A page counts as loaded when its script has run.
    let ready = browser.value("performance.getEntriesByName('ready').length");
    assert_eq!(ready, 1, "{:?}", browser.seen().console);
    Some((browser, page))
}

/// Requires that the page requested nothing but itself and logged nothing to the console.
#[track_caller]
pub(crate) fn assert_silent(browser: &Browser) {
    let Seen { urls, console } = browser.seen();
    let others: Vec<_> = urls.iter().filter(|url| !is_own(url)).collect();
    assert!(others.is_empty(), "requested: {others:?}");
    assert!(urls.iter().any(|url| url.starts_with("file:")), "the log of requests works: {urls:?}");
    assert!(console.is_empty(), "{console:?}");
}

fn is_own(url: &str) -> bool {
    (url.starts_with("file:") && url.ends_with("/report.html")) || url.starts_with("data:")
}

/// Returns the names of the tests in the table.
fn names(browser: &Browser) -> Vec<String> {
    let names = browser
        .value("[...document.querySelectorAll('#table > tbody > tr > td.name')].map(cell => cell.querySelector('button > span').textContent)");
    names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Returns the `aria-sort` of a column.
fn sorted(browser: &Browser, key: &str) -> Value {
    browser
        .value(&format!("document.querySelector('th[data-key={key}]').getAttribute('aria-sort')"))
}

#[test]
fn the_table_is_sorted_by_click_and_by_key() {
    let records = eventful();
    let Some((browser, _)) = open(&records) else { return };
    assert_eq!(names(&browser)[..2], ["tests/api.rs::slow", "tests/api.rs::flaky"]);
    assert_eq!(sorted(&browser, "time"), "descending");

    browser.click("th[data-key=id] button");
    assert_eq!(sorted(&browser, "id"), "ascending");
    assert_eq!(sorted(&browser, "time"), Value::Null);
    let ascending = names(&browser);
    assert!(ascending.is_sorted() && ascending.len() == 11, "{ascending:?}");

    browser.press(ENTER);
    assert_eq!(sorted(&browser, "id"), "descending");
    assert_eq!(names(&browser), ascending.into_iter().rev().collect::<Vec<_>>());

    browser.click("th[data-key=peak] button");
    assert_eq!(names(&browser)[0], "tests/api.rs::hungry");
    // Tests without a figure come last in both directions.
    assert_eq!(names(&browser)[10], "tests/api.rs::overflows");
    browser.click("th[data-key=peak] button");
    assert_eq!(names(&browser)[10], "tests/api.rs::overflows");

    browser.click("th[data-key=outcome] button");
    assert_eq!(names(&browser)[..2], ["tests/api.rs::overflows", "tests/api.rs::broken"]);
    assert_silent(&browser);
}

#[test]
fn little_and_nothing_are_figures() {
    let mut records = Records::empty();
    records.begin("run-1");
    let more = json!({ "rss_after": 10 << 20, "cpu_user_s": 0.0, "cpu_system_s": 0.0 });
    records.test("src/lib.rs::still", 1.0, 4e-7, more);
    let more = json!({ "rss_after": 9 << 20, "cpu_scope": "thread", "cpu_user_s": 1.0 });
    records.test("src/lib.rs::shrinks", 2.0, 2.0, more);
    records.end(5.0, 0);
    let Some((browser, _)) = open(&records) else { return };
    let cells = |row: usize| {
        let row = format!("document.querySelectorAll('#table > tbody > tr')[{row}].cells");
        browser.value(&format!("[...{row}].slice(2).map(cell => cell.innerText)"))
    };
    assert_eq!(cells(0), json!(["2.00 s", "≥ 1.20 s", "20 MiB", "−1 MiB"]));
    assert_eq!(cells(1), json!(["1 µs", "0 s", "20 MiB", "0 B"]));
    assert_silent(&browser);
}

#[test]
fn the_table_is_filtered_by_words_and_by_outcome() {
    let records = eventful();
    let Some((browser, _)) = open(&records) else { return };
    // Nothing has the focus yet, and `/` focuses the filter.
    browser.press("/");
    browser.press("short LIB");
    browser.wait("document.getElementById('count').textContent === '6 of 11 tests'");
    assert!(names(&browser).iter().all(|name| name.contains("short_")));
    browser.run("document.getElementById('filter').select()");
    browser.press("none such");
    browser.wait("document.getElementById('count').textContent === '0 of 11 tests'");
    assert_eq!(names(&browser).len(), 0);
    browser.run("document.getElementById('filter').select()");
    browser.press("api");
    browser.click("[data-outcome=failed]");
    assert_eq!(names(&browser), ["tests/api.rs::broken"]);
    assert_eq!(
        browser.value("document.querySelector('[data-outcome=failed]').ariaPressed"),
        "true"
    );
    browser.click("[data-outcome='']");
    assert_eq!(names(&browser).len(), 5);
    assert_silent(&browser);
}

#[test]
fn a_test_opens_with_its_attempts_and_earlier_runs() {
    let records = eventful();
    let Some((browser, _)) = open(&records) else { return };
    let detail = "document.querySelector('tr.detail')?.innerText ?? ''";
    browser.click("#table tbody tr:nth-child(2) button");
    let text = browser.value(detail);
    for part in ["Attempt 1", "Attempt 3", "failed", "passed", "Peak memory", "20 MiB"] {
        assert!(text.as_str().unwrap().contains(part), "{part}: {text}");
    }
    let controlled =
        "document.getElementById(document.activeElement.getAttribute('aria-controls')).className";
    assert_eq!(browser.value(controlled), "detail");
    browser.press(ENTER);
    assert_eq!(browser.value(detail), "");

    // The keyboard alone reaches and opens the first remaining test.
    browser.click("[data-outcome=passed]");
    browser.run("document.querySelector('#table tbody button').focus()");
    browser.press(DOWN);
    browser.press(DOWN);
    let focused = browser.value("document.activeElement.innerText");
    assert!(focused.as_str().unwrap().contains("short_"), "{focused}");
    browser.press(ENTER);
    let text = browser.value(detail);
    let text = text.as_str().unwrap();
    assert!(text.contains("Earlier runs") && text.contains("2026-11-24 08:00"), "{text}");

    // A link in the list at the top of the page filters the table.
    browser.click("a[data-test='tests/api.rs::overflows']");
    assert_eq!(names(&browser), ["tests/api.rs::overflows"]);
    assert!(browser.value(detail).as_str().unwrap().contains("SIGSEGV"));
    assert_silent(&browser);
}

#[test]
fn a_link_to_a_test_opens_it() {
    let records = eventful();
    let Some((browser, page)) = open(&records) else { return };
    browser.click("#table tbody button");
    let hash = browser.value("location.hash");
    assert_eq!(hash, "#test=tests%2Fapi.rs%3A%3Aslow");
    browser.open(&PathBuf::from("/"));
    browser.open(&PathBuf::from(format!("{}{}", page.display(), hash.as_str().unwrap())));
    browser.wait("document.querySelector('tr.detail')");
    assert_eq!(names(&browser), ["tests/api.rs::slow"]);
}

#[test]
fn the_timeline_tells_what_the_pointer_is_on() {
    let records = eventful();
    let Some((browser, _)) = open(&records) else { return };
    browser.run("document.getElementById('timeline').scrollIntoView({ block: 'center' })");
    // The failed test is drawn after the passed ones.
    let failed = ".chart:first-child rect[fill='#DC2626']:last-of-type";
    browser.point(failed);
    let tip = browser.value("document.getElementById('tip').innerText");
    let tip = tip.as_str().unwrap();
    assert!(tip.contains("CPU 60 %") && tip.contains("memory "), "{tip}");
    assert!(tip.contains("tests/api.rs::broken failed, 300 ms"), "{tip}");
    browser.click(failed);
    assert_eq!(names(&browser), ["tests/api.rs::broken"]);
    assert_eq!(browser.value("document.querySelectorAll('tr.detail').length"), 1);
    assert_silent(&browser);
}

#[test]
fn a_hostile_name_is_text() {
    let mut records = Records::new();
    let hostile = r#"src/lib.rs::</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">&amp;'"#;
    records.test(hostile, 1.0, 1.0, json!({ "outcome": "failed" }));
    records.end(2.0, 1);
    let Some((browser, _)) = open(&records) else { return };
    assert_eq!(names(&browser), [hostile]);
    browser.click("#table tbody button");
    assert_eq!(browser.value("document.querySelector('.list a').textContent"), hostile);
    assert_eq!(browser.value("typeof window.hacked"), "undefined");
    assert_eq!(browser.value("document.images.length"), 0);
    assert_silent(&browser);
}

#[test]
fn it_fits_every_screen_in_light_and_dark() {
    let records = eventful();
    let Some((browser, _)) = open(&records) else { return };
    browser.click("#table tbody tr:nth-child(2) button");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for (width, height) in [(320, 700), (390, 844), (768, 1024), (1280, 900)] {
            browser.resize(width, height);
            browser.wait(&format!("innerWidth === {width}"));
            let over = browser.value("document.documentElement.scrollWidth - innerWidth");
            assert!(over.as_i64().unwrap() <= 0, "{over} pixels too wide at {width}");
            let charts = "[...document.querySelectorAll('#timeline svg')].filter(svg => svg.getBoundingClientRect().width > 0).length";
            assert_eq!(browser.value(charts), 1);
            browser.picture(&format!("{width}-{scheme}.png"));
        }
        // Text is checked against the background behind it, in the chart as well.
        let contrast = browser.run(CONTRAST);
        for (what, ratio) in contrast.as_object().unwrap() {
            assert!(ratio.as_f64().unwrap() >= 4.5, "{what} in {scheme}: {ratio}");
        }
    }
    assert_silent(&browser);
}

/// A script that returns the contrast of text to its panel, by the formula of the Web Content Accessibility Guidelines.
const CONTRAST: &str = "
    const light = (color) => {
        const [r, g, b] = color.match(/[\\d.]+/g).map((part) => {
            const share = part / 255;
            return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    const ground = light(style('section').backgroundColor);
    const contrast = (color) => {
        const [less, more] = [light(color), ground].sort((a, b) => a - b);
        return (more + 0.05) / (less + 0.05);
    };
    const words = ['h2', '.list a', '.quiet', 'td .passed', 'td .failed', 'td .flaky', '.badge.flaky'];
    const ratios = Object.fromEntries(words.map((word) => [word, contrast(style(word).color)]));
    ratios['the words of the chart'] = contrast(style('#timeline text').fill);
    return ratios;
";

#[test]
fn twenty_thousand_tests_are_there_at_once() {
    let mut records = Records::new();
    for number in 0..20_000 {
        let (id, at) = (
            format!("crates/shop/src/module_{}.rs::tests::case_{number}", number % 97),
            f64::from(number) / 100.0,
        );
        records.test(&id, at + 1.0, 0.005 + f64::from(number % 1000) / 1e5, json!({}));
    }
    records.end(202.0, 0);
    let Some((browser, page)) = open(&records) else { return };
    let size = fs::metadata(page).unwrap().len();
    assert!(size < 10 << 20, "{size} bytes");
    let ready =
        browser.value("performance.getEntriesByName('ready')[0].startTime").as_f64().unwrap();
    println!("ready after {ready:.0} ms, {size} bytes");
    // An idle machine needs well below 2 s.
    assert!(ready < 20_000.0, "{ready} ms");
    // Rows are created only when they scroll into view.
    let rows = "document.querySelectorAll('#table > tbody > tr').length";
    assert!(browser.value(rows).as_u64().unwrap() < 1000);
    browser.run("document.getElementById('more').scrollIntoView()");
    browser.wait(&format!("{rows} >= 200"));
    let parts =
        browser.value("document.querySelectorAll('#timeline svg *').length").as_u64().unwrap();
    assert!(parts < 10_000, "{parts} parts of the chart");

    browser.press("/");
    browser.press("case_19999");
    browser.wait("document.getElementById('count').textContent === '1 of 20,000 tests'");
    assert_eq!(names(&browser), ["crates/shop/src/module_17.rs::tests::case_19999"]);
    browser.click("th[data-key=id] button");
    browser.run("document.getElementById('filter').value = ''; document.getElementById('filter').dispatchEvent(new Event('input'))");
    assert_eq!(names(&browser)[0], "crates/shop/src/module_0.rs::tests::case_0");
    assert_silent(&browser);
}

#[test]
fn a_request_and_a_word_on_the_console_would_be_noticed() {
    let records = Records::empty();
    let page = records.path("report.html");
    fs::write(
        &page,
        "<img src='http://127.0.0.1:9/pixel.png'><script>console.log('word')</script>",
    )
    .unwrap();
    let Some(browser) = Browser::start() else { return };
    browser.open(&page);
    let Seen { urls, console } = browser.seen();
    assert!(
        urls.iter().any(|url| url == "http://127.0.0.1:9/pixel.png" && !is_own(url)),
        "{urls:?}"
    );
    assert!(console.iter().any(|line| line.contains("word")), "{console:?}");
}
