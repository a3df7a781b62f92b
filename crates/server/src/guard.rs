//! Which requests are served at all: those for a name of this server, and of those that change something, none that another
//! page made a browser send.
//!
//! The first keeps out pages whose name was made to lead here after they were loaded (DNS rebinding), the second those that
//! send a form or a script's request to a server that they cannot read (cross-site request forgery). A request with a token is
//! no such: browsers add none by themselves.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::gate::Gate;
use crate::problem::Problem;

/// The names that this server answers to, without ports.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    names: Arc<BTreeSet<String>>,
    /// It listens on all addresses of the machine, which may come and go. No other name can be made to lead to an address that a
    /// browser asks for as such.
    takes_addresses: bool,
}

impl Hosts {
    /// The names of loopback, the addresses that the server listens on, and those that its owner chose.
    pub(crate) fn new(addresses: &[SocketAddr], chosen: &[String]) -> Self {
        let mut hosts: BTreeSet<String> =
            ["localhost", "127.0.0.1", "[::1]"].into_iter().map(str::to_owned).collect();
        hosts.extend(addresses.iter().map(|address| match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        }));
        hosts.extend(chosen.iter().map(|host| host.to_ascii_lowercase()));
        let takes_addresses = addresses.iter().any(|address| address.ip().is_unspecified());
        Self { names: Arc::new(hosts), takes_addresses }
    }

    fn has(&self, authority: &Authority) -> bool {
        let host = authority.host();
        let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        self.takes_addresses && is_address
            || self.names.contains(host.trim_end_matches('.').to_ascii_lowercase().as_str())
    }
}

/// What looks at every request.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) hosts: Hosts,
    pub(crate) gate: Gate,
}

/// Lets requests through that are for this server and that no other page made, and lets routes know the gate.
pub(crate) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let Guard { hosts, gate } = guard;
    let host = match check_host(&hosts, request.uri(), request.headers()) {
        Ok(host) => host,
        Err(problem) => return problem.into_response(),
    };
    if let Err(problem) = check_origin(&host, request.method(), request.headers())
        && !gate.is_of_token(request.headers()).await
    {
        return problem.into_response();
    }
    request.extensions_mut().insert(gate);
    next.run(request).await
}

/// The name of this server that a request is for.
fn check_host(hosts: &Hosts, uri: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
    let Some(host) = host(uri, headers) else {
        return Err(Problem::bad_request("the request does not say for which host it is"));
    };
    if hosts.has(&host) {
        return Ok(host);
    }
    let detail =
        "this server does not answer to that name; its owner can add the name to `hosts` in upscaled.toml";
    Err(Problem::new(StatusCode::FORBIDDEN, "unknown_host", detail))
}

/// Refuses a change that another page made a browser send.
fn check_origin(host: &Authority, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let is_of_this_page = match header(headers, header::ORIGIN.as_str()) {
        Some(origin) => origin.parse::<Uri>().is_ok_and(|origin| origin.authority() == Some(host)),
        // Browsers say so with every request; other programs send neither.
        None => {
            !header(headers, "sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
        }
    };
    if is_of_this_page {
        return Ok(());
    }
    let detail = "another page made this request; use the page of this server";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail))
}

/// The host that a request is for; `None` where it says none, or several.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    if let Some(authority) = uri.authority() {
        return Some(authority.clone());
    }
    let mut hosts = headers.get_all(header::HOST).into_iter();
    let host = hosts.next()?.to_str().ok()?;
    // A host has no name of a user.
    if hosts.next().is_some() || host.contains('@') { None } else { host.parse().ok() }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?;
    // One that is no text, or is there twice, is none that this server knows.
    Some(value.to_str().ok().filter(|_| values.next().is_none()).unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn status(method: &Method, headers: &[(&'static str, &'static str)]) -> Result<(), &'static str> {
        let hosts = Hosts::new(&["192.0.2.7:8100".parse().unwrap()], &["Films.example".to_owned()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let host = check_host(&hosts, &Uri::from_static("/api/v1/jobs"), &map);
        host.and_then(|host| check_origin(&host, method, &map)).map_err(|problem| {
            let text = serde_json::to_value(&problem).unwrap()["code"].as_str().unwrap().to_owned();
            ["unknown_host", "foreign_origin", "bad_request"].into_iter().find(|code| *code == text).unwrap()
        })
    }

    #[test]
    fn only_names_of_this_server_are_served() {
        for host in [
            "localhost:8100",
            "localhost",
            "LOCALHOST.:1",
            "127.0.0.1:8100",
            "[::1]:8100",
            "192.0.2.7:8100",
            "films.example",
            "FILMS.example:443",
        ] {
            assert_eq!(status(&Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "192.0.2.8:8100",
            "127.0.0.1.evil.example",
            "[::2]:8100",
            "0.0.0.0:8100",
        ] {
            assert_eq!(status(&Method::GET, &[("host", host)]), Err("unknown_host"), "{host}");
        }
        for wrong in ["", "a b", "http://localhost/", "evil.example@localhost"] {
            assert_eq!(status(&Method::GET, &[("host", wrong)]), Err("bad_request"), "{wrong}");
        }
        assert_eq!(status(&Method::GET, &[]), Err("bad_request"));
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(status(&Method::GET, &two), Err("bad_request"));
    }

    #[test]
    fn a_server_on_all_addresses_is_asked_for_by_any_of_them_and_by_no_other_name() {
        for listens in ["0.0.0.0:8100", "[::]:8100"] {
            let hosts = Hosts::new(&[listens.parse().unwrap()], &[]);
            for (host, is_taken) in [
                ("192.0.2.8:8100", true),
                ("[fd00::2]:8100", true),
                ("localhost", true),
                ("evil.example", false),
                ("192.0.2.8.evil.example", false),
                ("127.1", false),
            ] {
                assert_eq!(hosts.has(&host.parse().unwrap()), is_taken, "{listens} {host}");
            }
        }
    }

    #[test]
    fn no_other_page_changes_anything() {
        let host = ("host", "localhost:8100");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            for origin in [
                "http://evil.example",
                "http://localhost",
                "http://localhost:8101",
                "null",
                "",
                "http://127.0.0.1:8100",
            ] {
                assert_eq!(status(&method, &[host, ("origin", origin)]), Err("foreign_origin"), "{origin}");
            }
            for site in ["cross-site", "same-site"] {
                assert_eq!(
                    status(&method, &[host, ("sec-fetch-site", site)]),
                    Err("foreign_origin"),
                    "{site}"
                );
            }
            assert_eq!(status(&method, &[host, ("origin", "http://localhost:8100")]), Ok(()));
            assert_eq!(status(&method, &[host, ("origin", "https://localhost:8100")]), Ok(()));
            assert_eq!(status(&method, &[host, ("sec-fetch-site", "same-origin")]), Ok(()));
            assert_eq!(status(&method, &[host]), Ok(()));
        }
        assert_eq!(status(&Method::GET, &[host, ("origin", "http://evil.example")]), Ok(()));
    }
}
