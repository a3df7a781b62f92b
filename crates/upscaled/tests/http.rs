//! What a server answers over HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/http.rs"]
mod http;
#[path = "common/server.rs"]
mod server;

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use common::{make_clip, number, run, wait_for};
use http::{Watcher, connect, exchange, free_address, get, get_json, request, send, wait_for_server};
use serde_json::{Value, json};
use server::Server;

/// A server whose jobs take a moment for each segment.
fn start(root: &Path, address: &str) -> Server {
    std::fs::create_dir_all(root.join("input")).unwrap();
    let settings =
        ["--model", "none", "--preset", "ultrafast", "--segment-frames", "30", "--listen", address];
    let server = Server::start(root, &settings);
    wait_for_server(address);
    server
}

fn jobs(address: &str) -> Vec<Value> {
    get_json(address, "/api/v1/jobs")["jobs"].as_array().unwrap().clone()
}

#[test]
fn a_film_is_followed_from_the_folder_to_its_result() {
    let folder = tempfile::tempdir().unwrap();
    let (root, address) = (folder.path(), free_address());
    let server = start(root, &address);
    assert_eq!(get(&address, "/healthz").body, b"ok\n");
    assert_eq!(get(&address, "/readyz").status, 200);
    assert_eq!(get_json(&address, "/api/v1/system")["input"], root.join("input").to_str().unwrap());
    assert!(jobs(&address).is_empty());
    // The page, with all that it names, packed for those who take that.
    let page = String::from_utf8(get(&address, "/").body).unwrap();
    let assets: Vec<&str> = page.split('"').filter(|part| part.starts_with("./assets/")).collect();
    assert!(assets.len() >= 2, "{page}");
    for asset in assets.iter().map(|asset| &asset[1..]) {
        let plain = get(&address, asset);
        assert!(plain.status == 200 && plain.body.len() > 1000, "{asset}: {}", plain.status);
        assert!(plain.header("cache-control").unwrap().contains("immutable"));
        let packed = request(&address, "GET", asset, &["Accept-Encoding: br, gzip"], "");
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        assert!(packed.body.starts_with(&[0x1f, 0x8b]) && packed.body.len() < plain.body.len());
    }

    let mut watcher = Watcher::new(&address, None);
    make_clip(&root.join("film ü.mp4"), "64x48", 90, true);
    std::fs::rename(root.join("film ü.mp4"), root.join("input/film ü.mp4")).unwrap();
    let added = watcher.wait_for("job", |data| data["what"] == "added");
    assert_eq!((added.id, &added.data["job"]), (Some(1), &json!(1)));
    watcher.wait_for("job", |data| data["what"]["changed"]["status"] == "done");

    let job = get_json(&address, "/api/v1/jobs/1");
    assert_eq!((&job["name"], &job["frames_done"]), (&json!("film ü.mp4"), &json!(90)));
    assert_eq!((&job["result_size"], &job["encoder"]), (&json!("256x192"), &json!("libx264")));
    let list = get_json(&address, "/api/v1/jobs?state=done&search=FILM");
    assert_eq!(
        (&list["total"], &list["counts"]["done"], &list["next"]),
        (&json!(1), &json!(1), &Value::Null)
    );
    assert_eq!(get_json(&address, "/api/v1/jobs?state=failed,waiting")["total"], 0);
    assert!(get_json(&address, "/api/v1/jobs/1/report")["checks"].is_object());

    // The result, whole and in parts.
    let result = root.join("output/film ü_upscaled.mp4");
    let bytes = std::fs::read(&result).unwrap();
    let whole = get(&address, "/api/v1/jobs/1/result");
    assert!(whole.status == 200 && whole.body == bytes);
    assert!(whole.header("content-disposition").unwrap().ends_with("film%20%C3%BC_upscaled.mp4"));
    let part = request(&address, "GET", "/api/v1/jobs/1/result", &["Range: bytes=100-199"], "");
    assert_eq!((part.status, &*part.body), (206, &bytes[100..200]));
    let behind = format!("Range: bytes={}-", bytes.len());
    assert_eq!(request(&address, "GET", "/api/v1/jobs/1/result", &[&behind], "").status, 416);
    std::fs::remove_file(&result).unwrap();
    assert_eq!(get(&address, "/api/v1/jobs/1/result").code(), "result_gone");
    // What others put in its place is not handed out, and holds nothing up.
    std::fs::write(root.join("secret"), "of others").unwrap();
    std::os::unix::fs::symlink(root.join("secret"), &result).unwrap();
    assert_eq!(get(&address, "/api/v1/jobs/1/result").code(), "result_gone");
    std::fs::remove_file(&result).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&result).status().unwrap().success());
    for _ in 0..20 {
        assert_eq!(get(&address, "/api/v1/jobs/1/result").code(), "result_gone");
    }
    std::fs::remove_file(&result).unwrap();
    std::fs::write(&result, "another film").unwrap();
    assert_eq!(get(&address, "/api/v1/jobs/1/frames/0/result").code(), "result_gone");
    std::fs::remove_file(&result).unwrap();
    assert!(get_json(&address, "/api/v1/jobs/1")["result_gone"].as_bool().unwrap());

    let metrics = String::from_utf8(get(&address, "/metrics").body).unwrap();
    assert!(metrics.contains("upscaled_jobs{state=\"done\"} 1\n"), "{metrics}");
    drop(server);
}

