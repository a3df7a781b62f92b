//! Where a hook is: an address of HTTP that was checked when it was read.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Scheme;

/// An address that deliveries go to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// By TLS.
    pub(crate) is_secure: bool,
    /// The name or number of the machine, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What `Host` says.
    pub(crate) authority: String,
    /// The path and the query.
    pub(crate) path: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.trim().parse().map_err(|_| {
            "it is no address: write it as https://example.org/path, a name with other letters as xn--…"
                .to_owned()
        })?;
        let is_secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err("it must begin with https:// or http://".to_owned()),
        };
        let authority = uri.authority().ok_or_else(|| "it names no machine".to_owned())?;
        if authority.as_str().contains('@') {
            return Err(
                "it holds a password, which would be in logs: leave it out, and use secret".to_owned()
            );
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16();
        let names_port = authority.as_str().len() > authority.host().len();
        if host.is_empty() || port == Some(0) || (port.is_none() && names_port) {
            return Err("it names no machine, or no port of it".to_owned());
        }
        Ok(Self {
            is_secure,
            host,
            port: port.unwrap_or(if is_secure { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

impl Address {
    /// True where the path names something.
    pub fn has_path(&self) -> bool {
        self.path.split('?').next().is_some_and(|path| path.chars().any(|c| c != '/'))
    }

    /// All of it, by which hooks are told apart.
    pub(crate) fn whole(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

/// Without the path, which is a secret with many services.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "https" } else { "http" };
        let more = if self.path == "/" { "" } else { "/…" };
        write!(f, "{scheme}://{}{more}", self.authority)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_their_paths() {
        for (text, host, port, path, shown) in [
            ("https://ntfy.sh/films", "ntfy.sh", 443, "/films", "https://ntfy.sh/…"),
            ("http://[::1]:8080", "::1", 8080, "/", "http://[::1]:8080"),
            ("http://192.168.1.9:80/a?b=c", "192.168.1.9", 80, "/a?b=c", "http://192.168.1.9:80/…"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((&*address.host, address.port, &*address.path), (host, port, path));
            assert_eq!(format!("{address} {address:?}"), format!("{shown} {shown}"));
        }
    }

    #[test]
    fn what_is_no_address_of_http_is_refused() {
        for text in [
            "",
            "ntfy.sh/films",
            "/films",
            "ftp://a/b",
            "file:///etc/passwd",
            "https://",
            "http://a:0/",
            "http://a:99999/",
            "http://me:password@a/",
            "http://a b/",
            "http://a/\r\nX: y",
            "http://müller.de/",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
