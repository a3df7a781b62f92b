//! The server as a service of systemd: what it tells, and the unit file.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::ffi::OsStr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{make_clip, run, wait_for};
use server::{PATIENCE, Server};

const SETTINGS: [&str; 6] = ["--model", "none", "--preset", "ultrafast", "--segment-frames", "30"];
/// What systemd would wait for a sign of life, in microseconds and as a duration.
const WATCHDOG: (&str, Duration) = ("2000000", Duration::from_secs(2));

/// A socket that messages come to as systemd would get them.
struct Listener(UnixDatagram);

impl Listener {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Self(socket)
    }

    /// The next message, if one comes soon.
    fn next(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).trim().to_owned())
    }

    /// Waits for a message that begins so.
    fn wait_for(&self, beginning: &str) {
        wait_for(beginning, PATIENCE, || self.next().is_some_and(|text| text.starts_with(beginning)));
    }

    /// Counts the signs of life within a time.
    fn signs_of_life(&self, time: Duration) -> usize {
        let start = Instant::now();
        std::iter::from_fn(|| (start.elapsed() < time).then(|| self.next()))
            .filter(|text| text.as_deref() == Some("WATCHDOG=1"))
            .count()
    }
}

#[test]
fn the_server_tells_systemd_what_it_does_and_that_it_is_alive() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    let socket = root.join("notify");
    let listener = Listener::at(&socket);
    let environment = [("NOTIFY_SOCKET", socket.as_os_str()), ("WATCHDOG_USEC", OsStr::new(WATCHDOG.0))];
    let mut server = Server::start_in(root, &SETTINGS, &environment);
    listener.wait_for("READY=1");
    let signs = listener.signs_of_life(4 * WATCHDOG.1);
    println!("{signs} signs of life in {:?}", 4 * WATCHDOG.1);
    assert!(signs >= 4, "{signs}");
    make_clip(&root.join("input/a.mp4"), "64x36", 30, false);
    listener.wait_for("STATUS=job 1: running");
    listener.wait_for("STATUS=job 1: done");
    server.signal("TERM");
    listener.wait_for("STOPPING=1");
    wait_for("the end", PATIENCE, || server.has_ended());
}

#[test]
fn a_scheduler_that_hangs_gives_no_sign_of_life() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/a.mp4"), "64x36", 15_000, false);
    let socket = root.join("notify");
    let listener = Listener::at(&socket);
    let environment = [("NOTIFY_SOCKET", socket.as_os_str()), ("WATCHDOG_USEC", OsStr::new(WATCHDOG.0))];
    let _server = Server::start_in(root, &SETTINGS, &environment);
    listener.wait_for("STATUS=job 1: running, 1 of");
    assert!(listener.signs_of_life(2 * WATCHDOG.1) >= 1);
    // Nothing can be written to the ledger, so that the scheduler waits for it after its segment.
    let held = server::Held::ledger(root);
    std::thread::sleep(Duration::from_secs(3));
    while listener.next().is_some() {}
    assert_eq!(listener.signs_of_life(3 * WATCHDOG.1), 0);
    drop(held);
    assert!(listener.signs_of_life(4 * WATCHDOG.1) >= 1);
    // A fast machine may have come to the end of the job by now.
    run(root, &["cancel", "1"]);
}

#[test]
fn systemd_takes_the_unit_file() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/upscaled.service");
    let folder = tempfile::tempdir().unwrap();
    // The program lies elsewhere here.
    let text = std::fs::read_to_string(unit).unwrap();
    assert!(text.contains("/usr/local/bin/upscaled"), "{text}");
    let here = text.replace("/usr/local/bin/upscaled", env!("CARGO_BIN_EXE_upscaled"));
    let copy = folder.path().join("upscaled.service");
    std::fs::write(&copy, here).unwrap();
    let Ok(output) = Command::new("systemd-analyze").arg("verify").arg(&copy).output() else {
        println!("skipped: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // Other units of the machine are looked at as well.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("upscaled")).collect();
    assert!(ours.is_empty(), "{said}");
}
