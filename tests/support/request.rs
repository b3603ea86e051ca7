//! HTTP/1.1 requests that the server read.

use std::{
    io::{self, Read},
    net::TcpStream,
    time::Instant,
};

use flate2::read::GzDecoder;

use super::record::Records;

/// A request that arrived completely.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Number of the server's connection that the request used, from 0.
    pub(crate) connection: usize,
    pub(crate) method: String,
    /// Path and query, as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Body as text, decompressed if the client compressed it.
    pub(crate) body: String,
    pub(crate) arrived: Instant,
}

impl Request {
    /// Reads the next request except for the last byte of its body, which is only peeked at: closing a socket with an
    /// unread byte resets the connection. `None` at the end of the connection.
    pub(crate) fn peek(stream: &mut TcpStream, connection: usize) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        let mut byte = [0];
        // The head is read byte by byte, because a buffer would also take bytes of the body.
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte)? == 0 {
                return Ok(None);
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let mut request = Self {
            connection,
            method: first.next().unwrap_or_default(),
            target: first.next().unwrap_or_default(),
            headers,
            body: String::new(),
            arrived: Instant::now(),
        };
        let mut body = vec![0; request.length()];
        if let Some((last, rest)) = body.split_last_mut() {
            stream.read_exact(rest)?;
            let mut seen = [0];
            if stream.peek(&mut seen)? == 0 {
                return Ok(None);
            }
            *last = seen[0];
        }
        request.body = request.decoded(body)?;
        Ok(Some(request))
    }

    /// Returns whether the client compressed the body.
    pub(crate) fn is_gzipped(&self) -> bool {
        self.header("content-encoding") == Some("gzip")
    }

    /// Decodes a body by its `Content-Encoding`.
    fn decoded(&self, body: Vec<u8>) -> io::Result<String> {
        match self.header("content-encoding") {
            None | Some("identity") => String::from_utf8(body).map_err(io::Error::other),
            Some("gzip") => {
                let mut text = String::new();
                GzDecoder::new(&body[..]).read_to_string(&mut text)?;
                Ok(text)
            }
            Some(other) => Err(io::Error::other(format!("cannot decode {other:?}"))),
        }
    }

    /// Reads the byte that [`Request::peek`] left.
    pub(crate) fn take(&self, stream: &mut TcpStream) -> io::Result<()> {
        if self.length() == 0 { Ok(()) } else { stream.read_exact(&mut [0]) }
    }

    /// Returns the value of a header, whose name may be in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| value.as_str())
    }

    /// Returns the records in the body, each checked against the schema.
    pub(crate) fn records(&self) -> Records {
        // The last newline is optional in NDJSON.
        Records(self.body.lines().map(super::Record::parse).collect())
    }

    /// Returns the number of bytes of the body on the wire.
    pub(crate) fn length(&self) -> usize {
        self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)
    }
}
