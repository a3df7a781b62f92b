//! Requests to a server, byte by byte: what a test sends is what goes over the line.

#![allow(dead_code, unreachable_pub, reason = "every test file uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on has failed"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::common::wait_for;

/// Nothing that a test asks for takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// An address of loopback that no program has.
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Waits until a server answers.
pub fn wait_for_server(address: &str) {
    wait_for("the server", PATIENCE, || TcpStream::connect(address).is_ok());
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The header lines, their names in lower case.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.headers.iter().find_map(|line| line.strip_prefix(start.as_str()))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {}: {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    /// The code of the problem that the body describes.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// Sends these bytes and reads all that comes. Of HTTP/1.0, so that the answer ends with the connection.
pub fn exchange(address: &str, bytes: &[u8]) -> Answer {
    answer(begin(address, bytes))
}

/// Sends these bytes, of which the server may refuse some, and leaves the connection open for more.
pub fn begin(address: &str, bytes: &[u8]) -> BufReader<TcpStream> {
    let mut stream = connect(address);
    let _ = stream.write_all(bytes);
    stream
}

/// Reads all that comes.
pub fn answer(mut stream: BufReader<TcpStream>) -> Answer {
    let (status, headers) = head(&mut stream);
    let mut body = Vec::new();
    stream.read_to_end(&mut body).unwrap();
    Answer { status, headers, body }
}

pub fn connect(address: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

trait Write {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()>;
}

impl Write for BufReader<TcpStream> {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.get_mut().write_all(bytes)
    }
}

fn head(stream: &mut BufReader<TcpStream>) -> (u16, Vec<String>) {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the connection ended: {lines:?}");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let name = line.find(':').unwrap_or_default();
        lines.push(line[..name].to_ascii_lowercase() + &line[name..]);
    }
    let status = lines.remove(0).split(' ').nth(1).unwrap().parse().unwrap();
    (status, lines)
}

/// A request with these header lines and this body.
pub fn request(address: &str, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let mut lines: Vec<String> = vec![format!("{method} {path} HTTP/1.0")];
    if !headers.iter().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
        lines.push(format!("Host: {address}"));
    }
    lines.extend(headers.iter().map(|&line| line.to_owned()));
    if !body.is_empty() {
        lines.push(format!("Content-Length: {}", body.len()));
    }
    exchange(address, format!("{}\r\n\r\n{body}", lines.join("\r\n")).as_bytes())
}

/// Asks for something with these headers, and does not wait for the answer.
pub fn ask(address: &str, path: &str, headers: &[(&str, &str)]) -> BufReader<TcpStream> {
    let more =
        headers.iter().fold(String::new(), |lines, (name, value)| lines + name + ": " + value + "\r\n");
    begin(address, format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n{more}\r\n").as_bytes())
}

pub fn get(address: &str, path: &str) -> Answer {
    request(address, "GET", path, &[], "")
}

/// What is there as JSON.
pub fn get_json(address: &str, path: &str) -> Value {
    let answer = get(address, path);
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// Sends JSON.
pub fn send(address: &str, method: &str, path: &str, body: &Value) -> Answer {
    request(address, method, path, &["Content-Type: application/json"], &body.to_string())
}

/// A client that watches events.
#[derive(Debug)]
pub struct Watcher {
    stream: BufReader<TcpStream>,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub kind: String,
    pub id: Option<i64>,
    pub data: Value,
}

impl Watcher {
    /// Watches what is new, or what came after an event.
    pub fn new(address: &str, after: Option<i64>) -> Self {
        let mut stream = connect(address);
        let after = after.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let request = format!("GET /api/v1/events HTTP/1.0\r\nHost: {address}\r\n{after}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let (status, headers) = head(&mut stream);
        assert_eq!(status, 200, "{headers:?}");
        Self { stream }
    }

    /// The next event; `None` when the connection has ended.
    pub fn next(&mut self) -> Option<Event> {
        let mut event = Event { kind: String::new(), id: None, data: Value::Null };
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", kind)) => kind.clone_into(&mut event.kind),
                Some(("id", id)) => event.id = Some(id.parse().unwrap()),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                None if line.trim_end().is_empty() && !event.kind.is_empty() => return Some(event),
                _ => {}
            }
        }
    }

    /// The next event of a kind for which this holds.
    pub fn wait_for(&mut self, kind: &str, is_meant: impl Fn(&Value) -> bool) -> Event {
        loop {
            let event = self.next().unwrap();
            if event.kind == kind && is_meant(&event.data) {
                return event;
            }
        }
    }
}
