//! Frames of a job before and after, over HTTP, while it is made and afterwards.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/http.rs"]
mod http;
#[path = "common/server.rs"]
mod server;

use std::io::BufReader;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::{ffmpeg, make_clip, run_well, wait_for};
use http::{Answer, ask, get};
use server::{Server, signal};

/// A server with its API.
struct Place {
    server: Server,
    address: String,
    /// Goes after the server.
    folder: tempfile::TempDir,
}

impl Place {
    /// A server for the files that `make` puts into its input folder.
    fn new(make: impl Fn(&Path), arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("input")).unwrap();
        make(&folder.path().join("input"));
        let address = http::free_address();
        let server = Server::start(folder.path(), &[&["--listen", &*address], arguments].concat());
        Self { server, address, folder }
    }

    fn get(&self, path: &str) -> Answer {
        get(&self.address, &format!("/api/v1/jobs/1/{path}"))
    }

    /// A frame that is there.
    fn frame(&self, number: u32, side: &str) -> Vec<u8> {
        let answer = self.get(&format!("frames/{number}/{side}"));
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "frame {number} of the {side}: {body}");
        assert_eq!(answer.header("content-type"), Some("image/jpeg"));
        answer.body
    }

    /// Waits until the job is done; gives the path of its result.
    fn result(&self) -> PathBuf {
        let jobs = self.server.wait_for_jobs(1);
        assert_eq!(jobs[0]["status"], "done", "{jobs:#?}");
        jobs[0]["result"].as_str().unwrap().into()
    }

    /// The samples of a JPEG picture.
    fn samples(&self, jpeg: &[u8], format: &str) -> Vec<u8> {
        let path = self.folder.path().join("picture.jpg");
        std::fs::write(&path, jpeg).unwrap();
        frames(&path, format).concat()
    }
}

