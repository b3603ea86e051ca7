//! One record as a line of NDJSON, written by hand: in the dev profile, in which tests are built,
//! serde's derived code costs more than the rest of a record.

use crate::outcome::Outcome;
use crate::timestamp::Timestamp;

/// A JSON object under construction.
#[derive(Clone, Debug)]
pub(crate) struct Line(Vec<u8>);

/// What stands before a field's value: `,"name":`. A literal, so that a field costs one copy.
macro_rules! key {
    ($name:ident) => {
        concat!(",\"", stringify!($name), "\":")
    };
}
pub(crate) use key;

impl Line {
    pub(crate) fn new() -> Self {
        // A test's record has about 800 bytes.
        Self(Vec::with_capacity(1024))
    }

    /// Adds a field, unless its value cannot be given.
    pub(crate) fn field(&mut self, key: &'static str, value: &impl Value) {
        if !value.is_missing() {
            self.0.extend_from_slice(key.as_bytes());
            value.write(&mut self.0);
        }
    }

    /// Adds the fields of another line.
    pub(crate) fn fields(&mut self, other: &Line) {
        self.0.extend_from_slice(&other.0);
    }

    /// The fields so far, as [`resume`](Self::resume) takes them.
    #[cfg(unix)]
    pub(crate) fn unfinished(&self) -> &[u8] {
        &self.0
    }

    /// Takes up a line that was put away unfinished. `None` if it is not one.
    #[cfg(unix)]
    pub(crate) fn resume(fields: &[u8]) -> Option<Self> {
        let begins = fields.is_empty() || fields.starts_with(b",\"");
        let ends = !fields.contains(&0) && str::from_utf8(fields).is_ok();
        (begins && ends).then(|| Self(fields.to_vec()))
    }

    /// The whole line with its line feed.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        // In the place of the first field's comma.
        if let Some(first) = self.0.first_mut() {
            *first = b'{';
        }
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

impl Value for f64 {
    /// To nine places, which are nanoseconds. A whole number keeps one place: who infers a column's type from its
    /// first value should find a float.
    fn write(&self, out: &mut Vec<u8>) {
        const UNIT: u32 = 1_000_000_000;
        if self.is_sign_negative() {
            out.push(b'-');
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let scaled = (self.abs() * f64::from(UNIT)).round() as u64;
        decimal(scaled / u64::from(UNIT), 1, out);
        out.push(b'.');
        let places = out.len() + 1;
        decimal(scaled % u64::from(UNIT), 9, out);
        while out.len() > places && out.last() == Some(&b'0') {
            out.pop();
        }
    }

    /// JSON has no word for these.
    fn is_missing(&self) -> bool {
        !self.is_finite()
    }
}

impl Value for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        decimal(*self, 1, out);
    }
}

impl Value for u32 {
    fn write(&self, out: &mut Vec<u8>) {
        decimal(u64::from(*self), 1, out);
    }
}

impl Value for i32 {
    fn write(&self, out: &mut Vec<u8>) {
        if *self < 0 {
            out.push(b'-');
        }
        decimal(u64::from(self.unsigned_abs()), 1, out);
    }
}

/// Writes a number with at least this many digits.
fn decimal(mut number: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while number > 0 {
        start -= 1;
        digits[start] += (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[start.min(digits.len() - width)..]);
}

impl Value for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(&self.rfc3339());
        out.push(b'"');
    }
}

impl Value for Outcome {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }
}

impl Value for &str {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        let mut plain = 0;
        for (index, &byte) in self.as_bytes().iter().enumerate() {
            if byte < b' ' || byte == b'"' || byte == b'\\' {
                out.extend_from_slice(&self.as_bytes()[plain..index]);
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                plain = index + 1;
            }
        }
        out.extend_from_slice(&self.as_bytes()[plain..]);
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
        fn any_string_and_number_reads_back(
            text: String,
            float in -1e9_f64..1e9,
            int: u64,
            signed: i32,
        ) {
            let mut line = Line::new();
            line.field(key!(text), &text);
            line.field(key!(float), &float);
            line.field(key!(int), &int);
            line.field(key!(signed), &signed);
            let value = parsed(line);
            prop_assert_eq!(value["text"].as_str(), Some(text.as_str()));
            let read = value["float"].as_f64().unwrap();
            prop_assert!((read - float).abs() <= 1e-6);
            prop_assert_eq!(value["int"].as_u64(), Some(int));
            prop_assert_eq!(value["signed"].as_i64(), Some(signed.into()));
        }
    }

    #[test]
    fn floats_keep_their_places_and_a_point() {
        let text = |float: f64| {
            let mut out = Vec::new();
            float.write(&mut out);
            String::from_utf8(out).unwrap()
        };
        let written = [0.0, 50.0, 2.3596, 0.000_003_286, 1e-12, -1.5, 86_400.25].map(text);
        assert_eq!(written, ["0.0", "50.0", "2.3596", "0.000003286", "0.0", "-1.5", "86400.25"]);
    }

    #[test]
    fn what_is_missing_is_left_out() {
        let mut line = Line::new();
        line.field(key!(none), &None::<u64>);
        line.field(key!(nan), &f64::NAN);
        line.field(key!(infinite), &Some(f64::INFINITY));
        line.field(key!(here), &Some(1));
        assert_eq!(parsed(line), serde_json::json!({"here": 1}));
    }

    #[test]
    fn fields_of_another_line_are_taken_over() {
        let mut tail = Line::new();
        tail.field(key!(b), &"2");
        let mut line = Line::new();
        line.field(key!(a), &1_u64);
        line.fields(&tail);
        assert_eq!(parsed(line), serde_json::json!({"a": 1, "b": "2"}));
    }
}