#[test]
fn a_page_steers_jobs_and_other_pages_hear_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (root, address) = (folder.path(), free_address());
    for name in ["one.mp4", "two.mp4", "three.mp4"] {
        std::fs::create_dir_all(root.join("input")).unwrap();
        make_clip(&root.join("input").join(name), "64x48", 20, false);
    }
    // Nothing can be published, so that all of them wait.
    std::fs::write(root.join("output"), "").unwrap();
    let server = start(root, &address);
    wait_for("three jobs", server::PATIENCE, || jobs(&address).len() == 3);
    let mut watcher = Watcher::new(&address, None);
    let act = |path: &str| send(&address, "POST", path, &json!({}));
    let changed = |answer: &http::Answer| answer.json()["outcomes"][0]["changed"].as_bool().unwrap();

    assert!(changed(&act("/api/v1/jobs/2/actions/pause")));
    watcher.wait_for("job", |data| data["job"] == 2 && data["what"]["changed"]["status"] == "paused");
    assert_eq!(get_json(&address, "/api/v1/jobs?state=paused")["total"], 1);
    assert!(changed(&act("/api/v1/jobs/2/actions/resume")));
    let high = json!({"priority": "high"});
    assert!(changed(&send(&address, "PUT", "/api/v1/jobs/3/priority", &high)));
    watcher.wait_for("job", |data| data["job"] == 3 && data["what"]["changed"].is_object());
    assert_eq!(jobs(&address)[0]["id"], 3);
    let other = send(&address, "PUT", "/api/v1/jobs/3/position", &json!({"to": {"before": 1}}));
    assert_eq!(other.code(), "other_priority");
    let first = send(&address, "PUT", "/api/v1/jobs/2/position", &json!({"to": "first"}));
    assert_eq!(first.status, 204);
    watcher.wait_for("job", |data| data["job"] == 2 && data["what"] == "moved");
    let order: Vec<Value> = jobs(&address).iter().map(|job| job["id"].clone()).collect();
    assert_eq!(order, [3, 2, 1]);
    assert!(changed(&act("/api/v1/jobs/1/actions/cancel")));
    assert!(!changed(&act("/api/v1/jobs/1/actions/pause")));
    let remove = json!({"action": "remove", "jobs": {"numbers": [1]}});
    assert!(changed(&send(&address, "POST", "/api/v1/jobs/actions", &remove)));
    watcher.wait_for("job", |data| data["job"] == 1 && data["what"] == "removed");
    assert_eq!(get_json(&address, "/api/v1/jobs")["total"], 2);
    drop(server);
}

