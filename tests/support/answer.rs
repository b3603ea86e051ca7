//! Answers of the server.

use std::time::Duration;

/// A reaction of the server to a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A complete answer.
    Reply { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// A 202, after which the connection is closed.
    Last { headers: Vec<(&'static str, String)> },
    /// An answer after a delay.
    After(Duration, Box<Answer>),
    /// A complete answer, one byte per interval.
    Drip(Duration),
    /// A 202 whose body is cut short.
    CutShort,
    /// No answer; the connection stays open.
    Silence,
    /// No answer; the connection is closed.
    Close,
    /// No answer; the connection is reset.
    Reset,
}

impl Answer {
    /// Builds an answer with this status and a short body.
    pub(crate) fn status(status: u16) -> Self {
        Self::reply(status, &format!("{{\"error\":\"status {status}, as told\"}}"))
    }

    /// Builds an answer with this status and body.
    pub(crate) fn reply(status: u16, body: &str) -> Self {
        Self::Reply { status, headers: Vec::new(), body: body.to_owned() }
    }

    /// Builds an answer like Tinybird's.
    pub(crate) fn accepted(rows: usize, quarantined: usize) -> Self {
        let body = format!("{{\"successful_rows\":{rows},\"quarantined_rows\":{quarantined}}}");
        Self::reply(202, &body)
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: &impl ToString) -> Self {
        if let Self::Reply { headers, .. } = &mut self {
            headers.push((name, value.to_string()));
        }
        self
    }
}

/// Formats a complete answer as bytes for the wire.
pub(crate) fn message(status: u16, headers: &[(&str, String)], body: &str) -> String {
    use std::fmt::Write as _;
    let mut message = format!("HTTP/1.1 {status} As Told\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(message, "{name}: {value}\r\n").expect("a String takes everything");
    }
    message + "\r\n" + body
}
