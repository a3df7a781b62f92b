//! Files and names that are attacks: nothing but the file itself is read, nothing is sent anywhere, and what would eat
//! the machine is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{can_trace, ffmpeg, make_clip, upscaled};

const SETTINGS: [&str; 6] = ["--model", "none", "--scale", "2", "--preset", "ultrafast"];
/// A refusal takes no longer, and no more memory.
const TIME: Duration = Duration::from_secs(5);
const MEMORY: u64 = 1 << 30;

/// Content that names other files or machines, under names of videos.
fn scripts(secret: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let secret = secret.display();
    let web = "http://127.0.0.1:9/secret.ts";
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n";
    let text: Vec<(&str, String)> = vec![
        ("concat.mp4", format!("ffconcat version 1.0\nfile '{secret}'\n")),
        ("concat-web.mkv", format!("ffconcat version 1.0\nfile '{web}'\n")),
        ("concat-protocol.mp4", format!("ffconcat version 1.0\nfile 'concat:{secret}|{secret}'\n")),
        ("list.mp4", format!("{head}#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n")),
        ("list.m3u8", format!("{head}#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n")),
        ("list-web.ts", format!("{head}#EXTINF:9,\n{web}\n#EXT-X-ENDLIST\n")),
        ("list-mark.mp4", format!("\u{feff}{head}#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n")),
        (
            "list-key.mp4",
            format!(
                "{head}#EXT-X-KEY:METHOD=AES-128,URI=\"{secret}\"\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n"
            ),
        ),
        ("list-map.mp4", format!("{head}#EXT-X-MAP:URI=\"{secret}\"\n#EXTINF:9,\nx\n#EXT-X-ENDLIST\n")),
        ("list-concat.mp4", format!("{head}#EXTINF:9,\nconcat:{secret}|{web}\n#EXT-X-ENDLIST\n")),
        ("master.mp4", format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{secret}\n")),
        (
            "dash.mp4",
            format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period>\
                 <AdaptationSet><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{secret}</BaseURL>\
                 </Representation></AdaptationSet></Period></MPD>"
            ),
        ),
        (
            "session.mp4",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
                .to_owned(),
        ),
        ("redirect.mov", "rtsptext\nrtsp://127.0.0.1:9/x\n".to_owned()),
        ("redirect.wmv", format!("<ASX version=\"3.0\"><ENTRY><REF HREF=\"{web}\"/></ENTRY></ASX>")),
        ("redirect.rm", "rtsp://127.0.0.1:9/x.rm\n--stop--\n".to_owned()),
        ("redirect.mkv", format!("[playlist]\nFile1={secret}\nNumberOfEntries=1\n")),
        (
            "drawing.mp4",
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"{secret}\"/></svg>"),
        ),
        ("graph.mp4", format!("movie={secret}")),
        ("timeline.mp4", format!("# mpv EDL v0\n{secret}\n")),
        ("script.avi", format!("AVISource(\"{secret}\")\n")),
        ("metadata.mp4", format!(";FFMETADATA1\ntitle={secret}\n")),
        ("captions.mp4", format!("[Script Info]\n[Fonts]\nfontname: {secret}\n[Events]\nDialogue: 0\n")),
        ("smile.mp4", format!("<smil><body><video src=\"{secret}\"/></body></smil>")),
    ];
    text.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

/// Names that mean something to a shell, to a command line, or to FFmpeg; the content is a video.
fn names() -> Vec<OsString> {
    let mut names: Vec<OsString> = [
        "-y.mp4",
        "--help.mp4",
        "-i.mp4",
        "concat:a|b.mp4",
        "file:x.mp4",
        "pipe:0.mp4",
        "http:127.0.0.1.mp4",
        "subfile,,start,0,end,9,,:x.mp4",
        "data:text,x.mp4",
        "crypto:x.mp4",
        "%03d.mp4",
        "%s%n%s.mp4",
        "new\nline.mp4",
        "tab\there\r.mp4",
        "$(touch broken).mp4",
        ";touch broken;.mp4",
        "`touch broken`'\".mp4",
        "..mp4",
        "...mp4",
        " .mp4",
        "\\..\\x.mp4",
        "*?[a-z].mp4",
        "\u{202e}4pm.txt.mp4",
        "\u{1b}[2J.mp4",
        "🎬 ﷽.mp4",
    ]
    .map(OsString::from)
    .into();
    // As long as a name can be, and bytes that are no text.
    names.push(format!("{}.mp4", "x".repeat(251)).into());
    names.push(OsString::from_vec(b"\xff\xfe\x80.mp4".to_vec()));
    names
}

