//! Webhooks: what happens to jobs is told to listeners, signed, in order and at least once, whatever becomes of server and listener.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use common::{make_clip, run, wait_for};
use serde_json::Value;
use server::{PATIENCE, Server};

/// A request that came.
#[derive(Debug, Clone)]
struct Delivery {
    headers: Vec<(String, String)>,
    body: String,
}

impl Delivery {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                break;
            }
            lines.push(line);
        }
        let header = |line: &String| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.trim_end().to_owned())
        };
        let headers: Vec<(String, String)> = lines.iter().skip(1).map(header).collect();
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .map(|(_, value)| value.parse().unwrap());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        Self { headers, body: String::from_utf8(body).unwrap() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The event and the name of the video.
    fn told(&self) -> (String, String) {
        let told = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&told["event"]), text(&told["job"]["name"]))
    }
}

/// A listener that answers the first requests with these heads, and all others with 200.
struct Listener {
    port: u16,
    came: Arc<Mutex<Vec<Delivery>>>,
}

impl Listener {
    fn new(port: u16, answers: Vec<String>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut answers) = (Arc::clone(&came), answers.into_iter());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                kept.lock().unwrap().push(Delivery::read(&stream));
                let answer = answers.next().unwrap_or_else(|| "200 OK\r\n".to_owned());
                let _ = write!(stream, "HTTP/1.1 {answer}Content-Length: 2\r\nConnection: close\r\n\r\nok");
            }
        });
        Self { port, came }
    }

    fn came(&self) -> Vec<Delivery> {
        self.came.lock().unwrap().clone()
    }

    fn wait_for(&self, count: usize) -> Vec<Delivery> {
        wait_for("deliveries", PATIENCE, || self.came().len() >= count);
        self.came()
    }
}

/// A port at which nothing listens.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn settings(root: &Path, hooks: &[String]) {
    let hooks: Vec<String> = hooks.iter().map(|hook| format!("[[webhooks]]\n{hook}\n")).collect();
    let hooks = hooks.concat();
    let text = format!("model = \"none\"\nscale = 2\npreset = \"ultrafast\"\nsettle = \"1s\"\n{hooks}");
    fs::write(root.join("upscaled.toml"), text).unwrap();
}

fn url(port: u16) -> String {
    format!("url = \"http://127.0.0.1:{port}/topic\"\nallow_private = true")
}

