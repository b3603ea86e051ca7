//! Requests to Tinybird that check the token and the data source.

use resmon_delivery::client::{Answer, Client};
use resmon_runtime::collector::{Output, Plan};
use serde_json::Value;

use super::{Findings, columns};

pub(super) fn examine(findings: &mut Findings, plan: &Plan) {
    let Output::Tinybird { base, datasource } = plan.output() else { return };
    let Some(endpoint) = plan.endpoint() else { return };
    let client = Client::new(endpoint.clone());
    match client.datasource() {
        Err(problem) => {
            findings.problem("tinybird", format_args!("{base} does not answer: {problem}"));
            return;
        }
        Ok(answer) => reading(findings, datasource, &answer),
    }
    match client.no_records() {
        Err(problem) => {
            findings.problem("tinybird", format_args!("{base} does not answer: {problem}"));
        }
        Ok(answer) => writing(findings, datasource, &answer),
    }
}

/// Reports the answer to a request for the data source. A token that may only append is refused here.
fn reading(findings: &mut Findings, datasource: &str, answer: &Answer) {
    let what = "data source";
    match answer.status {
        200 => match columns_of(&answer.body) {
            None => findings.note(what, format_args!("{datasource} exists; cannot tell its columns")),
            Some(there) => match columns::faults(&there).as_slice() {
                [] => findings.good(what, format_args!("{datasource} exists and has the columns")),
                faults => findings.problem(
                    what,
                    format_args!("{datasource} does not fit: {}", faults.join(", ")),
                ),
            },
        },
        401 | 403 => findings.note(
            what,
            "cannot tell whether it exists and fits: the token may not read it, as is usual for one that writes",
        ),
        404 => findings.problem(
            what,
            format_args!("there is no {datasource}, or the token is not of this region{}", said(answer)),
        ),
        status => findings.note(what, format_args!("cannot tell: HTTP {status}{}", said(answer))),
    }
}

/// Reports the answer to a request that writes no record.
fn writing(findings: &mut Findings, datasource: &str, answer: &Answer) {
    let what = "token";
    match answer.status {
        200..=299 => findings.good(what, format_args!("accepted for writing to {datasource}")),
        401 | 403 => findings.problem(
            what,
            format_args!(
                "not accepted for writing to {datasource}: HTTP {}{}",
                answer.status,
                said(answer)
            ),
        ),
        404 => findings.problem(
            what,
            format_args!(
                "no {datasource} that it may write to, or not in this region{}",
                said(answer)
            ),
        ),
        400 => findings
            .good(what, "not refused: the endpoint only complains that the request has no record"),
        status => findings.note(what, format_args!("cannot tell: HTTP {status}{}", said(answer))),
    }
}

/// Returns the message of an error answer on one line, in parentheses.
fn said(answer: &Answer) -> String {
    let json: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let words = json["error"].as_str().unwrap_or(&answer.body);
    let words: Vec<_> = words
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line: String = words.join(" ").chars().take(200).collect();
    if line.is_empty() { line } else { format!(" ({line})") }
}

/// Returns the name and type of each column. Tinybird gives them as a list or as one text.
fn columns_of(body: &str) -> Option<Vec<(String, String)>> {
    let json: Value = serde_json::from_str(body).ok()?;
    let lists = [&json["columns"], &json["schema"]["columns"]];
    if let Some(columns) = lists.iter().find_map(|list| list.as_array()) {
        let column = |column: &Value| {
            Some((column["name"].as_str()?.to_owned(), column["type"].as_str()?.to_owned()))
        };
        return columns.iter().map(column).collect();
    }
    let text = [&json["schema"]["sql_schema"], &json["schema"]];
    let text = text.iter().find_map(|text| text.as_str())?;
    let columns = split(text).into_iter().map(|column| {
        let (name, rest) = column.trim().split_once(' ')?;
        let kind = rest.split_whitespace().next()?;
        Some((name.trim_matches('`').to_owned(), kind.to_owned()))
    });
    columns.collect()
}

/// Splits at the commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let is_between = |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    };
    text.split(is_between).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_in_either_form() {
        let wanted =
            [("a".to_owned(), "Int32".to_owned()), ("b".to_owned(), "DateTime64(3)".to_owned())];
        for body in [
            r#"{"columns":[{"name":"a","type":"Int32"},{"name":"b","type":"DateTime64(3)"}]}"#,
            r#"{"schema":{"columns":[{"name":"a","type":"Int32"},{"name":"b","type":"DateTime64(3)"}]}}"#,
            r#"{"schema":"`a` Int32 `json:$.a` DEFAULT 0, b DateTime64(3)"}"#,
            r#"{"schema":{"sql_schema":"`a` Int32, `b` DateTime64(3) `json:$.b`"}}"#,
        ] {
            assert_eq!(columns_of(body).as_deref(), Some(&wanted[..]), "{body}");
        }
        assert_eq!(columns_of("{}"), None);
        assert_eq!(columns_of("<html>"), None);
    }
}
