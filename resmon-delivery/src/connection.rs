//! How requests are repeated, split and paced.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use resmon_record::config::Endpoint;
use resmon_record::session_id::random;

use crate::client::{Client, Failure, Retry};

/// The longest wait that `Retry-After` is granted.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Tinybird takes 100 requests a second for a data source, and resmon is not the only one to send.
const REQUESTS_PER_SECOND: usize = 20;

/// The way to a data source.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    /// When the latest requests were made.
    requests: VecDeque<Instant>,
}

/// The outcome for some records that follow each other in the body of a request.
#[derive(Debug)]
pub struct Delivered {
    /// How many records these are.
    pub records: usize,
    /// Whether they arrived.
    pub outcome: Outcome,
}

/// Whether records arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They arrived. So many of them were quarantined: accepted, but kept out of the table.
    Accepted {
        /// How many were quarantined.
        quarantined: u64,
    },
    /// The endpoint refuses them for their content, for this reason.
    Refused(String),
    /// They were given up for now, for this reason.
    GivenUp(String),
}

impl Connection {
    /// Prepares the way; nothing is sent yet.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Self {
        Self { client: Client::new(endpoint.clone()), requests: VecDeque::new() }
    }

    /// Returns the client, for questions about the data source.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends records, one per line. What is too large for the endpoint is halved until it fits. Returns what became of
    /// them, in their order.
    pub fn send(&mut self, body: &[u8]) -> Vec<Delivered> {
        let mut results = Vec::new();
        let mut parts = vec![body];
        while let Some(part) = parts.pop() {
            let records = count_lines(part);
            let outcome = match self.try_twice(part) {
                Ok(quarantined) => Outcome::Accepted { quarantined },
                Err((Retry::Smaller, _)) if records > 1 => {
                    let (first, second) = part.split_at(after_lines(part, records / 2));
                    parts.extend([second, first]);
                    continue;
                }
                Err((Retry::Refused | Retry::Smaller, reason)) => Outcome::Refused(reason),
                Err((_, reason)) => {
                    // The rest would fare no better.
                    let rest: usize = parts.iter().map(|part| count_lines(part)).sum();
                    let outcome = Outcome::GivenUp(reason);
                    results.push(Delivered { records: records + rest, outcome });
                    return results;
                }
            };
            results.push(Delivered { records, outcome });
        }
        results
    }

    /// Makes a request, and where that can help a second one.
    fn try_twice(&mut self, body: &[u8]) -> Result<u64, (Retry, String)> {
        let failure = match self.post(body) {
            Ok(quarantined) => return Ok(quarantined),
            Err(failure) => failure,
        };
        thread::sleep(match failure.retry {
            Retry::After(wait) => wait.min(RETRY_AFTER),
            // Many processes may have met the same trouble at the same moment.
            Retry::Soon => Duration::from_millis(200 + random() % 300),
            retry => return Err((retry, failure.to_string())),
        });
        self.post(body).map_err(|second| {
            let reason = match (failure.to_string(), second.to_string()) {
                (first, second) if first == second => format!("{first} (tried twice)"),
                (first, second) => format!("{first}, then {second}"),
            };
            (second.retry, reason)
        })
    }

    fn post(&mut self, body: &[u8]) -> Result<u64, Failure> {
        if self.requests.len() == REQUESTS_PER_SECOND
            && let Some(oldest) = self.requests.pop_front()
        {
            thread::sleep(Duration::from_secs(1).saturating_sub(oldest.elapsed()));
        }
        self.requests.push_back(Instant::now());
        self.client.post(body)
    }
}

fn count_lines(text: &[u8]) -> usize {
    text.split(|&byte| byte == b'\n').count() - 1
}

/// Returns the place behind so many lines.
fn after_lines(text: &[u8], lines: usize) -> usize {
    let ends =
        text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index + 1);
    ends.take(lines).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_behind_a_line() {
        let text = b"a\nbb\nccc\n";
        assert_eq!([0, 1, 2, 3].map(|lines| after_lines(text, lines)), [0, 2, 5, 9]);
        assert_eq!(count_lines(text), 3);
    }
}
