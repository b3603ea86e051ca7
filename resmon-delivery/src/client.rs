//! One request to the Events API, and the meaning of its answer.

use std::env;
use std::fmt;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use resmon_record::config::Endpoint;
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum number of bytes to read of an answer.
const ANSWER_BYTES: u64 = 64 * 1024;
/// The maximum number of characters to show of an error message.
const REASON_CHARS: usize = 200;
/// The size in bytes from which a body is compressed.
const GZIP_BYTES: usize = 8 << 10;

/// A connection to a data source, kept alive between requests.
pub struct Client {
    agent: Agent,
    endpoint: Endpoint,
}

/// The reason why a request did not deliver its records.
#[derive(Debug)]
pub struct Failure {
    reason: String,
    /// Whether and how to try again.
    pub retry: Retry,
}

/// The way to go on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again after this time, which the endpoint asks for.
    After(Duration),
    /// Try again soon.
    Soon,
    /// Send less at once (413).
    Smaller,
    /// The endpoint refuses these records for their content (400, 422): do not send them again.
    Refused,
    /// Do not try again: the answer would be the same.
    Never,
}

/// The answer to a question about the data source.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, with the token hidden.
    pub body: String,
}

impl Client {
    /// Prepares a connection. Sends nothing yet.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            .proxy(proxy_for(endpoint.base()))
            .user_agent(concat!("resmon/", env!("CARGO_PKG_VERSION")));
        if let Some(roots) = system_roots(endpoint.base()) {
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Self { agent: config.build().new_agent(), endpoint }
    }

    /// Returns the base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        self.endpoint.base()
    }

    /// Sends records, one per line. Returns how many were quarantined: accepted, but kept out of the table.
    ///
    /// # Errors
    ///
    /// The reason why the records did not arrive.
    pub fn post(&self, body: &[u8]) -> Result<u64, Failure> {
        let request = self
            .agent
            .post(format!("{}/v0/events", self.base()))
            .query("name", self.endpoint.datasource())
            .header("Authorization", self.authorization())
            .content_type("application/x-ndjson");
        let answer = match compressed(body) {
            Some(body) => request.header("Content-Encoding", "gzip").send(&body[..]),
            None => request.send(body),
        };
        let mut answer = answer.map_err(|error| Failure {
            reason: self.presentable(&error.to_string()),
            retry: Retry::Soon,
        })?;
        let status = answer.status();
        let retry = retry(&answer);
        // An answer that is cut off does not change the meaning of its status.
        let text =
            answer.body_mut().with_config().limit(ANSWER_BYTES).lossy_utf8(true).read_to_string();
        let text = text.unwrap_or_default();
        let json = serde_json::from_str(&text).unwrap_or(serde_json::Value::Null);
        if status.is_success() {
            return Ok(json["quarantined_rows"].as_u64().unwrap_or(0));
        }
        let said = json["error"].as_str().unwrap_or(&text);
        let reason = match self.presentable(said) {
            said if said.is_empty() => format!("HTTP {status}"),
            said => format!("HTTP {status}: {said}"),
        };
        Err(Failure { reason, retry })
    }

    /// Asks the endpoint for its description of the data source.
    ///
    /// # Errors
    ///
    /// The reason why there was no answer.
    pub fn datasource(&self) -> Result<Answer, String> {
        let name = path_segment(self.endpoint.datasource());
        let request = self.agent.get(format!("{}/v0/datasources/{name}", self.base()));
        self.answer(request.header("Authorization", self.authorization()).call())
    }

    /// Sends a request without a record, to see whether the token is accepted.
    ///
    /// # Errors
    ///
    /// The reason why there was no answer.
    pub fn no_records(&self) -> Result<Answer, String> {
        let request = self.agent.post(format!("{}/v0/events", self.base()));
        let request = request
            .query("name", self.endpoint.datasource())
            .header("Authorization", self.authorization())
            .content_type("application/x-ndjson");
        self.answer(request.send(&b""[..]))
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.endpoint.token())
    }

    fn answer(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Answer, String> {
        let mut answer = answer.map_err(|error| self.presentable(&error.to_string()))?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES).lossy_utf8(true);
        let text = body.read_to_string().unwrap_or_default();
        let body = text.replace(self.endpoint.token(), "…");
        Ok(Answer { status: answer.status().as_u16(), body })
    }

    /// Formats text of another party: one line of limited length, with the token hidden.
    fn presentable(&self, text: &str) -> String {
        let words = text.split(|c: char| c.is_whitespace() || c.is_control());
        let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let line = line.replace(self.endpoint.token(), "…");
        line.chars().take(REASON_CHARS).collect()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

fn retry(answer: &Response<Body>) -> Retry {
    match answer.status() {
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let after = answer.headers().get("Retry-After");
            let seconds = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            seconds.map_or(Retry::Soon, |seconds| Retry::After(Duration::from_secs(seconds)))
        }
        StatusCode::PAYLOAD_TOO_LARGE => Retry::Smaller,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Retry::Refused,
        _ => Retry::Never,
    }
}

/// Compresses a body. `None` if it is small.
fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < GZIP_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// Loads the certificates that the system trusts, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. `None` means
/// Mozilla's, which are built in: for a system that has none, such as a slim container.
fn system_roots(base: &str) -> Option<RootCerts> {
    if !base.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")) {
        return None;
    }
    let found = rustls_native_certs::load_native_certs().certs;
    let named =
        ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().any(|name| env::var_os(name).is_some());
    if found.is_empty() && !named {
        return None;
    }
    let certificates = found.iter().map(|found| Certificate::from_der(found).to_owned());
    Some(RootCerts::Specific(Arc::new(certificates.collect())))
}

/// Returns the proxy of the environment (`HTTPS_PROXY` and so on). `None` for an endpoint on this machine: a proxy
/// elsewhere could not reach it.
fn proxy_for(base: &str) -> Option<Proxy> {
    let uri: Uri = base.parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if local { None } else { Proxy::try_from_env() }
}

/// Escapes a text so that it is one segment of a URL's path.
fn path_segment(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_segment_of_a_path() {
        assert_eq!(path_segment("ci_test_metrics"), "ci_test_metrics");
        assert_eq!(path_segment("../v0/sql?q=1"), "%2E%2E%2Fv0%2Fsql%3Fq%3D1");
        assert_eq!(path_segment("ü b"), "%C3%BC%20b");
    }

    #[test]
    fn only_large_bodies_are_compressed() {
        assert_eq!(compressed(&[b'x'; GZIP_BYTES - 1]), None);
        assert!(compressed(&[b'x'; GZIP_BYTES]).unwrap().len() < 1000);
    }
}
