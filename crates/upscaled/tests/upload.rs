//! Uploads over HTTP (tus): they go on where they broke off, and what came becomes a job.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/http.rs"]
mod http;
#[path = "common/server.rs"]
mod server;

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use common::{ffmpeg, size, wait_for};
use http::{Answer, answer, free_address, wait_for_server};
use server::{PATIENCE, Server};

const UPLOADS: &str = "/api/v1/uploads";
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const BYTES: (&str, &str) = ("content-type", "application/offset+octet-stream");

fn start(root: &Path, address: &str) -> Server {
    let settings = ["--model", "none", "--preset", "ultrafast", "--scale", "2", "--listen", address];
    let server = Server::start(root, &settings);
    wait_for_server(address);
    server
}

/// Sends the head of a request that is to have a body of so many bytes, and the beginning of that.
fn begin(
    server: &str,
    line: &str,
    headers: &[(&str, &str)],
    length: usize,
    body: &[u8],
) -> BufReader<TcpStream> {
    let mut head = format!("{line} HTTP/1.0\r\nhost: {server}\r\ncontent-length: {length}\r\n");
    head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    http::begin(server, &[head.as_bytes(), b"\r\n", body].concat())
}

fn ask(server: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    answer(begin(server, line, headers, body.len(), body))
}

/// The number in a header.
fn number(answer: &Answer, name: &str) -> Option<u64> {
    answer.header(name).map(|value| value.parse().unwrap())
}

/// The metadata of a file of this name.
fn metadata(name: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = "filename ".to_owned();
    for three in name.chunks(3) {
        let mut bytes = [0; 4];
        bytes[1..=three.len()].copy_from_slice(three);
        let bits = u32::from_be_bytes(bytes);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit > three.len() { '=' } else { char::from(DIGITS[value]) });
        }
    }
    text
}

fn create(server: &str, name: &[u8], length: u64) -> Answer {
    let (metadata, length) = (metadata(name), length.to_string());
    let headers = [TUS, ("upload-metadata", &*metadata), ("upload-length", &*length)];
    ask(server, &format!("POST {UPLOADS}"), &headers, b"")
}

/// Begins an upload; gives its path.
fn created(server: &str, name: &str, length: usize) -> String {
    let answer = create(server, name.as_bytes(), length as u64);
    assert_eq!(answer.status, 201, "{name}: {answer:?}");
    assert!(answer.header("upload-expires").unwrap().ends_with(" GMT"));
    answer.header("location").unwrap().to_owned()
}

fn offset(server: &str, path: &str) -> u64 {
    let answer = ask(server, &format!("HEAD {path}"), &[TUS], b"");
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    number(&answer, "upload-offset").unwrap()
}

fn patch(server: &str, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let offset = offset.to_string();
    ask(server, &format!("PATCH {path}"), &[TUS, BYTES, ("upload-offset", &offset)], bytes)
}

/// Begins to send the bytes from an offset on, up to another; what follows is missing.
fn send_half(server: &str, path: &str, bytes: &[u8], from: usize, to: usize) -> BufReader<TcpStream> {
    let offset = from.to_string();
    let headers = [TUS, BYTES, ("upload-offset", &*offset)];
    let stream = begin(server, &format!("PATCH {path}"), &headers, bytes.len() - from, &bytes[from..to]);
    wait_for("the bytes to arrive", PATIENCE, || self::offset(server, path) == to as u64);
    stream
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn an_upload_outlives_its_connection_and_its_server_and_is_upscaled() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let film = folder.path().join("film.mp4");
    // Larger than the bodies of other requests may be.
    let noise = "testsrc2=size=128x72:rate=25,noise=alls=80:allf=t";
    let encoder = ["-c:v", "libx264", "-qp", "5", "-preset", "ultrafast", "-frames:v", "24"];
    ffmpeg(&[&["-f", "lavfi", "-i", noise], encoder.as_slice(), &[film.to_str().unwrap()]].concat());
    let bytes = std::fs::read(&film).unwrap();
    let (third, half) = (bytes.len() / 3, bytes.len() / 2);
    assert!(third > 100 << 10, "{}", bytes.len());

    let address = &*free_address();
    let mut server = start(&root, address);
    let path = created(address, "für dich.mp4", bytes.len());
    drop(send_half(address, &path, &bytes, 0, third));
    // The server may not know yet that the connection broke.
    wait_for("the upload to be free", PATIENCE, || patch(address, &path, third, b"").status == 204);
    let stream = send_half(address, &path, &bytes, third, half);
    server.kill();
    drop(stream);
    server.restart();
    wait_for_server(address);
    let kept = usize::try_from(offset(address, &path)).unwrap();
    assert_eq!(kept, half);
    assert!(std::fs::read_dir(root.join("input")).unwrap().next().is_none());

    let whole = patch(address, &path, kept, &bytes[kept..]);
    assert_eq!((whole.status, number(&whole, "upload-offset")), (204, Some(bytes.len() as u64)), "{whole:?}");
    assert_eq!(whole.header("upload-result"), Some("f%C3%BCr%20dich.mp4"));
    assert_eq!(std::fs::read(root.join("input/für dich.mp4")).unwrap(), bytes);
    // A client that missed the answer asks again.
    assert_eq!(offset(address, &path), bytes.len() as u64);
    assert_eq!(patch(address, &path, bytes.len(), b"").header("upload-result"), Some("f%C3%BCr%20dich.mp4"));
    let list = http::get_json(address, UPLOADS);
    assert_eq!(list["uploads"][0]["finished_as"], "für dich.mp4");

    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
    assert_eq!(size(&root.join("output/für dich_upscaled.mp4")), "256,144");
}

