//! Where a server answers over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use super::file::read;
use crate::cli::HttpChoice;

/// Where a server answers over HTTP unless told otherwise: on this machine alone.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8100);

/// Where a server answers over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Listening {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) hosts: Vec<String>,
    /// No address was chosen.
    pub(crate) is_default: bool,
}

/// Where a server answers over HTTP, from the command line and the file where that exists.
///
/// # Errors
/// When the file has a mistake.
pub(crate) fn listening(line: &HttpChoice, path: &Path) -> anyhow::Result<Listening> {
    let file = read(path)?;
    let of_line = (!line.listen.is_empty()).then(|| line.listen.clone());
    let chosen = if line.no_http { Some(Vec::new()) } else { of_line.or(file.listen) };
    let is_default = chosen.is_none();
    let mut addresses = chosen.unwrap_or_else(|| vec![LISTEN]);
    addresses.sort_unstable();
    addresses.dedup();
    let mut hosts = file.hosts.unwrap_or_default();
    hosts.extend(line.host.iter().cloned());
    Ok(Listening { addresses, hosts, is_default })
}
