//! What the server can be told to answer.

use std::time::Duration;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A whole answer.
    Reply { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// A 202, after which the connection is closed.
    Last { headers: Vec<(&'static str, String)> },
    /// An answer after a while.
    After(Duration, Box<Answer>),
    /// A whole answer, one byte per so long.
    Drip(Duration),
    /// A 202 that breaks off in its body.
    CutShort,
    /// Nothing, with the connection kept open.
    Silence,
    /// Nothing, with the connection closed.
    Close,
    /// Nothing, with the connection reset.
    Reset,
}

impl Answer {
    /// An answer of this status, without headers of note.
    pub(crate) fn status(status: u16) -> Self {
        Self::reply(status, &format!("{{\"error\":\"status {status}, as told\"}}"))
    }

    /// An answer of this status and body.
    pub(crate) fn reply(status: u16, body: &str) -> Self {
        Self::Reply { status, headers: Vec::new(), body: body.to_owned() }
    }

    /// What Tinybird answers.
    pub(crate) fn accepted(rows: usize, quarantined: usize) -> Self {
        let body = format!("{{\"successful_rows\":{rows},\"quarantined_rows\":{quarantined}}}");
        Self::reply(202, &body)
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &impl ToString) -> Self {
        if let Self::Reply { headers, .. } = &mut self {
            headers.push((name, value.to_string()));
        }
        self
    }
}

/// A whole answer, as it goes over the wire.
pub(crate) fn message(status: u16, headers: &[(&str, String)], body: &str) -> String {
    use std::fmt::Write as _;
    let mut message = format!("HTTP/1.1 {status} As Told\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(message, "{name}: {value}\r\n").expect("a String takes everything");
    }
    message + "\r\n" + body
}