/// A worker that leaves a log of the files that it opens, of its sockets and of the programs that it starts.
fn traced_worker(folder: &Path, log: &Path) -> PathBuf {
    let program = upscaled(folder);
    let worker =
        program.get_envs().find_map(|(key, value)| (key == "UPSCALED_WORKER").then_some(value?)).unwrap();
    let script = format!(
        "#!/bin/sh\nexec strace -f -qq -s 4096 -A -e trace=open,openat,openat2,socket,connect,execve -o '{}' '{}' \"$@\"\n",
        log.display(),
        Path::new(worker).display()
    );
    let wrapper = folder.join("worker.sh");
    fs::write(&wrapper, script).unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    wrapper
}

fn up(folder: &Path, worker: &Path, name: &OsStr) -> Output {
    let mut command = upscaled(folder);
    command.env("UPSCALED_WORKER", worker).arg("up").args(SETTINGS).arg("--").arg(name);
    command.output().unwrap()
}

/// What a log shows that must not be.
fn offences(log: &str) -> Vec<&str> {
    let is_offence = |line: &&str| {
        let call = line.split_once(char::is_whitespace).map_or(*line, |(_, call)| call.trim_start());
        let reached = !call.contains(" = -1 ");
        call.starts_with("socket(")
            || call.starts_with("connect(")
            || reached && call.starts_with("execve(") && !call.contains("upscaled-worker")
            || reached && call.contains("secret")
    };
    log.lines().filter(is_offence).collect()
}

#[test]
fn hostile_files_read_nothing_else_and_send_nothing() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (place, log) = (folder.path().join("place"), folder.path().join("calls.log"));
    fs::create_dir(&place).unwrap();
    let worker = traced_worker(folder.path(), &log);
    let secret = folder.path().join("secret.ts");
    make_clip(&secret, "64x36", 10, false);
    let scripts = scripts(&secret);
    for (name, bytes) in &scripts {
        fs::write(place.join(name), bytes).unwrap();
        let output = up(&place, &worker, OsStr::new(name));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {errors}");
        assert!(errors.contains("error: "), "{name}: {errors}");
        fs::remove_file(place.join(name)).unwrap();
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "{name} left something");
    }
    let made = names();
    for name in &made {
        make_clip(&folder.path().join("clip.mp4"), "64x36", 10, false);
        fs::rename(folder.path().join("clip.mp4"), place.join(name)).unwrap();
        let output = up(&place, &worker, name);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name:?}: {errors}");
        let results: Vec<OsString> =
            common::names(&place).into_iter().filter(|found| found != name).collect();
        assert_eq!(results.len(), 1, "{name:?}: {results:?}");
        assert!(results[0].as_bytes().windows(9).any(|part| part == b"_upscaled"), "{results:?}");
        for entry in fs::read_dir(&place).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
    let log = fs::read_to_string(log).unwrap();
    println!("{} files and {} names, {} calls looked at", scripts.len(), made.len(), log.lines().count());
    assert!(log.contains("concat.mp4") && log.contains("%03d.mp4"), "the log is of something else");
    assert_eq!(offences(&log), [""; 0]);
    assert!(!place.join("broken").exists());
}

#[test]
fn offences_are_found() {
    let log = "1  openat(AT_FDCWD, \"/x/secret.ts\", O_RDONLY) = 3\n1 openat(3, \"/x/secret.ts\", 0) = -1 EACCES\n\
               2 socket(AF_INET, SOCK_STREAM, 0) = -1 EPERM\n1 execve(\"/bin/sh\", [], 0) = 0\n3 read(3, \"\", 0) = 0";
    assert_eq!(offences(log).len(), 3);
}

/// A box of an MP4 file.
fn mp4_box(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), &name[..], content].concat()
}

/// A video whose picture claims to have this size.
fn y4m(width: u32, height: u32) -> Vec<u8> {
    format!("YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420\nFRAME\nxx").into_bytes()
}

