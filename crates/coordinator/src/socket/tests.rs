use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use job::{JobId, NewJob, Settings};
use ledger::Ledger;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::address::NAME;
use super::messages::{encode, read};
use super::*;
use crate::commands::{Became, ListFilter, Refusal, Reply, Request, Selector, Which};
use crate::{Handle, Shutdown, Wake, now};

struct Server {
    folder: tempfile::TempDir,
    ledger: Ledger,
    wake: Wake,
    shutdown: Shutdown,
    answering: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let (wake, shutdown) = (Wake::default(), Shutdown::new());
        let handle = Handle::new(ledger.clone(), wake.clone(), None);
        let listener = Listener::bind(folder.path()).unwrap();
        let answering = tokio::spawn(listener.answer(handle, Hello::new(Role::Server), shutdown.clone()));
        Self { folder, ledger, wake, shutdown, answering }
    }

    async fn submit(&self, name: &str) -> JobId {
        let new = NewJob {
            source: Path::new("/in").join(name).into(),
            fingerprint: name.to_owned(),
            stamp: String::new(),
            settings: Settings::default(),
            output: "/out".into(),
            folder: Path::new("/out").join(name).into(),
            result: None,
        };
        self.ledger.submit(&new, now()).await.unwrap().id
    }

    async fn ask(&self, request: Request) -> Result<Reply, ClientError> {
        connect(self.folder.path()).await?.unwrap().ask(&request).await
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.folder.path().join(NAME)).await.unwrap()
    }
}

/// All that the server says, to the end.
async fn heard(mut stream: UnixStream) -> String {
    let mut bytes = Vec::new();
    // Where the server has not read all of what came, the connection is reset at its end.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn what_is_asked_is_done_and_whoever_works_is_woken() {
    let server = Server::start().await;
    let found = server.folder.path().join(NAME).metadata().unwrap();
    assert!(found.file_type().is_socket() && found.permissions().mode() & 0o777 == 0o600);
    let id = server.submit("a.mkv").await;
    let Ok(Reply::Listed(list)) = server.ask(Request::List(ListFilter::default())).await else {
        panic!("no list");
    };
    assert_eq!((list.jobs.len(), list.jobs[0].report.id), (1, id));
    let named = Which::Named(vec![Selector::number(id)]);
    let Ok(Reply::Changed(outcomes)) = server.ask(Request::Pause(named.clone())).await else {
        panic!("not paused");
    };
    assert_eq!(outcomes[0].became, Became::Done);
    server.wake.wait().await;
    let Ok(Reply::Changed(outcomes)) = server.ask(Request::Pause(named)).await else { panic!("no answer") };
    assert_eq!(outcomes[0].became, Became::Refused { status: "paused".to_owned() });
    let refused = server.ask(Request::Show(Which::Named(vec![Selector::number(JobId(9))]))).await;
    assert!(matches!(refused, Err(ClientError::Refused(Refusal::NoJob(JobId(9))))), "{refused:?}");
    assert!(matches!(server.ask(Request::Reload).await, Err(ClientError::Refused(Refusal::NoServer))));
    server.shutdown.request();
    server.answering.await.unwrap();
    assert!(!server.folder.path().join(NAME).exists());
    assert!(connect(server.folder.path()).await.unwrap().is_none());
}

#[tokio::test]
async fn thousands_of_jobs_come_in_parts() {
    let server = Server::start().await;
    for number in 0..1203 {
        server.submit(&format!("{number}.mkv")).await;
    }
    let Ok(Reply::Listed(list)) = server.ask(Request::List(ListFilter::default())).await else {
        panic!("no list");
    };
    assert_eq!((list.jobs.len(), list.unfinished), (1203, 1203));
    let Ok(Reply::Changed(outcomes)) = server.ask(Request::Pause(Which::All)).await else {
        panic!("not paused");
    };
    assert_eq!(outcomes.iter().filter(|outcome| outcome.became == Became::Done).count(), 1203);
}