/// Runs the recipe of the manual.
fn is_verified(secret: &str, signature: &str, body: &str) -> bool {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/webhooks.md");
    let manual = fs::read_to_string(manual).unwrap();
    let recipe = manual.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let program = format!(
        "import sys\nsecret, header = {secret:?}, {signature:?}\nbody = sys.stdin.buffer.read()\n{recipe}\nsys.exit(0 if verified else 1)\n"
    );
    let mut python = Command::new("python3").args(["-c", &program]).stdin(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    python.wait().unwrap().success()
}

#[test]
fn deliveries_are_signed_tried_again_and_not_held_up_by_a_dead_hook() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (json, ntfy) = (Listener::new(0, vec!["500 No\r\n".to_owned()]), Listener::new(0, Vec::new()));
    settings(
        root,
        &[
            url(free_port()),
            format!(
                "{}\nsecret = \"correct horse\"\nevents = [\"added\", \"done\", \"failed\"]",
                url(json.port)
            ),
            format!("{}\nformat = \"ntfy\"\nsecret = \"tk_1\"", url(ntfy.port)),
        ],
    );
    let server = Server::start(root, &[]);
    wait_for("the server", PATIENCE, || root.join("input").is_dir());
    make_clip(&root.join("input/film.mp4"), "64x48", 5, false);
    server.wait_for_jobs(1);
    let came = json.wait_for(3);
    let told: Vec<_> = came.iter().map(Delivery::told).collect();
    let film = |event: &str| (event.to_owned(), "film.mp4".to_owned());
    assert_eq!(told, [film("added"), film("added"), film("done")]);
    assert_eq!(came[0].json()["id"], came[1].json()["id"], "the same delivery, tried again");
    assert_ne!(came[1].json()["id"], came[2].json()["id"]);
    for delivery in &came {
        let signature = delivery.header("upscaled-signature").unwrap();
        assert!(is_verified("correct horse", signature, &delivery.body), "{delivery:?}");
        assert!(!is_verified("other", signature, &delivery.body));
        assert!(!is_verified("correct horse", signature, &format!("{} ", delivery.body)));
        assert_eq!(delivery.header("upscaled-delivery").unwrap(), delivery.json()["id"]);
    }
    let done = came[2].json();
    assert_eq!(
        (&done["version"], &done["job"]["status"], &done["test"]),
        (&1.into(), &"done".into(), &false.into())
    );
    assert!(done["job"]["result"].as_str().unwrap().ends_with("output/film_upscaled.mp4"), "{done}");
    assert!(done["job"]["seconds"].as_f64().unwrap() > 0.0, "{done}");
    let message = &ntfy.wait_for(1)[0];
    assert_eq!(message.header("title"), Some("film.mp4 is done"));
    assert_eq!(message.header("authorization"), Some("Bearer tk_1"));
    assert_eq!(
        (message.header("tags"), message.header("priority")),
        (Some("white_check_mark"), Some("default"))
    );
    assert!(message.body.starts_with("film_upscaled.mp4 in"), "{}", message.body);
    // A job that fails says why.
    fs::write(root.join("input/broken.mp4"), "no film").unwrap();
    let came = json.wait_for(5);
    assert_eq!(came[4].told().0, "failed");
    assert!(!came[4].json()["job"]["reason"].as_str().unwrap().is_empty());
    assert_eq!(ntfy.wait_for(2)[1].header("priority"), Some("high"));
    let log = fs::read_dir(root.join("logs"))
        .unwrap()
        .flatten()
        .map(|file| fs::read_to_string(file.path()).unwrap());
    let log: String = log.collect();
    assert!(log.contains("fails with `done` of job 1") && !log.contains("topic"), "{log}");
    let log: String = fs::read_dir(root.join("logs"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(log.contains("webhook 1 (http://127.0.0.1:"), "{log}");
}

#[test]
fn a_restart_loses_nothing_and_tells_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    settings(root, &[]);
    let mut server = Server::start(root, &[]);
    wait_for("the server", PATIENCE, || root.join("input").is_dir());
    make_clip(&root.join("input/early.mp4"), "64x48", 5, false);
    server.wait_for_jobs(1);
    let port = free_port();
    settings(root, &[url(port)]);
    common::run_well(root, &["reload"]);
    for (number, name) in ["one", "two"].into_iter().enumerate() {
        make_clip(&root.join(format!("input/{name}.mp4")), "64x48", 5, false);
        server.wait_for_jobs(number + 2);
    }
    server.kill();
    server.restart();
    let listener = Listener::new(port, Vec::new());
    let names = |came: Vec<Delivery>| came.iter().map(|delivery| delivery.told().1).collect::<Vec<_>>();
    assert_eq!(
        names(listener.wait_for(2)),
        ["one.mp4", "two.mp4"],
        "in order, and none from before the hook was there"
    );
    assert_eq!(server.stop(), Some(0));
    server.restart();
    make_clip(&root.join("input/three.mp4"), "64x48", 5, false);
    assert_eq!(names(listener.wait_for(3)), ["one.mp4", "two.mp4", "three.mp4"]);
    // One that was taken away and comes back begins anew.
    server.wait_for_jobs(4);
    settings(root, &[]);
    common::run_well(root, &["reload"]);
    make_clip(&root.join("input/unseen.mp4"), "64x48", 5, false);
    server.wait_for_jobs(5);
    settings(root, &[url(port)]);
    common::run_well(root, &["reload"]);
    make_clip(&root.join("input/last.mp4"), "64x48", 5, false);
    server.wait_for_jobs(6);
    assert_eq!(names(listener.wait_for(4))[3..], ["last.mp4"]);
}

#[test]
fn a_test_says_what_came_back_and_nothing_private_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let target = Listener::new(0, Vec::new());
    let elsewhere = format!("302 Found\r\nLocation: http://127.0.0.1:{}/\r\n", target.port);
    let redirecting = Listener::new(0, vec![elsewhere]);
    let private = format!("url = \"http://127.0.0.1:{}/\"", target.port);
    let named = format!("url = \"http://localhost:{}/\"", target.port);
    let mapped = format!("url = \"http://[::ffff:127.0.0.1]:{}/\"", target.port);
    settings(
        root,
        &[
            private,
            named,
            mapped,
            url(redirecting.port),
            format!("{}\nsecret = \"correct horse\"", url(target.port)),
        ],
    );
    let test = |number: &str| {
        let output = run(root, &["webhook", "test", number]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for number in ["1", "2", "3"] {
        let (code, said) = test(number);
        assert!(code == Some(1) && said.contains("unless allow_private = true stands with them"), "{said}");
    }
    let (code, said) = test("4");
    assert!(code == Some(1) && said.contains("it answers 302") && said.contains("not followed"), "{said}");
    assert!(target.came().is_empty(), "no request came there");
    let (code, said) = test("5");
    assert!(
        code == Some(0) && said.contains("webhook 5 (http://") && said.contains("/…): arrived, with 200: ok"),
        "{said}"
    );
    let test_told = target.came()[0].json();
    assert_eq!((&test_told["test"], &test_told["event"]), (&Value::Bool(true), &Value::from("test")));
    assert_eq!((&test_told["job"]["id"], &test_told["job"]["page"]), (&Value::Null, &Value::Null));
    let (code, said) = test("6");
    assert!(code == Some(2) && said.contains("there are 5"), "{said}");
    let shown = common::run_well(root, &["config"]);
    assert!(shown.contains("webhooks.5.secret") && shown.contains("webhooks.5.url"), "{shown}");
    assert!(!shown.contains("horse") && !shown.contains("topic"), "{shown}");
    settings(root, &["url = \"https://a.org/\"\nevent = [\"done\"]".to_owned()]);
    let output = run(root, &["config"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("did you mean `webhooks.events`?"), "{said}");
}