/// Small files that ask for much.
fn bombs(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let clip = folder.join("bomb.avi");
    let at = |name: &str| folder.join(name);
    let argument = |path: &Path| path.to_str().unwrap().to_owned();
    make_clip(&clip, "64x36", 10, false);
    ffmpeg(&["-i", &argument(&clip), "-c", "copy", &argument(&at("bomb.mp4"))]);
    let deep = (0..16_000).fold(Vec::new(), |inside: Vec<u8>, _| mp4_box(*b"moov", &inside));
    let tracks = mp4_box(*b"trak", &mp4_box(*b"mdia", b"")).repeat(50_000);
    let sizes = {
        // One size for all samples, and two thousand million of them.
        let bytes = fs::read(at("bomb.mp4")).unwrap();
        let table = bytes.windows(4).position(|name| name == b"stsz").unwrap();
        let mut bytes = bytes;
        bytes[table + 8..table + 16].copy_from_slice(&[0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xf0]);
        bytes
    };
    let gif = [
        b"GIF89a".as_slice(),
        &[0xff; 4],
        &[0xf0, 0, 0],
        &[0; 6],
        b"\x2c\0\0\0\0",
        &[0xff; 4],
        &[0, 2, 0, 0x3b],
    ];
    vec![
        ("16000 squared.y4m", y4m(16_000, 16_000)),
        ("30000 squared.y4m", y4m(30_000, 30_000)),
        ("a line.y4m", y4m(2_000_000_000, 1)),
        ("negative.y4m", b"YUV4MPEG2 W-64 H-64 F25:1 C420\nFRAME\n".to_vec()),
        ("65535 squared.gif", gif.concat()),
        ("deep.mp4", [mp4_box(*b"ftyp", b"isom\0\0\0\0"), deep].concat()),
        ("samples.mp4", sizes),
        ("streams.mp4", [mp4_box(*b"ftyp", b"isom\0\0\0\0"), mp4_box(*b"moov", &tracks)].concat()),
        ("length.mp4", [mp4_box(*b"ftyp", b"isom\0\0\0\0"), b"\x7f\xff\xff\xffmoov".to_vec()].concat()),
        (
            "long.mp4",
            [mp4_box(*b"ftyp", b"isom\0\0\0\0"), b"\0\0\0\x01moov\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec()]
                .concat(),
        ),
        ("header.mkv", b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe\x42\x82\x88matroska".to_vec()),
    ]
}

/// The most memory that the children of a process have had while it ran, and what became of it.
fn watched(command: &mut Command) -> (Output, u64, Duration) {
    let start = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let waiting = std::thread::spawn(move || child.wait_with_output().unwrap());
    let mut peak = 0;
    while !waiting.is_finished() {
        for worker in server::children(id) {
            let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
            let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
            peak = peak.max(kilobytes << 10);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    (waiting.join().unwrap(), peak, start.elapsed())
}

/// The clip with a pause of thirty days in its middle: a film with a long pause, and nothing else.
fn pause(folder: &Path) -> Vec<u8> {
    let (clip, path) = (folder.join("clip.mp4"), folder.join("pause.mkv"));
    make_clip(&clip, "64x36", 10, false);
    let later = "setts=ts='if(gt(N,5),TS+2592000/TB,TS)'";
    ffmpeg(&["-i", clip.to_str().unwrap(), "-c", "copy", "-bsf:v", later, path.to_str().unwrap()]);
    fs::read(path).unwrap()
}

#[test]
fn bombs_are_refused_at_once_with_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let bombs = bombs(folder.path()).into_iter().map(|(name, bytes)| (name, bytes, 1));
    for (name, bytes, code) in bombs.chain([("pause.mkv", pause(folder.path()), 0)]) {
        fs::write(folder.path().join(name), bytes).unwrap();
        let mut command = upscaled(folder.path());
        command.arg("up").args(SETTINGS).arg(name);
        let (output, memory, time) = watched(&mut command);
        let errors = String::from_utf8_lossy(&output.stderr);
        println!("{name}: {:.1} s, {} MiB: {}", time.as_secs_f64(), memory >> 20, errors.trim());
        assert_eq!(output.status.code(), Some(code), "{name}: {errors}");
        assert_eq!(errors.contains("error: "), code == 1, "{name}: {errors}");
        assert!(time < TIME, "{name}: {time:?}");
        assert!(memory < MEMORY, "{name}: {memory} bytes");
    }
}
