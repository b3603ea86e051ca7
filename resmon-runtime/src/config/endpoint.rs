//! Where Tinybird's Events API is, and what opens it.

use std::ffi::OsStr;
use std::fmt;

use ureq::http::Uri;

use crate::spool;

/// A data source to send to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    base: String,
    datasource: String,
    pub(crate) token: Token,
}

/// A write token, which no message may show.
#[derive(Clone, PartialEq)]
pub(crate) struct Token(String);

impl Endpoint {
    /// Checks what the variables hold. The error names the variable and never the token.
    pub(super) fn new(
        token: &OsStr,
        base: Option<String>,
        datasource: Option<String>,
    ) -> Result<Self, String> {
        let token = token.to_str().map(str::trim).filter(|token| {
            // Anything else cannot stand in a header, or would end it.
            token.bytes().all(|byte| byte.is_ascii_graphic())
        });
        let token = token.ok_or(
            "TINYBIRD_WRITE_TOKEN holds a character that no token has, such as a space or a line break",
        )?;
        let base = base.unwrap_or_else(|| "https://api.tinybird.co".to_owned());
        // Not the default in its place: that may be the wrong party to show the token to.
        let problem =
            if base.contains(token) { Err("a URL with the token in it") } else { check_url(&base) };
        problem.map_err(|problem| {
            let base = base.replace(token, "…");
            format!("TINYBIRD_API_URL is {:?}, {problem}", without_secrets(&base))
        })?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            datasource: datasource.unwrap_or_else(|| "ci_test_metrics".to_owned()),
            token: Token(token.to_owned()),
        })
    }

    /// `TINYBIRD_API_URL` without slashes at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A name that tells this destination from others and gives nothing away.
    pub(crate) fn fingerprint(&self) -> String {
        spool::fingerprint(&[&self.base, &self.datasource, &self.token.0])
    }

    /// `RESMON_DATASOURCE`
    pub(crate) fn datasource(&self) -> &str {
        &self.datasource
    }
}

impl Token {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn check_url(base: &str) -> Result<(), &'static str> {
    let uri: Uri = base.parse().map_err(|_| "not a URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("not an http or https URL");
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err("a URL without a host");
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err("a URL with a user name in it");
    }
    // `Uri` takes any text for a port.
    if uri.port().is_none() && uri.host() != Some(authority) {
        return Err("a URL with a port that is none");
    }
    if uri.query().is_some() || base.contains('#') {
        return Err("a URL with a query or a fragment");
    }
    Ok(())
}

/// The URL without what may be a password or a token in it.
fn without_secrets(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    if url.contains('@') { "…@…" } else { url }
}
