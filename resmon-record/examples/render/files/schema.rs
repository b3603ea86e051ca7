//! `docs/records.schema.json`

use std::fmt::Write;

use resmon_record::column::{Column, EVENTS, Group, Kind};
use resmon_record::fields::IN_CRASH_REPORTS;

use super::{columns, is_first};

/// The form of a time.
const TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+00:00$";

const HEAD: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$comment": "Rendered from resmon-record/src/fields.rs by `cargo run --package resmon-record --example render`.",
  "title": "A record of resmon",
  "description": "One line of a file that resmon writes. A later version may add fields.",
  "type": "object",
  "required": ["event_type"],
  "additionalProperties": true,
"#;

/// Renders the JSON Schema of a record: the types of all fields, and for each event the fields that it must have and
/// those that it must not have.
pub(super) fn render() -> String {
    let properties = columns().map(|(_, column)| column).filter(|column| is_first(column));
    let properties: Vec<_> = properties.map(property).collect();
    let events = EVENTS.map(event);
    format!(
        "{HEAD}  \"properties\": {{\n{}\n  }},\n  \"allOf\": [\n{}\n  ]\n}}\n",
        properties.join(",\n"),
        events.join(",\n"),
    )
}

/// Renders the values that a field may have in any event.
fn property(column: &Column) -> String {
    let values = column.values;
    let mut rules = vec![("description", quoted(&about(column.name)))];
    if !column.unit.is_empty() {
        rules.push(("x-unit", quoted(column.unit)));
    }
    let kind = match values.kind {
        Kind::String | Kind::DateTime => "string",
        Kind::Int32 | Kind::Int64 => "integer",
        Kind::Float64 => "number",
    };
    rules.push(("type", quoted(kind)));
    if !values.choices.is_empty() {
        rules.push(("enum", format!("[{}]", list(values.choices.iter().copied()))));
    }
    if values.kind == Kind::DateTime {
        rules.push(("pattern", quoted(TIME)));
    }
    let (least, most) = match values.kind {
        Kind::Int32 => (Some(i64::from(i32::MIN)), Some(i64::from(i32::MAX))),
        Kind::Int64 => (Some(i64::MIN), Some(i64::MAX)),
        _ => match column.unit {
            "%" => (Some(0), Some(100)),
            "s" => (Some(0), None),
            _ => (None, None),
        },
    };
    rules.extend(least.map(|least| {
        let least = if values.unsigned { 0 } else { least };
        ("minimum", least.to_string())
    }));
    rules.extend(most.map(|most| ("maximum", most.to_string())));
    let rules: Vec<_> =
        rules.into_iter().map(|(rule, value)| format!("      \"{rule}\": {value}")).collect();
    format!("    {}: {{\n{}\n    }}", quoted(column.name), rules.join(",\n"))
}

/// Renders the condition that holds for the records of an event.
fn event(event: &str) -> String {
    let inside = |(group, column): (&'static Group, &'static Column)| {
        group.place.events.contains(&event).then_some((group, column))
    };
    let required = columns().filter_map(inside).filter(|(_, column)| !column.values.optional);
    let is_told = |column: &Column| IN_CRASH_REPORTS.contains(&column.name);
    let (mut always, mut at_end) = (Vec::new(), Vec::new());
    for (group, column) in required {
        let needs_end = group.place.needs_end && !is_told(column);
        if needs_end { &mut at_end } else { &mut always }.push(column.name);
    }
    let foreign = columns().map(|(_, column)| column).filter(|column| {
        is_first(column)
            && !columns().filter_map(inside).any(|(_, other)| other.name == column.name)
    });
    let foreign: Vec<_> = foreign.map(|column| format!("{}: false", quoted(column.name))).collect();
    let (always, at_end) = (list(always.into_iter()), list(at_end.into_iter()));
    let crash = match event {
        "test" => Some("\"outcome\": { \"const\": \"crashed\" }"),
        "session_end" => Some("\"exit_status\": { \"const\": -1 }"),
        _ => None,
    };
    let at_end = crash.map_or(String::new(), |crash| {
        format!(
            "        \"if\": {{ \"properties\": {{ {crash} }} }},\n        \"else\": {{ \"required\": [{at_end}] }},\n"
        )
    });
    format!(
        r#"    {{
      "if": {{ "properties": {{ "event_type": {{ "const": {event} }} }} }},
      "then": {{
        "required": [{always}],
{at_end}        "properties": {{ {foreign} }}
      }}
    }}"#,
        event = quoted(event),
        foreign = foreign.join(", "),
    )
}

/// Returns the meaning of a field. Where it differs by event, says so.
fn about(name: &str) -> String {
    let meanings: Vec<_> = columns()
        .filter(|(_, column)| column.name == name)
        .map(|(group, column)| (group.place.events.join(", "), column.about.trim()))
        .collect();
    match meanings.as_slice() {
        [(_, about)] => (*about).to_owned(),
        several => several
            .iter()
            .map(|(events, about)| format!("In {events}: {about}"))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quoted).collect::<Vec<_>>().join(", ")
}

/// Quotes a text as JSON.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => {
                // A `String` takes everything.
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}
