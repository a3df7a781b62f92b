//! Sending one request, with limits: to an address that is looked at when the connection is made, without following redirects and
//! without reading more of the answer than a few kilobytes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, LOCATION, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address::Address;
use crate::public::closed;

/// Time to find an address and to connect to it.
const CONNECTING: Duration = Duration::from_secs(10);
/// Time for all of a delivery.
const WHOLE: Duration = Duration::from_secs(30);
/// Bytes of the answer's head that are taken.
const LARGEST_HEAD: usize = 32 << 10;
/// Bytes of the answer's body that are read.
const LARGEST_BODY: usize = 4 << 10;
/// Addresses of a name that are tried.
const MOST_ADDRESSES: usize = 4;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The beginning of the body.
    pub text: String,
}

/// Why a delivery failed.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The name is not known.
    #[error("the name `{host}` is not found: {error}")]
    Name {
        /// The name.
        host: String,
        /// What the resolver says.
        error: io::Error,
    },
    /// All that the name stands for is closed to hooks.
    #[error(
        "`{host}` is {address} ({what}), which hooks do not reach unless allow_private = true stands with them"
    )]
    Closed {
        /// The name.
        host: String,
        /// An address of it.
        address: IpAddr,
        /// What that is.
        what: &'static str,
    },
    /// No connection came about.
    #[error("{address} cannot be reached: {error}")]
    Connect {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The other side is not who it should be, or speaks no TLS.
    #[error("TLS with `{host}` fails: {error}")]
    Tls {
        /// The name.
        host: String,
        /// Why.
        error: io::Error,
    },
    /// This system has no certificates.
    #[error("this system has no certificates to know others by: install ca-certificates")]
    NoCertificates,
    /// It took too long.
    #[error("it did not answer within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// The answer is no HTTP, is too large, or broke off.
    #[error("its answer is no good: {0}")]
    Http(#[from] hyper::Error),
    /// The request cannot be.
    #[error("the request cannot be made: {0}")]
    Request(#[from] hyper::http::Error),
    /// It wants the request elsewhere.
    #[error(
        "it answers {status} and wants it sent to `{to}`, and redirects are not followed: write that address"
    )]
    Redirect {
        /// The status of HTTP.
        status: u16,
        /// Where to.
        to: String,
    },
    /// It did not take the delivery.
    #[error("it answers {status}{}", if text.is_empty() { String::new() } else { format!(": {text}") })]
    Status {
        /// The status of HTTP.
        status: u16,
        /// The beginning of the body.
        text: String,
    },
}

/// Sends requests. Copies are cheap.
#[derive(Debug, Clone)]
pub struct Client {
    agent: String,
    whole: Duration,
    /// What TLS needs, made when it is needed first.
    tls: Arc<Mutex<Option<Arc<ClientConfig>>>>,
}

impl Client {
    /// A client of a program of this version.
    pub fn new(version: &str) -> Self {
        Self { agent: format!("upscaled/{version}"), whole: WHOLE, tls: Arc::default() }
    }

    #[cfg(test)]
    pub(crate) fn with_patience(self, whole: Duration) -> Self {
        Self { whole, ..self }
    }

    /// Sends a body with headers; the answer must be a success.
    ///
    /// # Errors
    /// When it was not delivered.
    pub async fn send(
        &self,
        to: &Address,
        allow_private: bool,
        (body, headers): (Vec<u8>, Vec<(&'static str, String)>),
    ) -> Result<Answer, SendError> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&to.path)
            .header(HOST, &to.authority)
            .header(USER_AGENT, &self.agent);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let sending = async {
            let stream = connect(to, allow_private).await?;
            if !to.is_secure {
                return exchange(stream, request).await;
            }
            let tls = |error| SendError::Tls { host: to.host.clone(), error };
            let name = ServerName::try_from(to.host.clone()).map_err(|error| tls(io::Error::other(error)))?;
            let stream = TlsConnector::from(self.tls().await?).connect(name, stream).await.map_err(tls)?;
            exchange(stream, request).await
        };
        timeout(self.whole, sending).await.map_err(|_| SendError::TooSlow(self.whole))?
    }

    /// The certificates of the system.
    async fn tls(&self) -> Result<Arc<ClientConfig>, SendError> {
        let known =
            |tls: &Mutex<Option<Arc<ClientConfig>>>| tls.lock().ok().and_then(|config| config.clone());
        if let Some(config) = known(&self.tls) {
            return Ok(config);
        }
        let making = tokio::task::spawn_blocking(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return None;
            }
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config =
                ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
            Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
        });
        let config = making.await.ok().flatten().ok_or(SendError::NoCertificates)?;
        if let Ok(mut known) = self.tls.lock() {
            *known = Some(Arc::clone(&config));
        }
        Ok(config)
    }
}

/// Connects to an address of the host that may be reached. It is the address that was looked at which is connected to: the name is
/// not asked for again.
async fn connect(to: &Address, allow_private: bool) -> Result<TcpStream, SendError> {
    let host = || to.host.clone();
    let finding = timeout(CONNECTING, tokio::net::lookup_host((&*to.host, to.port))).await;
    let found = finding.map_err(|_| SendError::TooSlow(CONNECTING))?;
    let addresses: Vec<SocketAddr> =
        found.map_err(|error| SendError::Name { host: host(), error })?.collect();
    let mut why = SendError::Name { host: host(), error: io::Error::other("it has no address") };
    let mut tried = 0;
    for address in addresses {
        if let Some(what) = closed(address.ip()).filter(|_| !allow_private) {
            if tried == 0 {
                why = SendError::Closed { host: host(), address: address.ip(), what };
            }
            continue;
        }
        tried += 1;
        if tried > MOST_ADDRESSES {
            break;
        }
        match timeout(CONNECTING, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = SendError::Connect { address, error },
            Err(_) => why = SendError::TooSlow(CONNECTING),
        }
    }
    Err(why)
}

/// Sends a request over a connection, which is closed afterwards.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(LARGEST_HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    let asking = async {
        let response = sender.send_request(request).await?;
        let (status, to) = (response.status(), response.headers().get(LOCATION).cloned());
        let text = beginning(response).await;
        match to {
            Some(to) if status.is_redirection() => {
                let to = job::one_line(&String::from_utf8_lossy(to.as_bytes()));
                Err(SendError::Redirect { status: status.as_u16(), to })
            }
            _ if status.is_success() => Ok(Answer { status: status.as_u16(), text }),
            _ => Err(SendError::Status { status: status.as_u16(), text: text.chars().take(200).collect() }),
        }
    };
    tokio::pin!(asking, connection);
    tokio::select! {
        // What was answered counts, whatever becomes of the connection.
        biased;
        answer = &mut asking => answer,
        ended = &mut connection => {
            ended?;
            asking.await
        }
    }
}

/// The beginning of a body as text. The rest is not read.
async fn beginning(mut response: Response<Incoming>) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < LARGEST_BODY
        && let Some(Ok(frame)) = response.body_mut().frame().await
    {
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    bytes.truncate(LARGEST_BODY);
    job::one_line(String::from_utf8_lossy(&bytes).trim())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