#[test]
fn events_have_no_hole_and_no_repeat_when_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (root, address) = (folder.path(), free_address());
    let mut server = start(root, &address);
    make_clip(&root.join("film.mp4"), "320x240", 600, false);
    std::fs::rename(root.join("film.mp4"), root.join("input/film.mp4")).unwrap();
    let (mut seen, mut is_done) = (vec![0], false);
    let mut watcher = Watcher::new(&address, Some(0));
    let mut kills = number("UPSCALED_HTTP_KILLS", 2);
    while !is_done {
        match watcher.next() {
            Some(event) if event.kind == "job" => {
                seen.push(event.id.unwrap());
                is_done = event.data["what"]["changed"]["status"] == "done";
                let finished = event.data["what"]["changed"]["segments"].as_u64().unwrap_or(0);
                if kills > 0 && finished > 0 && seen.len().is_multiple_of(5) {
                    kills -= 1;
                    server.kill();
                    server.restart();
                }
            }
            Some(event) => assert_eq!(event.kind, "progress", "{event:?}"),
            None => {
                wait_for_server(&address);
                watcher = Watcher::new(&address, seen.last().copied());
            }
        }
    }
    assert_eq!(seen, (0..).take(seen.len()).collect::<Vec<i64>>());
    assert_eq!(kills, 0);
    // One that knows events of another ledger is told.
    assert_eq!(Watcher::new(&address, Some(1_000_000)).next().unwrap().kind, "missed");
}