/// Names that are no names of files, or lead elsewhere.
const REFUSED: [&[u8]; 34] = [
    b"",
    b" ",
    b"\t",
    b".",
    b"..",
    b"...",
    b"/",
    b"\\",
    b"../x.mkv",
    b"../../x.mkv",
    b"..\\x.mkv",
    b"/etc/passwd",
    b"/tmp/x.mkv",
    b"a/../x.mkv",
    b"a/x.mkv",
    b"a\\x.mkv",
    b"./x.mkv",
    b".x.mkv",
    b".upscaled.lock",
    b"x/",
    b"x/.",
    b"x/..",
    b"//x",
    b"C:\\x.mkv",
    b"\\\\host\\x",
    b"x\0.mkv",
    b"\0",
    b"x\n.mkv",
    b"x\r\nset-cookie: a=b",
    b"\x1b[2J.mkv",
    b"\x7f",
    b"\xff\xfe.mkv",
    b"\xc0\xae\xc0\xae/x",
    "x\u{202e}vkm.exe".as_bytes(),
];

/// Names that are odd, and are names of files.
const TAKEN: [&str; 24] = [
    "film.mkv",
    "film.mkv",
    "FILM.mkv",
    "-rf",
    "--help",
    "$(id).mkv",
    "`id`",
    "a;b",
    "a|b",
    "a&b",
    "a'b",
    "a\"b",
    "a b",
    " a",
    "a ",
    "%2e%2e%2f",
    "%2f..",
    "a..",
    "a..b",
    "*",
    "?",
    "CON",
    "C:x.mkv",
    "映画 ü 🎬.mkv",
];

#[test]
fn names_lead_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a/b/root");
    std::fs::create_dir_all(&root).unwrap();
    let server = &*free_address();
    let _running = start(&root, server);
    let outside = || -> Vec<PathBuf> {
        let is_inside =
            |path: &PathBuf| ["state", "logs", "input"].iter().any(|own| path.starts_with(root.join(own)));
        files(folder.path()).into_iter().filter(|path| !is_inside(path)).collect()
    };
    let before = outside();
    let (long, longer) = ("x".repeat(256), "../".repeat(80) + "etc/passwd");
    for name in REFUSED.into_iter().chain([long.as_bytes(), longer.as_bytes()]) {
        let answer = create(server, name, 3);
        assert_eq!((answer.status, &*answer.code()), (400, "bad_name"), "{}", String::from_utf8_lossy(name));
    }
    let longest = "y".repeat(251) + ".mkv";
    let mut wanted = Vec::new();
    for name in TAKEN.into_iter().chain([&*longest]) {
        let path = created(server, name, 3);
        assert_eq!(patch(server, &path, 0, b"abc").status, 204, "{name}");
        wanted.push(if wanted.contains(&name.to_owned()) {
            "film (2).mkv".to_owned()
        } else {
            name.to_owned()
        });
    }
    wanted.sort();
    let mut found: Vec<String> =
        common::names(&root.join("input")).into_iter().map(|name| name.into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, wanted);
    assert_eq!(outside(), before);
    for id in ["..", "%2e%2e", "..%2f..%2finput", "a", "%00", &"0".repeat(32)] {
        for method in ["HEAD", "PATCH", "DELETE"] {
            let headers = [TUS, BYTES, ("upload-offset", "0")];
            let answer = ask(server, &format!("{method} {UPLOADS}/{id}"), &headers, b"");
            assert_eq!(answer.status, 404, "{method} {id}");
        }
    }
    assert_eq!(outside(), before);
}

