//! Who may use the page and the API of a server, and who says so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use common::{run, run_well, upscaled, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

const PASSWORD: &str = "correct horse";

/// Runs the program with a standard input.
fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = upscaled(folder);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn set_password(folder: &Path, password: &str) {
    let output = run_with(folder, &["password"], &format!("{password}\n"));
    assert!(output.status.success(), "{}", errors(&output));
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The port that a server says its page is at.
fn port(server: &Server) -> u16 {
    let mut port = None;
    wait_for("the page", PATIENCE, || {
        let log = std::fs::read_to_string(server.root.join("terminal.log")).unwrap_or_default();
        let place = log.lines().rev().find_map(|line| line.strip_prefix("The page is at    "));
        port = place.and_then(|place| match place.strip_prefix("port ") {
            Some(everywhere) => everywhere.split(' ').next()?.parse().ok(),
            None => place.rsplit_once(':')?.1.trim().parse().ok(),
        });
        port.is_some()
    });
    port.unwrap()
}

/// What a server answers: the status, the header and the body.
struct Answer {
    status: u16,
    header: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The session that it gives, as a browser sends it.
    fn cookie(&self) -> String {
        let line = self.header.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        format!("Cookie: {}", line.split(';').next().unwrap())
    }
}

/// Asks a server, with more lines in the header where some are given.
fn ask(port: u16, method: &str, path: &str, header: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let more = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{more}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    let status = header.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, header: header.to_owned(), body: body.to_owned() }
}

fn status(port: u16, path: &str, header: &str) -> u16 {
    ask(port, "GET", path, header, "").status
}

#[test]
fn other_machines_reach_a_server_only_with_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let everywhere = ["--listen", "0.0.0.0:0"];
    let refused = run(root, &["serve", "--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(2), "{}", errors(&refused));
    let told = errors(&refused);
    assert!(told.contains("0.0.0.0:0") && told.contains("upscaled password --root"), "{told}");

    set_password(root, PASSWORD);
    let mut server = Server::start(root, &everywhere);
    let at = port(&server);
    assert_eq!(status(at, "/healthz", ""), 200);
    assert_eq!(status(at, "/api/v1/jobs", ""), 401);
    let body = format!("{{\"password\":\"{PASSWORD}\"}}");
    let signed_in = ask(at, "POST", "/api/v1/session", "", &body);
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    let cookie = signed_in.cookie();
    assert_eq!(status(at, "/api/v1/jobs", &cookie), 200);

    // Without a password it does not open to other machines, neither now nor at the next start.
    run_well(root, &["password", "--remove"]);
    for header in ["", &cookie] {
        assert_eq!(status(at, "/api/v1/jobs", header), 401);
    }
    assert_eq!(ask(at, "POST", "/api/v1/owner/password", "", &body).status, 401);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(run(root, &["serve", "--listen", "0.0.0.0:0"]).status.code(), Some(2));
}

#[test]
fn a_password_holds_at_once_and_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut server = Server::start(root, &[]);
    let at = port(&server);
    assert_eq!(status(at, "/api/v1/jobs", ""), 200);
    set_password(root, PASSWORD);
    assert_eq!(status(at, "/api/v1/jobs", ""), 401);
    let sign_in =
        |password: &str| ask(at, "POST", "/api/v1/session", "", &format!("{{\"password\":\"{password}\"}}"));
    let cookie = sign_in(PASSWORD).cookie();
    assert_eq!(status(at, "/api/v1/jobs", &cookie), 200);
    // A new one ends the sessions of the one before.
    set_password(root, "battery staple");
    assert_eq!(status(at, "/api/v1/jobs", &cookie), 401);
    assert_eq!(sign_in(PASSWORD).status, 401);
    let cookie = sign_in("battery staple").cookie();
    // A session outlives the server.
    assert_eq!(server.stop(), Some(0));
    std::fs::remove_file(root.join("terminal.log")).unwrap();
    server.restart();
    let at = port(&server);
    assert_eq!(status(at, "/api/v1/jobs", &cookie), 200);
    run_well(root, &["password", "--remove"]);
    assert_eq!(status(at, "/api/v1/jobs", ""), 200);
    let session = ask(at, "GET", "/api/v1/session", "", "").json();
    assert_eq!((&session["password_set"], &session["needs_password"]), (&false.into(), &false.into()));
}

#[test]
fn bad_passwords_are_refused_and_none_is_written_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (input, told) in [("short\n", "at least 8"), ("", "at least 8"), (&*"x".repeat(2000), "at most 1024")]
    {
        let output = run_with(root, &["password"], input);
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains(told), "{}", errors(&output));
    }
    assert!(!root.join("state").exists());
    set_password(root, PASSWORD);
    for entry in std::fs::read_dir(root.join("state")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let holds = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!holds, "{}", path.display());
    }
}

