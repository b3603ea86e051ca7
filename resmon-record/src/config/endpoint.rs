//! The address of Tinybird's Events API and the token for it.

use std::ffi::OsStr;
use std::fmt;

use super::{DEFAULT_API_URL, DEFAULT_DATASOURCE};
use crate::bytes::contains;
use crate::fingerprint::fingerprint;

/// A data source to send to.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    base: String,
    datasource: String,
    token: Token,
}

/// A write token, which no message may show.
#[derive(Clone, PartialEq)]
struct Token(String);

impl Endpoint {
    /// Checks the values of the variables. The error names the variable, never the token.
    pub(super) fn new(
        token: &OsStr,
        base: Option<String>,
        datasource: Option<String>,
    ) -> Result<Self, String> {
        let token = token.to_str().map(str::trim).filter(|token| {
            // Other characters are invalid in a header, or would end it.
            token.bytes().all(|byte| byte.is_ascii_graphic())
        });
        let token = token.ok_or(
            "TINYBIRD_WRITE_TOKEN holds a character that no token has, such as a space or a line break",
        )?;
        let base = base.unwrap_or_else(|| DEFAULT_API_URL.to_owned());
        // No fallback to the default URL: it may be the wrong party to show the token to.
        let problem = if contains(&base, token) {
            Err("a URL with the token in it")
        } else {
            check_url(&base)
        };
        problem.map_err(|problem| {
            let shown = if contains(&base, token) { "…" } else { without_secrets(&base) };
            format!("TINYBIRD_API_URL is {shown:?}, {problem}")
        })?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            datasource: datasource.unwrap_or_else(|| DEFAULT_DATASOURCE.to_owned()),
            token: Token(token.to_owned()),
        })
    }

    /// Returns the base URL (`TINYBIRD_API_URL`) without trailing slashes.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the name of the data source (`RESMON_DATASOURCE`).
    #[must_use]
    pub fn datasource(&self) -> &str {
        &self.datasource
    }

    /// Returns the write token, for the `Authorization` header only.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token.0
    }

    /// Returns a name that identifies this destination without showing the token.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&[&self.base, &self.datasource, &self.token.0])
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Checks that `base` is a URL to which a path can be added: `http` or `https`, a host, an optional port and path.
fn check_url(base: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = base.split_once("://") else { return Err("not a URL") };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err("not an http or https URL");
    }
    if base.contains(['?', '#']) {
        return Err("a URL with a query or a fragment");
    }
    if !rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
        return Err("not a URL");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err("a URL with a user name in it");
    }
    // The colons of an IPv6 address are in brackets.
    let (host, port) = match authority.strip_prefix('[').map(|address| address.split_once(']')) {
        Some(Some((address, rest))) => {
            (address, rest.strip_prefix(':').or(rest.is_empty().then_some("0")))
        }
        Some(None) => return Err("not a URL"),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("0")),
        },
    };
    if host.is_empty() {
        return Err("a URL without a host");
    }
    if port.is_none_or(|port| port.parse::<u64>().map_or(true, |port| port > 65_535)) {
        return Err("a URL whose port is not a number from 0 to 65535");
    }
    Ok(())
}

/// Hides the parts of a URL that may hold a password or a token.
fn without_secrets(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    if url.contains('@') { "…@…" } else { url }
}