#[test]
fn what_is_wrong_is_refused_with_a_reason_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (root, address) = (folder.path(), free_address());
    let mut server = start(root, &address);
    let json = "Content-Type: application/json";
    let action = "/api/v1/jobs/1/actions/cancel";
    let own = format!("Origin: http://{address}");
    for (method, path, headers, body, status, code) in [
        ("GET", "/api/v1/jobs/1", &[][..], "", 404, "no_job"),
        ("GET", "/api/v1/jobs/-9223372036854775808", &[], "", 404, "no_job"),
        ("GET", "/api/v1/jobs/x", &[], "", 400, "bad_request"),
        ("GET", "/api/v1/jobs?limit=0", &[], "", 400, "bad_request"),
        ("GET", "/api/v1/jobs?limit=501", &[], "", 400, "bad_request"),
        ("GET", "/api/v1/jobs?state=odd", &[], "", 400, "bad_request"),
        ("GET", "/api/v1/jobs?after=e.1", &[], "", 400, "bad_request"),
        ("GET", "/api/v1/jobs?page=2", &[], "", 400, "bad_request"),
        ("GET", "/api/v1/jobs/1/segments", &[], "", 404, "no_job"),
        ("GET", "/api/v1/jobs/1/result", &[], "", 404, "no_job"),
        ("GET", "/api/v1/events", &["Last-Event-ID: x"], "", 400, "bad_request"),
        ("GET", "/api/v2/jobs", &[], "", 404, "no_route"),
        ("GET", "/../Cargo.toml", &[], "", 404, "no_route"),
        ("GET", "/assets/%2e%2e/%2e%2e/etc/passwd", &[], "", 404, "no_route"),
        ("DELETE", "/api/v1/jobs", &[], "", 405, "wrong_method"),
        ("POST", "/api/v1/jobs/1/actions/explode", &[], "", 400, "bad_request"),
        ("POST", "/api/v1/jobs/actions", &[json], "{", 400, "bad_request"),
        ("POST", "/api/v1/jobs/actions", &[], "{}", 415, "no_json"),
        ("POST", "/api/v1/jobs/actions", &[json], r#"{"action":"pause","jobs":"some"}"#, 400, "bad_request"),
        ("POST", action, &["Origin: http://evil.example"], "", 403, "foreign_origin"),
        ("POST", action, &["Sec-Fetch-Site: cross-site"], "", 403, "foreign_origin"),
        ("POST", action, &[&own, "Origin: http://evil.example"], "", 403, "foreign_origin"),
        ("POST", action, &[], "", 404, "no_job"),
        ("GET", "/", &["Host: evil.example"], "", 403, "unknown_host"),
        ("GET", "/metrics", &["Host: evil.example:8100"], "", 403, "unknown_host"),
    ] {
        let answer = request(&address, method, path, headers, body);
        assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{method} {path} {headers:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let large = format!("{{\"action\":\"pause\",\"jobs\":{{\"numbers\":[{}1]}}}}", "1,".repeat(200_000));
    assert_eq!(request(&address, "POST", "/api/v1/jobs/actions", &[json], &large).code(), "too_large");
    for bytes in [&b"GET / HTTP/1.0\r\n\r\n"[..], b"GARBAGE\r\n\r\n", b"GET / HTTP/1.0\r\nHost: a b\r\n\r\n"]
    {
        assert_eq!(exchange(&address, bytes).status, 400, "{bytes:?}");
    }
    // One that says that it is too large is not waited for; one that never ends has its time.
    let head = format!("POST /api/v1/jobs/actions HTTP/1.0\r\nHost: {address}\r\n{json}\r\nContent-Length: ");
    let begun = exchange(&address, format!("{head}99999999999\r\n\r\n{{").as_bytes());
    assert_eq!((begun.status, &*begun.code()), (413, "too_large"));
    let begun = exchange(&address, format!("{head}100\r\n\r\n{{").as_bytes());
    assert_eq!((begun.status, &*begun.code()), (408, "too_slow"));
    // One that asks for too many headers, and its end.
    let many = format!("GET / HTTP/1.0\r\nHost: {address}\r\n{}\r\n", "X: y\r\n".repeat(5000));
    assert!(exchange(&address, many.as_bytes()).status >= 400);
    assert!(get_json(&address, "/api/v1/system")["version"].is_string());
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn clients_that_hold_connections_shut_nobody_out_for_long_and_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    let (root, address) = (folder.path(), free_address());
    let mut server = start(root, &address);
    // As many watch as may; the next is told when to come again.
    let watchers: Vec<Watcher> = (0..256).map(|_| Watcher::new(&address, None)).collect();
    let refused = get(&address, "/api/v1/events");
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("too_many_clients", Some("30")));
    // The others say nothing. One that is too many is told so, or cut off.
    let silent: Vec<_> = (0..256).map(|_| connect(&address)).collect();
    let mut turned_away = 0;
    for _ in 0..number("UPSCALED_HTTP_CLIENTS", 300) {
        let Ok(mut stream) = TcpStream::connect(&address) else { continue };
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut answer = Vec::new();
        let read = std::io::Read::read_to_end(&mut stream, &mut answer);
        turned_away += usize::from(read.is_err() || answer.starts_with(b"HTTP/1.1 503"));
    }
    assert!(turned_away > 200, "{turned_away} were turned away");
    drop(silent);
    wait_for("room", Duration::from_secs(40), || {
        TcpStream::connect(&address).is_ok() && exchange_status(&address) == Some(200)
    });
    assert!(server.peak_memory() < 80 << 20, "{} bytes", server.peak_memory());
    drop(watchers);
    wait_for("the watchers to be gone", Duration::from_secs(40), || {
        String::from_utf8(get(&address, "/metrics").body).unwrap().contains("upscaled_watching_clients 0\n")
    });
    assert_eq!(server.stop(), Some(0));
}

/// The status of an answer, where there is one.
fn exchange_status(address: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let request = format!("GET /api/v1/system HTTP/1.0\r\nHost: {address}\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).ok()?;
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn addresses_are_chosen_and_those_that_others_reach_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let refused = |arguments: &[&str], wanted: &str| {
        let output = run(root, &[&["serve"], arguments].concat());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(wanted), "{errors}");
    };
    for address in ["0.0.0.0:8100", "192.0.2.1:80", "[::]:8100"] {
        refused(&["--listen", address], "can be reached from other machines");
    }
    refused(&["--listen", "films"], "write an address and a port, for example 127.0.0.1:8100");
    refused(&["--host", "http://films"], "write the name of a host without a port");
    std::fs::write(root.join("upscaled.toml"), "listen = [\"127.0.0.1\"]").unwrap();
    refused(&[], "line 1: listen = [\"127.0.0.1\"] cannot be");
    std::fs::remove_file(root.join("upscaled.toml")).unwrap();

    let (taken, address) = (std::net::TcpListener::bind("127.0.0.1:0").unwrap(), free_address());
    let taken = taken.local_addr().unwrap().to_string();
    refused(&["--listen", &taken], "cannot be listened on");
    let server = Server::start(root, &["--listen", &address, "--host", "Films.example"]);
    wait_for_server(&address);
    assert_eq!(request(&address, "GET", "/healthz", &["Host: films.example"], "").status, 200);
    drop(server);
    let server = Server::start(root, &["--no-http"]);
    wait_for("the server", server::PATIENCE, || root.join("state/upscaled.sock").exists());
    assert!(TcpStream::connect(&address).is_err());
    drop(server);
}