#[test]
fn the_protocol_is_kept_to() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let server = &*free_address();
    let _running = start(root, server);
    let what = ask(server, &format!("OPTIONS {UPLOADS}"), &[], b"");
    assert_eq!((what.status, what.header("tus-version")), (204, Some("1.0.0")));
    assert_eq!(
        what.header("tus-extension"),
        Some("creation,creation-with-upload,termination,checksum,expiration")
    );
    assert_eq!(what.header("tus-checksum-algorithm"), Some("sha1,sha256"));
    let most = number(&what, "tus-max-size").unwrap();
    assert!(most > 0);
    assert_eq!(what.header("access-control-allow-origin"), None);

    // What cannot be begun.
    let post = format!("POST {UPLOADS}");
    let name = metadata(b"film.mkv");
    let name = ("upload-metadata", &*name);
    let refused = |headers: &[(&str, &str)], body: &[u8]| {
        let answer = ask(server, &post, headers, body);
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"), "{headers:?}");
        (answer.status, answer.code())
    };
    let is = |status, code: &str| (status, code.to_owned());
    assert_eq!(refused(&[name, ("upload-length", "3")], b""), is(412, "other_version"));
    assert_eq!(
        refused(&[("tus-resumable", "0.2.2"), name, ("upload-length", "3")], b""),
        is(412, "other_version")
    );
    for wrong in [("upload-length", "0"), ("upload-length", "-1"), ("upload-defer-length", "1"), ("x", "y")] {
        assert_eq!(refused(&[TUS, name, wrong], b""), is(400, "bad_request"), "{wrong:?}");
    }
    let partial = ("upload-concat", "partial");
    assert_eq!(refused(&[TUS, name, ("upload-length", "3"), partial], b""), is(400, "bad_request"));
    assert_eq!(refused(&[TUS, ("upload-length", "3")], b""), is(400, "bad_name"));
    assert_eq!(refused(&[TUS, name, ("upload-length", &u64::MAX.to_string())], b""), is(413, "too_large"));
    // What the first needs is not free for the second.
    let large = create(server, b"large.mkv", most / 4 * 3);
    assert_eq!(refused(&[TUS, name, ("upload-length", &(most / 2).to_string())], b""), is(507, "no_space"));
    assert_eq!(
        ask(server, &format!("DELETE {}", large.header("location").unwrap()), &[TUS], b"").status,
        204
    );
    assert_eq!(refused(&[TUS, name, ("upload-length", "3")], b"abc"), is(415, "wrong_kind"));
    let foreign =
        ask(server, &post, &[TUS, name, ("upload-length", "3"), ("origin", "http://evil.example")], b"");
    assert_eq!((foreign.status, foreign.code()), is(403, "foreign_origin"));

    // With the first bytes at once; then what an upload does not take.
    let begun = ask(server, &post, &[TUS, name, BYTES, ("upload-length", "10")], b"abc");
    assert_eq!((begun.status, number(&begun, "upload-offset")), (201, Some(3)));
    let path = begun.header("location").unwrap();
    let one = format!("PATCH {path}");
    let head = ask(server, &format!("HEAD {path}"), &[TUS], b"");
    assert_eq!((number(&head, "upload-length"), head.header("upload-metadata")), (Some(10), Some(name.1)));
    for (headers, body, wanted) in [
        (&[BYTES, ("upload-offset", "3")][..], "d", is(412, "other_version")),
        (&[TUS, ("upload-offset", "3")], "d", is(415, "wrong_kind")),
        (&[TUS, ("content-type", "text/plain"), ("upload-offset", "3")], "d", is(415, "wrong_kind")),
        (&[TUS, BYTES], "d", is(400, "bad_request")),
        (&[TUS, BYTES, ("upload-offset", "2")], "d", is(409, "other_offset")),
        (&[TUS, BYTES, ("upload-offset", "4")], "d", is(409, "other_offset")),
        (&[TUS, BYTES, ("upload-offset", "3")], "12345678", is(413, "too_large")),
        (
            &[TUS, BYTES, ("upload-offset", "3"), ("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")],
            "d",
            is(460, "other_checksum"),
        ),
        (
            &[TUS, BYTES, ("upload-offset", "3"), ("upload-checksum", "md5 AAAA")],
            "d",
            is(400, "unknown_algorithm"),
        ),
    ] {
        let answer = ask(server, &one, headers, body.as_bytes());
        assert_eq!((answer.status, answer.code()), wanted, "{headers:?}");
        assert_eq!(offset(server, path), 3, "{headers:?}");
    }
}

