//! Deliveries of a ledger's events, without a server around them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use coordinator::{Handle, Shutdown};
use job::state::Event as JobEvent;
use job::{JobId, Millis, NewJob, Settings};
use ledger::Ledger;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use webhooks::{Client, Event, Format, Hook, Options, Webhooks};

fn new(name: &str) -> NewJob {
    NewJob {
        source: name.into(),
        fingerprint: name.to_owned(),
        stamp: String::new(),
        settings: Settings::default(),
        output: "/out".into(),
        folder: format!("{name}.job").as_str().into(),
        result: None,
    }
}

/// The event, the name of the video and the id of each delivery that came.
type Came = Arc<Mutex<Vec<(String, String, String)>>>;

/// Takes deliveries, after refusing so many.
async fn listener(listener: TcpListener, mut refused: usize, came: Came) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let told = loop {
            let mut more = [0; 4096];
            let read = stream.read(&mut more).await.unwrap();
            bytes.extend(&more[..read]);
            let body = bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| &bytes[at + 4..]);
            if let Some(Ok(told)) = body.map(serde_json::from_slice::<serde_json::Value>) {
                break told;
            }
        };
        let is_refused = refused > 0;
        refused = refused.saturating_sub(1);
        let answer = if is_refused { "503 Later" } else { "200 OK" };
        if !is_refused {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            came.lock().unwrap().push((text(&told["event"]), text(&told["job"]["name"]), text(&told["id"])));
        }
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

fn hook(port: u16) -> Hook {
    Hook {
        number: 1,
        url: format!("http://127.0.0.1:{port}/").parse().unwrap(),
        events: ["added", "paused", "done"].iter().map(|name| name.parse::<Event>().unwrap()).collect(),
        secret: None,
        format: Format::Json,
        allow_private: true,
        page: None,
    }
}

/// What delivers the events of a ledger.
struct Running(Shutdown, tokio::task::JoinHandle<()>, watch::Sender<Vec<Hook>>);

impl Running {
    fn start(ledger: &Ledger, hooks: Vec<Hook>) -> Self {
        let (shutdown, (tell, hooks)) = (Shutdown::new(), watch::channel(hooks));
        let (handle, client) = (Handle::alone(ledger.clone()), Client::new("0.0.0"));
        let options = Options { handle, hooks, client, words: |notice| notice.text.clone() };
        Self(shutdown.clone(), tokio::spawn(Webhooks::new(options).run(shutdown)), tell)
    }

    async fn stop(self) {
        self.0.request();
        self.1.await.unwrap();
    }
}

async fn wait_for(came: &Came, count: usize) -> Vec<(String, String, String)> {
    let begun = Instant::now();
    while came.lock().unwrap().len() < count {
        assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", came.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    came.lock().unwrap().clone()
}

#[tokio::test]
async fn what_happens_is_told_once_and_in_order_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    let submit = async |name: &str| ledger.submit(&new(name), Millis(1)).await.unwrap().id;
    let apply = async |id: JobId, event: JobEvent| ledger.apply(id, event, Millis(2)).await.unwrap();
    submit("/early.mkv").await;
    let bound = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = bound.local_addr().unwrap().port();
    drop(bound);
    // Nothing listens: the hook is known, and gets what comes from now on.
    let dead = Running::start(&ledger, vec![hook(port)]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let id = submit("/a.mkv").await;
    apply(id, JobEvent::Pause).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    dead.stop().await;
    apply(id, JobEvent::Resume).await;
    apply(id, JobEvent::Pause).await;
    // A result that was there already is nothing new.
    let done = ledger.submit_done(&new("/b.mkv"), &"/out/b.mp4".into(), 3, Millis(3)).await.unwrap();
    assert!(done.is_some());
    let came = Came::default();
    let listening = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let listening = tokio::spawn(listener(listening, 2, Arc::clone(&came)));
    let running = Running::start(&ledger, vec![hook(port)]);
    let told = |came: &[(String, String, String)]| {
        came.iter().map(|(event, name, _)| format!("{event} {name}")).collect::<Vec<_>>()
    };
    let wanted = ["added a.mkv", "paused a.mkv", "paused a.mkv", "added b.mkv"];
    assert_eq!(told(&wait_for(&came, 4).await), wanted);
    // While a dead one is beside it, and after another start.
    running.2.send_replace(vec![hook(1), hook(port)]);
    submit("/c.mkv").await;
    wait_for(&came, 5).await;
    running.stop().await;
    let running = Running::start(&ledger, vec![hook(port)]);
    submit("/d.mkv").await;
    let all = wait_for(&came, 6).await;
    let ids: BTreeSet<&String> = all.iter().map(|(_, _, id)| id).collect();
    assert_eq!(ids.len(), 6);
    assert_eq!(told(&all)[4..], ["added c.mkv", "added d.mkv"]);
    running.stop().await;
    listening.abort();
}
