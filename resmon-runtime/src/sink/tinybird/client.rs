//! One request to the Events API and what its answer means.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Body, Proxy};

use crate::config::Endpoint;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// As much of an answer as is worth reading.
const ANSWER_BYTES: u64 = 64 * 1024;
/// As much of an error message as is worth showing.
const REASON_CHARS: usize = 200;

pub(super) struct Client {
    agent: Agent,
    endpoint: Endpoint,
}

/// Why a request did not deliver its records.
pub(super) struct Failure {
    reason: String,
    pub(super) retry: Retry,
}

pub(super) enum Retry {
    /// The answer would be the same.
    Never,
    /// The endpoint says when.
    After(Duration),
    /// It may work soon.
    Soon,
}

impl Client {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            .proxy(proxy_for(endpoint.base()))
            .user_agent(concat!("resmon/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent, endpoint }
    }

    pub(super) fn base(&self) -> &str {
        self.endpoint.base()
    }

    /// Sends the records. Returns how many of them were quarantined: accepted, but kept out of the table.
    pub(super) fn post(&self, body: &[u8]) -> Result<u64, Failure> {
        let answer = self
            .agent
            .post(format!("{}/v0/events", self.base()))
            .query("name", self.endpoint.datasource())
            .header("Authorization", format!("Bearer {}", self.endpoint.token.reveal()))
            .content_type("application/x-ndjson")
            .send(body);
        let mut answer = answer.map_err(|error| Failure {
            reason: self.presentable(&error.to_string()),
            retry: Retry::Soon,
        })?;
        let status = answer.status();
        let retry = retry(&answer);
        // An answer that breaks off does not change what its status said.
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

    /// Some other party's words on one line of bounded length, without the token, should they repeat it.
    fn presentable(&self, text: &str) -> String {
        let words = text.split(|c: char| c.is_whitespace() || c.is_control());
        let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let line = line.replace(self.endpoint.token.reveal(), "…");
        line.chars().take(REASON_CHARS).collect()
    }
}

#[cfg(all(unix, feature = "collector"))]
impl Client {
    /// What the endpoint says of the data source: status and body.
    pub(super) fn datasource(&self) -> Result<(u16, String), String> {
        let name = self.endpoint.datasource();
        let request = self.agent.get(format!("{}/v0/datasources/{name}", self.base()));
        self.answer(request.header("Authorization", self.authorization()).call())
    }

    /// What it says to a request without a record.
    pub(super) fn no_records(&self) -> Result<(u16, String), String> {
        let request = self.agent.post(format!("{}/v0/events", self.base()));
        let request = request
            .query("name", self.endpoint.datasource())
            .header("Authorization", self.authorization())
            .content_type("application/x-ndjson");
        self.answer(request.send(&b""[..]))
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.endpoint.token.reveal())
    }

    fn answer(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<(u16, String), String> {
        let mut answer = answer.map_err(|error| self.presentable(&error.to_string()))?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES).lossy_utf8(true);
        let text = body.read_to_string().unwrap_or_default();
        Ok((answer.status().as_u16(), text.replace(self.endpoint.token.reveal(), "…")))
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
        _ => Retry::Never,
    }
}

/// The proxy that the environment names (`HTTPS_PROXY` and so on), but none for an endpoint on this machine:
/// a proxy elsewhere could not reach it.
fn proxy_for(base: &str) -> Option<Proxy> {
    let uri: Uri = base.parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if local { None } else { Proxy::try_from_env() }
}
