//! Requests that are made one by one, by who waits for their answers.

use super::client::Client;
use super::sender::Wire;
use crate::config::Endpoint;

pub(crate) struct Direct {
    wire: Wire,
    client: Client,
}

impl Direct {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let client = Client::new(endpoint.clone());
        Self { wire: Wire::new(Client::new(endpoint.clone())), client }
    }

    /// Sends records by the rules of any delivery. Returns how many of them were quarantined.
    pub(crate) fn send(&mut self, body: &[u8]) -> Result<u64, String> {
        self.wire.try_twice(body)
    }

    /// What the endpoint says of the data source: status and body.
    pub(crate) fn datasource(&self) -> Result<(u16, String), String> {
        self.client.datasource()
    }

    /// What it says to a request without a record.
    pub(crate) fn no_records(&self) -> Result<(u16, String), String> {
        self.client.no_records()
    }
}
