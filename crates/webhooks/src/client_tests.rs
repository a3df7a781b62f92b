//! The client against listeners that behave in all ways.

use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const SHORT: Duration = Duration::from_millis(700);

/// A listener that reads a request and then does this; gives its address.
async fn listener<F, D>(then: F) -> Address
where
    F: FnOnce(TcpStream) -> D + Send + 'static,
    D: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        then(stream).await;
    });
    format!("http://127.0.0.1:{port}/a?b").parse().unwrap()
}

async fn send(to: &Address) -> Result<Answer, SendError> {
    let client = Client::new("1.2.3").with_patience(SHORT);
    client.send(to, true, (b"body".to_vec(), vec![("x-own", "1".to_owned())])).await
}

async fn answered(answer: &'static [u8]) -> Result<Answer, SendError> {
    let to = listener(move |mut stream| async move {
        let _ = stream.write_all(answer).await;
        let _ = stream.shutdown().await;
    });
    send(&to.await).await
}

#[tokio::test]
async fn a_success_is_one_whatever_its_body_is() {
    let ok = |text: &str, status| Answer { status, text: text.to_owned() };
    for (answer, wanted) in [
        (&b"HTTP/1.1 204 No Content\r\n\r\n"[..], ok("", 204)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\nb", ok("a\\nb", 200)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbroken", ok("broken", 200)),
        (b"HTTP/1.0 202 Fine\r\n\r\nold", ok("old", 202)),
    ] {
        assert_eq!(answered(answer).await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn all_else_is_a_failure_and_says_why() {
    for (answer, why) in [
        (&b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops"[..], "it answers 500: oops"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "it answers 404"),
        (
            b"HTTP/1.1 301 Moved\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n",
            "redirects are not followed",
        ),
        (b"SSH-2.0-OpenSSH\r\n", "its answer is no good"),
        (b"", "its answer is no good"),
    ] {
        let error = answered(answer).await.unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to: Address = format!("http://{}/", gone.local_addr().unwrap()).parse().unwrap();
    drop(gone);
    assert!(matches!(send(&to).await, Err(SendError::Connect { .. })));
}

#[tokio::test]
async fn slow_and_endless_answers_end() {
    let begun = Instant::now();
    let silent = listener(|stream| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(stream);
    });
    assert!(matches!(send(&silent.await).await, Err(SendError::TooSlow(_))));
    // A byte now and then is no answer.
    let dripping = listener(|mut stream| async move {
        for byte in b"HTTP/1.1 200 OK\r\nX: ".iter().chain(std::iter::repeat(&b'x')) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    });
    assert!(matches!(send(&dripping.await).await, Err(SendError::TooSlow(_))));
    // An endless body of a success is cut off, and an endless head is none.
    let endless = |head: &'static [u8]| {
        listener(move |mut stream| async move {
            let _ = stream.write_all(head).await;
            while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
        })
    };
    let answer = send(&endless(b"HTTP/1.1 200 OK\r\n\r\n").await).await.unwrap();
    assert_eq!((answer.status, answer.text.len()), (200, LARGEST_BODY));
    assert!(matches!(send(&endless(b"HTTP/1.1 200 OK\r\nX: ").await).await, Err(SendError::Http(_))));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn what_is_not_public_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"] {
        let to: Address = format!("http://{host}:{port}/").parse().unwrap();
        let client = Client::new("1.2.3").with_patience(SHORT);
        let error = client.send(&to, false, (Vec::new(), Vec::new())).await.unwrap_err();
        assert!(matches!(error, SendError::Closed { .. }), "{host}: {error}");
    }
    let came = timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(came.is_err(), "a connection came");
}

#[tokio::test]
async fn a_request_says_what_it_should() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to: Address = format!("http://{}/a?b", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"body") {
            let mut more = [0; 4096];
            let read = stream.read(&mut more).await.unwrap();
            bytes.extend(&more[..read]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        tell.send(String::from_utf8(bytes).unwrap()).unwrap();
    });
    send(&to).await.unwrap();
    let request = told.await.unwrap();
    assert!(request.starts_with("POST /a?b HTTP/1.1\r\n"), "{request}");
    for line in [
        format!("host: {}", to.authority),
        "user-agent: upscaled/1.2.3".to_owned(),
        "x-own: 1".to_owned(),
        "content-length: 4".to_owned(),
    ] {
        assert!(request.contains(&format!("{line}\r\n")), "{line}: {request}");
    }
}