#[tokio::test]
async fn nonsense_is_refused_and_harms_nobody() {
    let server = Server::start().await;
    server.submit("a.mkv").await;
    for (sent, wanted) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "too_long"),
        (b"\x02\0\0\0{}", "not_understood"),
        (b"\x09\0\0\0[[[[[[[[[", "not_understood"),
        (b"\x03\0\0\0\xff\xfe\xfd", "not_understood"),
        (b"\xff\xff\xff\xff", "too_long"),
    ] {
        let mut stream = server.connect().await;
        stream.write_all(sent).await.unwrap();
        let said = heard(stream).await;
        assert!(said.contains(wanted), "{sent:?}: {said}");
    }
    // Half a request and no more, and nothing at all.
    let mut half = server.connect().await;
    half.write_all(b"\x40\0\0\0{\"list").await.unwrap();
    half.shutdown().await.unwrap();
    let said = heard(half).await;
    assert!(said.contains("version") && !said.contains("refused"), "{said}");
    let slow = server.connect().await;
    let mut slower = server.connect().await;
    slower.write_all(b"\x40\0\0\0{").await.unwrap();
    for stream in [slow, slower] {
        assert!(heard(stream).await.contains("too_slow"));
    }
    assert!(server.ask(Request::List(ListFilter::default())).await.is_ok());
}

#[tokio::test]
async fn a_crowd_that_says_nothing_is_in_nobody_s_way() {
    let server = Server::start().await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(server.connect().await);
    }
    let asking =
        tokio::time::timeout(Duration::from_secs(4), server.ask(Request::List(ListFilter::default())));
    assert!(asking.await.unwrap().is_ok());
    // The first ones were shown out without a word of blame.
    assert!(!heard(idle.remove(0)).await.contains("refused"));
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(NAME)).unwrap());
    assert!(connect(folder.path()).await.unwrap().is_none());
    let listener = Listener::bind(folder.path()).unwrap();
    UnixStream::connect(folder.path().join(NAME)).await.unwrap();
    drop(listener);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn servers_of_other_versions_and_other_listeners_are_told_apart() {
    let hello = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut hello = serde_json::to_value(Hello::new(Role::Server)).unwrap();
        change(&mut hello);
        hello
    };
    let newer = hello(&|hello| hello["version"] = "99.0".into());
    let bare = serde_json::json!({ "version": "0.0.1" });
    let other_words = hello(&|hello| hello["protocol"] = 0.into());
    for (said, is_version) in
        [(newer, true), (bare, true), (other_words, true), (serde_json::json!("220 smtp ready"), false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(NAME)).unwrap();
        let bytes = encode(&said, 1000).unwrap();
        let saying = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            heard(stream).await
        });
        match connect(folder.path()).await {
            Err(ClientError::OtherVersion(_)) => assert!(is_version, "{said}"),
            Err(ClientError::Io(_)) => assert!(!is_version, "{said}"),
            other => panic!("{said}: {other:?}"),
        }
        saying.await.unwrap();
    }
}

#[tokio::test]
async fn messages_are_bounded_on_both_sides() {
    assert!(encode(&"x".repeat(50), 51).is_err());
    let bytes = encode(&"x".repeat(50), 52).unwrap();
    let second = Duration::from_secs(1);
    assert_eq!(read(&mut &bytes[..], 52, second).await.unwrap().unwrap(), &bytes[4..]);
    assert!(read(&mut &bytes[..], 51, second).await.is_err());
    assert!(read(&mut &bytes[..20], 52, second).await.is_err());
    assert_eq!(read(&mut &[][..], 52, second).await.unwrap(), None);
    let names = vec![Selector::Name { name: "x".repeat(4000), path: None }; 400];
    let server = Server::start().await;
    let refused = server.ask(Request::Show(Which::Named(names))).await;
    assert!(matches!(refused, Err(ClientError::Refused(Refusal::TooLong { .. }))), "{refused:?}");
}
