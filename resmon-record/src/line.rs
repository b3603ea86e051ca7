//! One record as a line of NDJSON. Hand-written: tests are built in the dev profile, where serde's derived code costs
//! more than the rest of a record. For the same reason the code for each field avoids the standard library's generic
//! code, which is not optimized there either.

use std::ffi::c_void;

use crate::digits::PAIRS;
use crate::outcome::Outcome;
use crate::timestamp::Timestamp;

/// A JSON object under construction.
#[derive(Clone, Debug, Default)]
pub struct Line(Vec<u8>);

/// Builds the text before a field's value, `,"name":`, as a literal, so that a field costs one copy.
#[macro_export]
macro_rules! key {
    ($name:ident) => {
        concat!(",\"", stringify!($name), "\":")
    };
}
pub use key;

unsafe extern "C" {
    /// Copies bytes. Every target of Rust has `memcpy(3)`: `core` itself calls it.
    fn memcpy(to: *mut c_void, from: *const c_void, length: usize) -> *mut c_void;
}

impl Line {
    /// Creates a line without fields.
    #[must_use]
    pub fn new() -> Self {
        // A test's record has about 800 bytes.
        Self(Vec::with_capacity(1024))
    }

    /// Adds a field, unless its value is missing.
    pub fn field(&mut self, key: &'static str, value: &impl Value) {
        if !value.is_missing() {
            self.push(key.as_bytes());
            value.write(self);
        }
    }

    /// Adds the fields of another line.
    pub fn fields(&mut self, other: &Line) {
        self.push(&other.0);
    }

    /// Appends bytes, in a tenth of the time of `Vec::extend_from_slice`.
    pub fn push(&mut self, bytes: &[u8]) {
        let (length, more) = (self.0.len(), bytes.len());
        if self.0.capacity() - length < more {
            self.0.reserve(more);
        }
        // SAFETY: there is room for `more` bytes behind the first `length`, and the call writes all of them.
        unsafe {
            memcpy(self.0.as_mut_ptr().wrapping_add(length).cast(), bytes.as_ptr().cast(), more);
            self.0.set_len(length + more);
        }
    }

    /// Appends a number with at least `width` digits, at most 20.
    pub fn decimal(&mut self, mut number: u64, width: usize) {
        let mut digits = [b'0'; 20];
        let mut start = digits.len();
        while number >= 100 {
            let pair = PAIRS[(number % 100) as usize];
            start -= 2;
            [digits[start], digits[start + 1]] = pair;
            number /= 100;
        }
        if number > 0 {
            let pair = PAIRS[(number % 100) as usize];
            start -= 1;
            digits[start] = pair[1];
            if number >= 10 {
                start -= 1;
                digits[start] = pair[0];
            }
        }
        if digits.len() - start < width {
            start = digits.len() - width;
        }
        self.push(&digits[start..]);
    }

    /// Returns the fields so far, in the form that [`resume`](Self::resume) takes.
    #[must_use]
    pub fn unfinished(&self) -> &[u8] {
        &self.0
    }

    /// Continues a line from its [unfinished](Self::unfinished) fields. `None` if `fields` has another form.
    #[must_use]
    pub fn resume(fields: &[u8]) -> Option<Self> {
        let begins = fields.is_empty() || fields.starts_with(b",\"");
        let ends = !fields.contains(&0) && str::from_utf8(fields).is_ok();
        (begins && ends).then(|| Self(fields.to_vec()))
    }

    /// Returns the whole line with its line feed.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        // The brace replaces the comma of the first field.
        if let Some(first) = self.0.first_mut() {
            *first = b'{';
        }
        self.0.extend_from_slice(b"}\n");
        self.0
    }
}

/// A value of a record's field.
pub trait Value {
    /// Appends the value as JSON.
    fn write(&self, line: &mut Line);

    /// Whether to leave the field out.
    fn is_missing(&self) -> bool {
        false
    }
}

impl<V: Value> Value for Option<V> {
    fn write(&self, line: &mut Line) {
        if let Some(value) = self {
            value.write(line);
        }
    }

    fn is_missing(&self) -> bool {
        match self {
            Some(value) => value.is_missing(),
            None => true,
        }
    }
}

impl Value for f64 {
    /// Writes up to nine places, enough for nanoseconds. A whole number keeps one place, so that a reader who infers a
    /// column's type from its first value finds a float.
    fn write(&self, line: &mut Line) {
        const UNIT: u32 = 1_000_000_000;
        if self.is_sign_negative() {
            line.push(b"-");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let scaled = (self.abs() * f64::from(UNIT)).round() as u64;
        line.decimal(scaled / u64::from(UNIT), 1);
        line.push(b".");
        let (mut places, mut width) = (scaled % u64::from(UNIT), 9);
        // Percentages have at most four places.
        if places % 100_000 == 0 {
            (places, width) = (places / 100_000, 4);
        }
        while width > 1 && places % 10 == 0 {
            places /= 10;
            width -= 1;
        }
        line.decimal(places, width);
    }

    /// Whether the number is infinite or NaN, which JSON cannot express.
    fn is_missing(&self) -> bool {
        !self.is_finite()
    }
}

impl Value for u64 {
    fn write(&self, line: &mut Line) {
        line.decimal(*self, 1);
    }
}

impl Value for u32 {
    fn write(&self, line: &mut Line) {
        line.decimal(u64::from(*self), 1);
    }
}

impl Value for i32 {
    fn write(&self, line: &mut Line) {
        if *self < 0 {
            line.push(b"-");
        }
        line.decimal(u64::from(self.unsigned_abs()), 1);
    }
}

impl Value for Timestamp {
    fn write(&self, line: &mut Line) {
        line.push(b"\"");
        line.push(&self.rfc3339());
        line.push(b"\"");
    }
}

impl Value for Outcome {
    fn write(&self, line: &mut Line) {
        self.as_str().write(line);
    }
}

impl Value for &str {
    fn write(&self, line: &mut Line) {
        let bytes = self.as_bytes();
        line.push(b"\"");
        let (mut plain, mut index) = (0, 0);
        while index < bytes.len() {
            let byte = bytes[index];
            if byte < b' ' || byte == b'"' || byte == b'\\' {
                line.push(&bytes[plain..index]);
                line.push(format!("\\u{byte:04x}").as_bytes());
                plain = index + 1;
            }
            index += 1;
        }
        line.push(&bytes[plain..]);
        line.push(b"\"");
    }
}

impl Value for String {
    fn write(&self, line: &mut Line) {
        self.as_str().write(line);
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
            let mut line = Line::new();
            float.write(&mut line);
            String::from_utf8(line.0).unwrap()
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
