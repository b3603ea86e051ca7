//! Delivery through the proxy that the environment names.

use crate::{
    TOKEN, assert_whole, suite_to,
    support::{Nobody, Request, Server},
};

const VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

#[test]
fn a_proxy_is_not_asked_for_a_loopback_address() {
    let nobody = Nobody::listening();
    for name in ["127.0.0.1", "localhost"] {
        let server = Server::accepting();
        let mut run = suite_to(&server.url().replace("127.0.0.1", name));
        for variable in VARIABLES {
            run = run.env(variable, nobody.url());
        }
        let run = run.finish().exits(0);
        assert!(run.is_quiet(), "{name}: {}", run.stderr);
        assert_whole(&server.records(), 50);
    }
}

#[test]
fn a_proxy_is_asked_for_other_addresses() {
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Server::accepting();
        let run = suite_to("http://tinybird.invalid").env(variable, proxy.url());
        let run = run.finish().exits(0);
        assert!(run.is_quiet(), "{variable}: {}", run.stderr);
        assert_whole(&proxy.records(), 50);
        let requests = proxy.requests();
        assert!(requests.iter().all(names_the_target), "{requests:#?}");
    }
}

/// Returns whether the request tells a proxy its target: by `CONNECT`, or by an absolute URL.
fn names_the_target(request: &Request) -> bool {
    let to_tunnel = request.method == "CONNECT";
    let secret = request.headers.iter().any(|(_, value)| value.contains(TOKEN));
    to_tunnel != secret
        && (request.target.starts_with(if to_tunnel {
            "tinybird.invalid:80"
        } else {
            "http://tinybird.invalid/"
        }) || request.header("host") == Some("tinybird.invalid"))
}

#[test]
fn no_proxy_is_honoured() {
    let proxy = Server::accepting();
    let run = suite_to("http://tinybird.invalid")
        .env("HTTP_PROXY", proxy.url())
        .env("http_proxy", proxy.url())
        .env("NO_PROXY", "example.com,tinybird.invalid")
        .env("no_proxy", "example.com,tinybird.invalid")
        // The host does not exist, and the resolver may take long to say so.
        .env("RESMON_FLUSH_TIMEOUT", "0.5")
        .finish()
        .exits(0);
    assert_eq!(proxy.connections(), 0);
    assert!(!run.warnings().is_empty());
}