#[test]
fn tokens_of_the_command_line_hold_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    set_password(root, PASSWORD);
    // One that is made before the server starts, and one while it runs.
    let before = run_well(root, &["token", "create", "before", "--scope", "read"]);
    let server = Server::start(root, &[]);
    let at = port(&server);
    let while_it_runs = run_well(root, &["token", "create", "while it runs", "--scope", "read,control"]);
    let header = |token: &str| format!("Authorization: Bearer {}", token.trim());
    for token in [&before, &while_it_runs] {
        assert_eq!(status(at, "/api/v1/jobs", &header(token)), 200, "{token}");
        assert_eq!(status(at, "/api/v1/tokens", &header(token)), 403, "{token}");
    }
    let pause = |token: &str| ask(at, "POST", "/api/v1/jobs/1/actions/pause", &header(token), "").status;
    assert_eq!((pause(&before), pause(&while_it_runs)), (403, 404));
    let again = run(root, &["token", "create", "before", "--scope", "read"]);
    assert_eq!(again.status.code(), Some(1), "{}", errors(&again));
    let unknown = run(root, &["token", "create", "x", "--scope", "everything"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", errors(&unknown));

    let listed = run_well(root, &["token", "list"]);
    assert!(listed.contains("while it runs") && listed.contains("read, control"), "{listed}");
    assert!(!listed.contains(before.trim()), "{listed}");
    let lines = run_well(root, &["token", "list", "--json"]);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert!(first["name"] == "before" && first["last_used"].is_string(), "{first}");

    // Who watches with a token is cut off with it.
    let mut watching = TcpStream::connect(("127.0.0.1", at)).unwrap();
    watching.set_read_timeout(Some(PATIENCE)).unwrap();
    let more = header(&while_it_runs);
    write!(watching, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n\r\n")
        .unwrap();
    let mut begun = [0; 12];
    watching.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    run_well(root, &["token", "revoke", "while it runs"]);
    watching.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(status(at, "/api/v1/jobs", &header(&while_it_runs)), 401);
    assert_eq!(status(at, "/api/v1/jobs", &header(&before)), 200);
    let unknown = run(root, &["token", "revoke", "while it runs"]);
    assert!(unknown.status.code() == Some(1) && errors(&unknown).contains("token list"));
}

/// With the ledger, its password is lost; that opens nothing.
#[test]
fn a_ledger_that_is_lost_leaves_the_server_closed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    set_password(root, PASSWORD);
    std::fs::write(root.join("state/ledger.db"), "this is no database").unwrap();
    let refused = run(root, &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(2), "{}", errors(&refused));
    let server = Server::start(root, &[]);
    let at = port(&server);
    assert_eq!(status(at, "/api/v1/jobs", ""), 401);
    let body = format!("{{\"password\":\"{PASSWORD}\"}}");
    assert_eq!(ask(at, "POST", "/api/v1/owner/password", "", &body).status, 401);
    set_password(root, PASSWORD);
    assert_eq!(ask(at, "POST", "/api/v1/session", "", &body).status, 200);
}

/// True where the terminal of the program that a process runs shows nothing of what is typed.
fn hides(process: u32) -> bool {
    let mut last = process;
    while let Some(child) = server::children(last).first() {
        last = *child;
    }
    let Ok(terminal) = std::fs::read_link(format!("/proc/{last}/fd/0")) else { return false };
    let settings = std::process::Command::new("stty").arg("-a").arg("-F").arg(terminal).output().unwrap();
    String::from_utf8_lossy(&settings.stdout).split([' ', ';', '\n']).any(|word| word == "-echo")
}

#[test]
fn on_a_terminal_the_password_is_asked_for_twice_without_being_shown() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let type_in = |lines: &str| {
        let program = env!("CARGO_BIN_EXE_upscaled");
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &format!("'{program}' password"), "/dev/null"]).current_dir(root);
        command.env_remove("UPSCALED_ROOT").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let mut input = child.stdin.take().unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut shown = Vec::new();
        // What is typed before the terminal hides it would be shown.
        for line in lines.lines() {
            let mut byte = [0];
            while byte != *b":" && output.read(&mut byte).unwrap() == 1 {
                shown.push(byte[0]);
            }
            wait_for("the terminal to hide what is typed", PATIENCE, || hides(child.id()));
            writeln!(input, "{line}").unwrap();
        }
        output.read_to_end(&mut shown).unwrap();
        Some((child.wait().unwrap().code(), String::from_utf8_lossy(&shown).into_owned()))
    };
    let Some((code, shown)) = type_in("correct horse\ncorrect horse\n") else { return };
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Once more") && !shown.contains("horse"), "{shown}");
    let (code, shown) = type_in("battery staple\nbattery stable\n").unwrap();
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("not the same"), "{shown}");
}