/// The samples of all frames of a film.
fn frames(path: &Path, format: &str) -> Vec<Vec<u8>> {
    let size = common::size(path);
    let (width, height) = size.split_once(',').unwrap();
    let pixels = width.parse::<usize>().unwrap() * height.parse::<usize>().unwrap();
    let bytes = pixels * if format == "gray" { 1 } else { 3 };
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", path.to_str().unwrap(), "-map", "0:v:0"])
        .args(["-fps_mode", "passthrough", "-sws_flags", "accurate_rnd+full_chroma_int+bicubic"])
        .args(["-pix_fmt", format, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks(bytes).map(<[u8]>::to_vec).collect()
}

fn difference(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / one.len() as f64
}

/// The number of the frame that a picture is most like, and how far it is from that.
fn nearest(picture: &[u8], frames: &[Vec<u8>]) -> (usize, f64) {
    let far = frames.iter().map(|frame| difference(picture, frame)).enumerate();
    far.min_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap()
}

/// All of the source or a part of it, and never another file in its place.
fn the_source_is_handed_out(place: &Place) {
    let path = place.folder.path().join("input/a.mp4");
    let film = std::fs::read(&path).unwrap();
    let whole = place.get("source");
    assert_eq!((whole.status, whole.header("content-type")), (200, Some("video/mp4")));
    assert!(whole.body == film);
    let part = http::answer(ask(&place.address, "/api/v1/jobs/1/source", &[("Range", "bytes=10-19")]));
    assert_eq!((part.status, &part.body[..]), (206, &film[10..20]));
    let answer = get(&place.address, "/api/v1/jobs/7/source");
    assert_eq!((answer.status, answer.code().as_str()), (404, "no_job"));
    let kept = place.folder.path().join("kept.mp4");
    std::fs::rename(&path, &kept).unwrap();
    assert_eq!(place.get("source").code(), "source_away");
    std::os::unix::fs::symlink(place.folder.path().join("state/id.json"), &path).unwrap();
    let other = place.get("source");
    assert_eq!((other.status, other.code().as_str()), (409, "source_away"));
    std::fs::rename(&kept, &path).unwrap();
    assert_eq!(place.get("source").status, 200);
}

/// A film with B-frames whose frames are shown for different times.
fn make_uneven(path: &Path, frames: u32) {
    let frames = frames.to_string();
    let picture = "testsrc2=size=96x64:rate=25,setpts='(N+floor(N/3)+0.5*mod(N\\,2))/25/TB'";
    let encoder = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "3", "-g", "12"];
    let ends = ["-fps_mode", "vfr", "-enc_time_base", "1/90000", path.to_str().unwrap()];
    ffmpeg(&[&["-f", "lavfi", "-i", picture, "-frames:v", &frames], &encoder[..], &ends].concat());
}

#[test]
fn every_frame_is_that_of_the_film_before_and_after() {
    let settings = ["--model", "none", "--scale", "2", "--preset", "veryfast", "--segment-frames", "20"];
    let place = Place::new(|input| make_uneven(&input.join("a.mp4"), 70), &settings);
    let result = place.result();
    let (before, after) = (frames(&place.folder.path().join("input/a.mp4"), "gray"), frames(&result, "gray"));
    assert_eq!((before.len(), after.len()), (70, 70));
    for number in [0, 1, 19, 20, 21, 45, 69] {
        for (side, film) in [("source", &before), ("result", &after)] {
            let picture = place.samples(&place.frame(number, side), "gray");
            let (found, far) = nearest(&picture, film);
            assert!(found == number as usize && far < 2.5, "frame {number} of the {side}: {found} {far}");
        }
    }
    for (path, status, code) in [
        ("frames/70/source", 404, "no_frame"),
        ("frames/4294967295/result", 404, "no_frame"),
        ("frames/-1/result", 400, "bad_request"),
        ("frames/1/middle", 400, "bad_request"),
        ("frames/1/source?width=95", 400, "bad_request"),
        ("frames/1/source?width=4097", 400, "bad_request"),
    ] {
        let answer = place.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
    the_source_is_handed_out(&place);
    let answer = get(&place.address, "/api/v1/jobs/7/frames/1/result");
    assert_eq!((answer.status, answer.code().as_str()), (404, "no_job"));

    // A client that has the picture is told so, and a narrower one is another.
    let whole = place.get("frames/1/result");
    let tag = whole.header("etag").unwrap();
    assert_eq!(whole.header("cache-control"), Some("private, no-cache"));
    let path = "/api/v1/jobs/1/frames/1/result";
    let again = http::answer(ask(&place.address, path, &[("if-none-match", tag)]));
    assert_eq!((again.status, again.body.len()), (304, 0));
    let narrow = place.get("frames/1/result?width=96");
    assert_ne!(narrow.header("etag"), Some(tag));
    assert_eq!(place.samples(&narrow.body, "gray").len(), 96 * 64);
    let thumbnail = place.get("thumbnail");
    let (found, far) = nearest(&place.samples(&thumbnail.body, "gray"), &before);
    assert!(found <= 12 && far < 12.0, "the thumbnail is frame {found}, {far}");

    std::fs::remove_file(&result).unwrap();
    std::fs::remove_file(place.folder.path().join("input/a.mp4")).unwrap();
    for (path, status, code) in [
        ("frames/3/source", 409, "source_away"),
        ("frames/3/result", 404, "result_gone"),
        ("thumbnail", 409, "source_away"),
    ] {
        let answer = place.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
}

#[test]
fn a_file_without_a_picture_is_the_files_fault() {
    let junk = |input: &Path| std::fs::write(input.join("a.mp4"), "not a video\n".repeat(50)).unwrap();
    let place = Place::new(junk, &["--model", "none", "--scale", "2"]);
    assert_eq!(place.server.wait_for_jobs(1)[0]["status"], "failed");
    let answer = place.get("thumbnail");
    assert_eq!((answer.status, answer.code().as_str()), (422, "no_picture"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("not a video"), "{answer:?}");
}

#[test]
fn what_is_finished_is_shown_while_the_rest_is_made_and_stays_the_same() {
    let settings = ["--model", "realesr-animevideov3", "--segment-frames", "20"];
    let place = Place::new(|input| make_uneven(&input.join("a.mp4"), 400), &settings);
    let root = place.folder.path().to_owned();
    let has_begun = || place.server.jobs().first().is_some_and(|job| job["segments_done"].as_u64() > Some(2));
    wait_for("some segments", server::PATIENCE, has_begun);
    run_well(&root, &["pause", "1"]);
    wait_for("the pause", server::PATIENCE, || place.server.jobs()[0]["doing"] == "paused");
    let answer = place.get("frames/399/result");
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_made_yet"));
    let numbers = [0, 7, 19];
    let all = |place: &Place| {
        let sides = ["source", "result"];
        sides.map(|side| numbers.map(|number| place.frame(number, side)))
    };
    let meanwhile = all(&place);
    let parts = Parts::of(&place);
    let last = place.get("segments").json()["segments"].as_array().unwrap().len() - 1;
    for (segment, code) in [(last, "not_made_yet"), (last + 1, "no_part")] {
        let answer = place.get(&format!("parts/{segment}"));
        assert_eq!((answer.status, answer.code().as_str()), (404, code), "{segment}");
    }
    run_well(&root, &["resume", "1"]);
    let result = place.result();
    parts.compare(&result);
    assert_eq!(place.get("parts").json()["parts"].as_array().unwrap().len(), 0);
    assert_eq!(place.get("parts/0").code(), "no_part");
    // What is kept goes with the server.
    drop(place.server);
    let address = http::free_address();
    let server = Server::start(&root, &[&["--listen", &*address], &settings[..]].concat());
    http::wait_for_server(&address);
    let place = Place { server, address, folder: place.folder };
    assert!(meanwhile == all(&place), "frames differ once the job is done");
    let film = frames(&result, "gray");
    for (number, picture) in numbers.iter().zip(&meanwhile[1]) {
        let (found, far) = nearest(&place.samples(picture, "gray"), &film);
        assert!(found == *number as usize && far < 2.5, "frame {number}: {found} {far}");
    }
}

/// The parts of a job that can be played.
struct Parts {
    /// Their first frames, and when these are shown.
    starts: Vec<(usize, f64)>,
    /// One after the other.
    file: PathBuf,
}

impl Parts {
    fn of(place: &Place) -> Self {
        let list = place.get("parts").json();
        let media_type = list["media_type"].as_str().unwrap();
        assert!(media_type.starts_with("video/mp4; codecs=\"avc1.64"), "{media_type}");
        let segments = place.get("segments").json();
        let (mut starts, mut bytes, mut end) = (Vec::new(), Vec::new(), None);
        for part in list["parts"].as_array().unwrap() {
            let number = part["segment"].as_u64().unwrap();
            let start = part["start"].as_f64().unwrap();
            assert!(end.is_none_or(|end: f64| (end - start).abs() < 1e-9), "{list}");
            end = part["end"].as_f64();
            starts.push((segments["segments"][number as usize]["first"].as_u64().unwrap() as usize, start));
            let made = place.get(&format!("parts/{number}"));
            assert_eq!((made.status, made.header("content-type")), (200, Some(media_type)));
            let tag = made.header("etag").unwrap();
            let path = format!("/api/v1/jobs/1/parts/{number}");
            assert_eq!(http::answer(ask(&place.address, &path, &[("if-none-match", tag)])).status, 304);
            bytes.extend(made.body);
        }
        let file = place.folder.path().join("parts.mp4");
        std::fs::write(&file, bytes).unwrap();
        Self { starts, file }
    }

    /// They are the beginning of the result.
    fn compare(&self, result: &Path) {
        let (of_parts, of_result) = (common::frame_checksums(&self.file), common::frame_checksums(result));
        assert!(of_parts.len() >= 20 && of_parts.len() < of_result.len(), "{}", of_parts.len());
        assert!(of_parts[..] == of_result[..of_parts.len()], "other frames");
        let times = |path: &Path| {
            let lines =
                common::ffprobe(path, &["-select_streams", "v:0", "-show_entries", "packet=pts_time"]);
            let mut times: Vec<f64> = lines.iter().map(|line| line.parse().unwrap()).collect();
            times.sort_by(f64::total_cmp);
            times
        };
        let (of_parts, of_result) = (times(&self.file), times(result));
        assert_eq!(of_parts[..], of_result[..of_parts.len()]);
        for (frame, start) in &self.starts {
            assert!((of_result[*frame] - start).abs() < 1e-6, "frame {frame} begins at {start}");
        }
    }
}

#[test]
fn what_browsers_do_not_play_is_said() {
    let settings = ["--model", "none", "--scale", "2", "--codec", "ffv1"];
    let place = Place::new(|input| make_clip(&input.join("a.mp4"), "64x36", 10, false), &settings);
    place.result();
    for path in ["parts", "parts/0"] {
        let answer = place.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (409, "not_playable"), "{path}");
    }
    // Single frames can be seen all the same.
    place.frame(9, "result");
}

#[test]
fn of_an_interlaced_film_the_frames_are_shown_that_are_made_of_its_fields() {
    let picture = "mandelbrot=size=320x240:rate=50:start_scale=0.8:end_scale=0.8,loop=loop=-1:size=1:start=0,\
         setpts=N/50/TB,gblur=sigma=1.2,scroll=horizontal=0.013:vertical=0.006,crop=160:120,format=yuv420p,\
         interlace=scan=tff:lowpass=off,setfield=tff";
    let encoder = ["-c:v", "libx264", "-crf", "12", "-g", "12", "-x264opts", "tff=1"];
    let make = |input: &Path| {
        let path = input.join("a.mp4");
        let ends = ["-frames:v", "50", path.to_str().unwrap()];
        ffmpeg(&[&["-f", "lavfi", "-i", picture], &encoder[..], &ends].concat());
    };
    let settings = [
        &["--model", "none", "--scale", "1", "--crf", "0", "--preset", "ultrafast"][..],
        &["--segment-frames", "20", "--deinterlace", "field"],
    ];
    let place = Place::new(make, &settings.concat());
    let film = frames(&place.result(), "gray");
    assert_eq!(film.len(), 100);
    for number in [0, 1, 39, 40, 99] {
        for side in ["source", "result"] {
            let picture = place.samples(&place.frame(number, side), "gray");
            let (found, far) = nearest(&picture, &film);
            assert!(found == number as usize && far < 2.5, "frame {number} of the {side}: {found} {far}");
        }
    }
}

/// A server whose only job is done, and that has a worker which shows frames.
fn with_warm_worker() -> (Place, u32) {
    let settings = ["--model", "none", "--scale", "2", "--preset", "ultrafast"];
    let place = Place::new(|input| make_clip(&input.join("a.mp4"), "64x36", 50, false), &settings);
    place.result();
    // Those that made the job go.
    wait_for("the workers to end", server::PATIENCE, || place.server.workers().is_empty());
    place.frame(0, "result");
    let worker = place.server.worker().unwrap();
    (place, worker)
}

#[test]
fn a_worker_that_dies_costs_one_answer_and_one_that_is_not_needed_goes() {
    let (place, worker) = with_warm_worker();
    place.frame(1, "result");
    assert_eq!(place.server.workers(), [worker], "the worker stays for the next frame");
    let status = std::fs::read_to_string(format!("/proc/{worker}/stat")).unwrap();
    let nice = status.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap();
    assert_eq!(nice, "15");
    // It dies in the middle: what it was asked for has no answer, and the next is there again.
    let mut number = 1;
    wait_for("a worker that dies with a request", Duration::from_mins(1), || {
        number += 2;
        let worker = place.server.worker().unwrap();
        signal("STOP", worker);
        let asked = ask(&place.address, &format!("/api/v1/jobs/1/frames/{number}/result"), &[]);
        // Not before it has the request; else another worker gets that.
        std::thread::sleep(Duration::from_millis(200));
        signal("KILL", worker);
        let died = http::answer(asked);
        place.frame(number + 1, "result");
        died.status == 500 && died.code() == "worker_failed"
    });

    // The client goes away.
    let worker = place.server.worker().unwrap();
    signal("STOP", worker);
    wait_for("the worker to end", Duration::from_secs(30), || {
        let asked = ask(&place.address, "/api/v1/jobs/1/frames/49/result", &[]);
        // Not before the worker has it; else another one comes.
        std::thread::sleep(Duration::from_millis(200));
        drop(asked);
        !place.server.workers().contains(&worker)
    });
    place.frame(49, "result");
    wait_for("the idle worker to end", Duration::from_mins(2), || place.server.workers().is_empty());
}

#[test]
fn a_few_clients_wait_and_more_are_told_to_come_again() {
    let (place, worker) = with_warm_worker();
    signal("STOP", worker);
    let path = |number: usize| format!("/api/v1/jobs/1/frames/{number}/source");
    let asked: Vec<_> = (1..=12).map(|number| ask(&place.address, &path(number), &[])).collect();
    // One is worked on, and eight wait.
    wait_for("the others to be turned away", Duration::from_mins(1), || {
        let is_answered = |stream: &&BufReader<TcpStream>| {
            let stream = stream.get_ref();
            stream.set_nonblocking(true).unwrap();
            let answered = stream.peek(&mut [0]).is_ok();
            stream.set_nonblocking(false).unwrap();
            answered
        };
        asked.iter().filter(is_answered).count() == 3
    });
    signal("CONT", worker);
    let (shown, busy): (Vec<_>, Vec<_>) =
        asked.into_iter().map(http::answer).partition(|answer| answer.status == 200);
    assert_eq!((shown.len(), busy.len()), (9, 3));
    for answer in busy {
        assert_eq!((answer.status, answer.code().as_str()), (503, "busy"));
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    place.frame(12, "source");
}
