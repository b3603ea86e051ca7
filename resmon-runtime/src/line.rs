//! One record as a line of NDJSON, written by hand: in the dev profile, in which tests are built,
//! serde's derived code costs more than the rest of a record.

use std::io::Write;

use crate::outcome::Outcome;
use crate::timestamp::Timestamp;

/// A JSON object under construction.
#[derive(Clone, Debug)]
pub(crate) struct Line(Vec<u8>);

impl Line {
    pub(crate) fn new() -> Self {
        // A test's record has about 800 bytes.
        Self(Vec::with_capacity(1024))
    }

    /// Adds `key`, which needs no escaping, unless the value is one that cannot be given.
    pub(crate) fn field(&mut self, key: &str, value: impl Value) {
        if value.is_missing() {
            return;
        }
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
        value.write(&mut self.0);
    }

    /// Adds the fields of another, unfinished, line.
    pub(crate) fn fields(&mut self, other: &Line) {
        if let Some((_brace, fields)) = other.0.split_first() {
            self.0.push(if self.0.is_empty() { b'{' } else { b',' });
            self.0.extend_from_slice(fields);
        }
    }

    /// The whole line with its line feed.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}\n");
        self.0
    }
}

/// A value of a record's field.
pub(crate) trait Value {
    fn write(&self, out: &mut Vec<u8>);

    /// Whether the field is to be left out.
    fn is_missing(&self) -> bool {
        false
    }
}

impl<V: Value> Value for Option<V> {
    fn write(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn is_missing(&self) -> bool {
        self.as_ref().is_none_or(V::is_missing)
    }
}

impl<V: Value + ?Sized> Value for &V {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }

    fn is_missing(&self) -> bool {
        (**self).is_missing()
    }
}

impl Value for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        // Writing to a `Vec` cannot fail.
        let _ = write!(out, "{self}");
    }

    /// JSON has no word for these.
    fn is_missing(&self) -> bool {
        !self.is_finite()
    }
}

macro_rules! display {
    ($($type:ty => $format:literal),*) => {$(
        impl Value for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let _ = write!(out, $format, self);
            }
        }
    )*};
}

display!(i32 => "{}", u32 => "{}", u64 => "{}", Timestamp => "\"{}\"", Outcome => "\"{}\"");

impl Value for str {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        for &byte in self.as_bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                0..0x20 => {
                    let _ = write!(out, "\\u{byte:04x}");
                }
                _ => out.push(byte),
            }
        }
        out.push(b'"');
    }
}

impl Value for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(line: Line) -> serde_json::Value {
        let bytes = line.finish();
        assert_eq!(bytes.iter().position(|&byte| byte == b'\n'), Some(bytes.len() - 1));
        serde_json::from_slice(&bytes).unwrap()
    }

    proptest! {
        #[test]
        fn any_string_and_number_reads_back(text: String, float in any::<f64>(), int: u64) {
            let mut line = Line::new();
            line.field("text", &text);
            line.field("float", float);
            line.field("int", int);
            let value = parsed(line);
            prop_assert_eq!(value["text"].as_str(), Some(text.as_str()));
            prop_assert_eq!(value["float"].as_f64(), float.is_finite().then_some(float));
            prop_assert_eq!(value["int"].as_u64(), Some(int));
        }
    }

    #[test]
    fn what_is_missing_is_left_out() {
        let mut line = Line::new();
        line.field("none", None::<u64>);
        line.field("nan", f64::NAN);
        line.field("infinite", Some(f64::INFINITY));
        line.field("here", Some(1));
        assert_eq!(parsed(line), serde_json::json!({"here": 1}));
    }

    #[test]
    fn fields_of_another_line_are_taken_over() {
        let mut tail = Line::new();
        tail.field("b", "2");
        let mut line = Line::new();
        line.fields(&Line(Vec::new()));
        line.field("a", 1_u64);
        line.fields(&tail);
        assert_eq!(parsed(line), serde_json::json!({"a": 1, "b": "2"}));
    }
}