#[test]
fn two_requests_do_not_mix_and_an_upload_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let server = &*free_address();
    let _running = start(root, server);
    let path = &*created(server, "film.mkv", 10);
    assert_eq!(patch(server, path, 0, b"abc").status, 204);
    let one = format!("PATCH {path}");
    let mut first = begin(server, &one, &[TUS, BYTES, ("upload-offset", "3")], 7, b"d");
    wait_for("the byte to arrive", PATIENCE, || offset(server, path) == 4);
    let second = patch(server, path, 4, b"e");
    assert_eq!((second.status, second.code()), (423, "busy".to_owned()));
    first.get_mut().write_all(b"efghi").unwrap();
    drop(first);
    wait_for("what came to be kept", PATIENCE, || offset(server, path) == 9);
    wait_for("the upload to end", PATIENCE, || {
        ask(server, &format!("POST {path}"), &[TUS, ("x-http-method-override", "DELETE")], b"").status == 204
    });
    assert_eq!(patch(server, path, 9, b"j").status, 404);
    assert!(std::fs::read_dir(root.join("state/uploads")).unwrap().next().is_none());
}

#[test]
fn names_that_are_passed_over_are_refused_before_a_byte_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::write(root.join("upscaled.toml"), "ignore = [\"*trailer*\"]\n").unwrap();
    let server = &*free_address();
    let _running = start(root, server);
    for (name, words) in [
        ("film.mkv.part", ".part"),
        ("~$a.mkv", "Office"),
        ("a.mkv~", "backup"),
        ("a.txt", ".txt"),
        ("A-Trailer.mkv", "*trailer*"),
    ] {
        let answer = create(server, name.as_bytes(), 3);
        assert_eq!((answer.status, &*answer.code()), (422, "passed_over"), "{name}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{name}: {answer:?}");
    }
    assert!(http::get_json(server, UPLOADS)["uploads"].as_array().unwrap().is_empty());
    // Results take them along.
    assert_eq!(create(server, b"film.en.srt", 3).status, 201);
    // The job says what is wrong with it.
    let (held, length) = (metadata(b"a.txt") + ",hold", "3");
    let headers = [TUS, ("upload-metadata", &*held), ("upload-length", length)];
    assert_eq!(ask(server, &format!("POST {UPLOADS}"), &headers, b"").status, 201);
    // The rules of now.
    std::fs::write(root.join("upscaled.toml"), "").unwrap();
    common::run_well(root, &["reload"]);
    wait_for("the rules", PATIENCE, || create(server, b"A-Trailer.mkv", 3).status == 201);
}

#[test]
fn a_whole_file_goes_to_the_input_folder_when_that_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let server = &*free_address();
    let _running = start(root, server);
    let path = created(server, "film.mkv", 3);
    std::fs::rename(root.join("input"), root.join("away")).unwrap();
    let answer = patch(server, &path, 0, b"abc");
    assert_eq!((answer.status, &*answer.code()), (503, "input_away"));
    std::fs::rename(root.join("away"), root.join("input")).unwrap();
    wait_for("the file", PATIENCE, || root.join("input/film.mkv").is_file());
}

#[test]
fn a_silent_connection_gives_way() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let server = &*free_address();
    let _running = start(root, server);
    let path = created(server, "film.mkv", 6);
    let silent = send_half(server, &path, b"abcdef", 0, 3);
    wait_for("the other to give way", PATIENCE, || patch(server, &path, 3, b"def").status == 204);
    assert_eq!(answer(silent).status, 408);
    assert_eq!(std::fs::read(root.join("input/film.mkv")).unwrap(), b"abcdef");
}
