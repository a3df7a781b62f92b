//! The listeners: connections are few, short of time while they say nothing, and closed when the server stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use coordinator::Shutdown;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at once. Each takes a descriptor, of which a process usually has 1024.
const MOST_CONNECTIONS: usize = 512;
/// Within this time a request says what it wants, and a connection without one is used again.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// Answers that are under way when the server stops have so much time.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// The pause after a connection could not be taken, as when the process has no descriptor left.
const AFTER_FAILURE: Duration = Duration::from_millis(200);
/// What a client is told that is one too many.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("the address {address} cannot be listened on: {source}")]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    pub source: std::io::Error,
}

#[derive(Debug)]
pub(crate) struct Listeners {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Listeners {
    pub(crate) async fn bind(wanted: &[SocketAddr]) -> Result<Self, ListenError> {
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for &address in wanted {
            let failed = |source| ListenError { address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            addresses.push(listener.local_addr().map_err(failed)?);
            listeners.push(listener);
        }
        Ok(Self { listeners, addresses })
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers until the shutdown is requested.
    pub(crate) async fn answer(self, routes: Router, shutdown: &Shutdown) {
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut accepting = JoinSet::new();
        for listener in self.listeners {
            accepting.spawn(accept(listener, routes.clone(), Arc::clone(&room), shutdown.clone()));
        }
        while accepting.join_next().await.is_some() {}
    }
}

async fn accept(listener: TcpListener, routes: Router, room: Arc<Semaphore>, shutdown: Shutdown) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = shutdown.requested() => break,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!("a connection could not be taken: {error}");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => {
                let (routes, shutdown) = (routes.clone(), shutdown.clone());
                connections.spawn(async move {
                    answer(stream, routes, &shutdown).await;
                    drop(permit);
                });
            }
            Err(_) => turn_away(&stream),
        }
    }
    let _ =
        tokio::time::timeout(LAST_ANSWERS, async { while connections.join_next().await.is_some() {} }).await;
}

async fn answer(stream: TcpStream, routes: Router, shutdown: &Shutdown) {
    // Small messages go out at once.
    let _ = stream.set_nodelay(true);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = std::pin::pin!(connection);
    // That a client goes away in the middle is its own affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.requested() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Tells a client that it is one too many, without waiting for it.
fn turn_away(stream: &TcpStream) {
    let _ = stream.try_write(BUSY);
}
