//! Retries, splitting and pacing of requests.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use resmon_record::config::Endpoint;
use resmon_record::session_id::random;

use crate::client::{Client, Failure, Retry};

/// The longest wait that `Retry-After` can ask for.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The highest rate of requests. Tinybird takes 100 a second for a data source, and resmon may have several senders.
const REQUESTS_PER_SECOND: usize = 20;

/// A connection to a data source that retries, splits and paces requests.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    /// The times of the latest requests.
    requests: VecDeque<Instant>,
}

/// The outcome of consecutive records in the body of a request.
#[derive(Debug)]
pub struct Delivered {
    /// The number of these records.
    pub records: usize,
    /// Whether the records arrived.
    pub outcome: Outcome,
}

/// Whether records arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The records arrived.
    Accepted {
        /// The number of quarantined records: accepted, but kept out of the table.
        quarantined: u64,
    },
    /// The endpoint refused the records for their content, for this reason.
    Refused(String),
    /// The records were given up for now, for this reason.
    GivenUp(String),
}

impl Connection {
    /// Prepares a connection. Sends nothing yet.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Self {
        Self { client: Client::new(endpoint.clone()), requests: VecDeque::new() }
    }

    /// Returns the client, for questions about the data source.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends records, one per line. Halves a body that is too large for the endpoint until it fits. Returns the
    /// outcomes in the order of the records.
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
                    // The rest would fail as well.
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

    /// Makes a request, and retries once if that can help.
    fn try_twice(&mut self, body: &[u8]) -> Result<u64, (Retry, String)> {
        let failure = match self.post(body) {
            Ok(quarantined) => return Ok(quarantined),
            Err(failure) => failure,
        };
        thread::sleep(match failure.retry {
            Retry::After(wait) => wait.min(RETRY_AFTER),
            // A random wait: many processes may have failed at the same moment.
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

/// Returns the offset behind the first `lines` lines.
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
