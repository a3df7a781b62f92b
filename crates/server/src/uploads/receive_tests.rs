use std::io;
use std::time::Duration;

use coordinator::{ServerFolder, Shutdown};
use futures_util::stream;

use super::super::id::UploadId;
use super::super::store::Described;
use super::*;

struct Place {
    folder: tempfile::TempDir,
    uploads: Arc<Uploads>,
    id: UploadId,
}

impl Place {
    /// An upload of ten bytes.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("input")).unwrap();
        let input = ServerFolder::new(folder.path().join("input"), folder.path());
        let mut uploads = Uploads::new(folder.path().join("uploads"), input, Shutdown::new());
        uploads.patience = Duration::from_millis(50);
        let described = Described { name: "film.mkv".to_owned(), metadata: String::new(), held: false };
        let id = uploads.store.begin(described, 10).unwrap().id;
        Self { folder, uploads: Arc::new(uploads), id }
    }

    fn offset(&self) -> u64 {
        self.uploads.store.find(self.id, now()).unwrap().offset
    }

    async fn receive(&self, checksum: Option<&str>, body: Body) -> Result<Upload, Failure> {
        let held = self.uploads.turns.try_take(self.id).unwrap();
        let headers = checksum
            .map(|sum| ("upload-checksum".parse().unwrap(), sum.parse::<axum::http::HeaderValue>().unwrap()));
        let checksum = Checksum::of(&headers.into_iter().collect()).unwrap();
        let offset = self.offset();
        self.uploads.receive(held, Bytes { offset, announced: None, checksum, body }).await
    }
}

/// A body that has some bytes and then this.
fn body(
    bytes: &'static str,
    then: impl futures_util::Stream<Item = io::Result<&'static str>> + Send + 'static,
) -> Body {
    Body::from_stream(stream::iter([Ok(bytes)]).chain(then))
}

fn breaks() -> impl futures_util::Stream<Item = io::Result<&'static str>> {
    stream::iter([Err(io::ErrorKind::ConnectionReset.into())])
}

#[tokio::test]
async fn what_came_before_a_break_or_a_stall_is_kept() {
    let place = Place::new();
    let broken = place.receive(None, body("abc", breaks())).await;
    assert!(matches!(broken, Err(Failure::Broken)), "{broken:?}");
    assert_eq!(place.offset(), 3);
    let stalled = place.receive(None, body("def", stream::pending())).await;
    assert!(matches!(stalled, Err(Failure::Stalled)), "{stalled:?}");
    assert_eq!(place.offset(), 6);
    place.receive(None, Body::from("ghij")).await.unwrap();
    assert_eq!(std::fs::read(place.folder.path().join("input/film.mkv")).unwrap(), b"abcdefghij");
}

#[tokio::test]
async fn a_request_that_is_dropped_goes_to_its_end() {
    let place = Place::new();
    let ended = futures_util::future::poll_immediate(place.receive(None, body("abc", breaks()))).await;
    assert!(ended.is_none());
    while place.uploads.turns.try_take(place.id).is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.offset(), 3);
}

#[tokio::test]
async fn bytes_that_are_not_proven_or_too_many_are_thrown_away() {
    const HELLO: &str = "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=";
    let place = Place::new();
    for (sum, wrong) in [
        (Some(HELLO), body("hel", breaks())),
        (Some(HELLO), body("hel", stream::pending())),
        (Some(HELLO), Body::from("hallo")),
        (Some(HELLO), Body::empty()),
        (None, Body::from("eleven byte")),
    ] {
        place.receive(sum, wrong).await.unwrap_err();
        assert_eq!(place.offset(), 0);
    }
    assert_eq!(place.receive(Some(HELLO), Body::from("hello")).await.unwrap().offset, 5);
    assert_eq!(place.offset(), 5);
}

#[tokio::test]
async fn a_server_that_stops_keeps_what_came() {
    let place = Place::new();
    let came = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&came);
    let then = stream::once(async move {
        told.notify_one();
        std::future::pending::<io::Result<&str>>().await
    });
    let (ended, ()) = tokio::join!(place.receive(None, body("abc", then)), async {
        came.notified().await;
        place.uploads.shutdown.request();
    });
    assert!(matches!(ended, Err(Failure::Stopping)), "{ended:?}");
    assert_eq!(place.offset(), 3);
}
