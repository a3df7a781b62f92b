//! Workers that were taken over by what they decode: whatever they say and leave, the server goes on with the next job, takes
//! little memory, and stops when it is asked to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod common;
#[path = "common/hijacked.rs"]
mod hijacked;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{make_clip, run_well, wait_for};
use hijacked::{Deed, hijacked_worker, indexed, message, say, say_bytes};
use serde_json::{Value, json};
use server::Server;

/// The most memory that a server may take.
const MEMORY: u64 = 100_000_000;
/// Time for a server to stop.
const STOP: Duration = Duration::from_secs(5);

/// What a hijacked worker does for one source, and what its job ends with.
struct Case {
    source: &'static str,
    deeds: Vec<(&'static str, String)>,
    /// A part of the reason of an attempt; empty for a job that ends well.
    reason: &'static str,
}

fn case(source: &'static str, request: &'static str, shell: String, reason: &'static str) -> Case {
    Case { source, deeds: vec![(request, shell)], reason }
}

/// Lets a server work on sources that take its worker over, and on one that does not; gives what it says of the jobs.
fn endure(root: &Path, tools: &Path, cases: Vec<Case>) -> Vec<Value> {
    fs::create_dir_all(root.join("input")).unwrap();
    fs::write(root.join("upscaled.toml"), "settle = \"0s\"\n").unwrap();
    make_clip(&root.join("clip.mp4"), "64x36", 20, false);
    let names = cases.iter().map(|case| case.source).chain(["good"]);
    for name in names {
        fs::copy(root.join("clip.mp4"), root.join(format!("input/{name}.mp4"))).unwrap();
    }
    let expected: Vec<(&str, &str)> = cases.iter().map(|case| (case.source, case.reason)).collect();
    let deeds: Vec<Deed> = cases
        .into_iter()
        .flat_map(|Case { source, deeds, .. }| {
            deeds.into_iter().map(move |(request, shell)| Deed { source, request, shell })
        })
        .collect();
    let worker = hijacked_worker(tools, &deeds);
    let arguments = ["--model", "none", "--scale", "2", "--preset", "ultrafast", "--segment-frames", "30"];
    let mut server = Server::start_in(root, &arguments, &[("UPSCALED_WORKER", worker.as_os_str())]);
    let jobs = server.wait_for_jobs(expected.len() + 1);
    let memory = server.peak_memory();
    let start = Instant::now();
    assert_eq!(server.stop(), Some(0));
    println!("{} jobs; {} kB at most; stopped in {:?}", jobs.len(), memory / 1000, start.elapsed());
    assert!(start.elapsed() < STOP);
    assert!(memory < MEMORY, "the server took {memory} bytes");
    let said = fs::read_to_string(root.join("terminal.log")).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    for (name, reason) in expected.into_iter().chain([("good", "")]) {
        let of_source = |job: &&Value| job["source"].as_str().unwrap().ends_with(&format!("/{name}.mp4"));
        let job = jobs.iter().find(of_source).unwrap();
        let status = if reason.is_empty() { "done" } else { "failed" };
        assert_eq!(job["status"], status, "{name}: {job:#}");
        let attempts = job["failed_attempts"].as_array().unwrap().iter();
        let mut reasons = attempts.map(|attempt| &attempt["message"]).chain([&job["reason"]]);
        let is_said = reasons.any(|said| said.as_str().is_some_and(|said| said.contains(reason)));
        assert!(is_said || reason.is_empty(), "{name}: {job:#}");
    }
    jobs
}

#[test]
fn numbers_and_lists_that_cannot_be_are_refused() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let carried = vec![json!({ "stream": 1, "convert": null }); 150_000];
    let range = |first: u32, end: u32| json!({ "first": first, "end": end });
    let plan = json!({ "width": 128, "height": 72, "encoder_threads": 2, "segments": 200_000 });
    let estimate = json!({ "estimated": {
        "facts": hijacked::facts(20), "plan": plan, "is_whole": true, "engine": "x", "frames": 1, "places": 1,
        "seconds_per_frame": 1.0, "share": 1.0, "seconds_beside": 1.0, "video_bytes": 1, "other_bytes": 1,
    }});
    let impossible: [(&str, Value, &str); 13] = [
        ("evil-size", json!({ "width": u32::MAX, "height": u32::MAX }), "(pixels of a frame"),
        ("evil-line", json!({ "width": u32::MAX, "height": 1 }), "(pixels of a frame"),
        ("evil-frames", json!({ "frames": u32::MAX }), "(frames: 4294967295"),
        ("evil-seconds", json!({ "seconds": 1e308 }), "(seconds"),
        ("evil-work", json!({ "operations_per_pixel": u64::MAX }), "(operations of the network"),
        ("evil-order", json!({ "keyframes": [9, 3] }), "(keyframes"),
        ("evil-late", json!({ "keyframes": [u32::MAX] }), "(keyframes"),
        ("evil-gaps", json!({ "gaps": [range(9, 3)] }), "(missing"),
        ("evil-overlap", json!({ "gaps": vec![range(3, 9); 100_000] }), "(missing"),
        ("evil-carry", json!({ "carry": { "streams": carried } }), "(streams"),
        (
            "evil-sound",
            json!({ "carry": { "streams": [{ "stream": 1, "convert":
            { "rate": 0, "channels": u32::MAX, "layout": "x\n", "sample": "s16" } }] } }),
            "(samples a second",
        ),
        ("evil-changes", json!({ "changes": vec![0; 100_000] }), "(parts with changes"),
        ("evil-encoder", json!({ "encodings": [{ "encoder": "a\nb", "pixel_format": "x" }] }), "(encoder"),
    ];
    let mut cases: Vec<Case> = impossible
        .into_iter()
        .map(|(source, changes, reason)| {
            case(source, "index", say(tools.path(), source, &indexed(&changes)), reason)
        })
        .collect();
    cases.push(case("evil-plan", "index", say(tools.path(), "plan", &estimate), "(segments"));
    endure(folder.path(), tools.path(), cases);
}

/// An answer that a segment is finished.
fn segment_done(file: &str, bytes: u64, frames: u32, pixels: u64) -> Value {
    let reused = json!({ "frames": frames, "pixels": pixels });
    let digest = json!({ "file": file, "bytes": bytes, "blake3": "ab".repeat(32), "reused": reused });
    json!({ "segment_done": { "digest": digest, "engine": "x" } })
}

/// An answer that the result is complete.
fn joined(bytes: u64) -> Value {
    let report = json!({ "format": "x", "streams": [] });
    let checks = json!({ "frames_decoded": 1, "largest_time_error_milliseconds": 0.0, "packets": [] });
    let verified = json!({ "source": report, "result": report, "model": null, "checks": checks });
    json!({ "joined": { "bytes": bytes, "notes": [], "verified": verified } })
}

#[test]
fn progress_and_files_are_measured_and_not_believed() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = tools.path();
    let facts = say(at, "facts", &indexed(&json!({})));
    let file = "seg-000000.e2.pkt";
    let make = format!("echo x > {file}");
    let (link, pipe) = (format!("ln -s /etc/passwd {file}"), format!("mkfifo {file}"));
    let progress = json!({ "progress": { "frames": u32::MAX, "bytes": u64::MAX } });
    let ledger = "../../../state/ledger.db";
    let asks = json!("asks_for_memory");
    let ask = say(at, "asks", &asks);
    let held = json!({ "admitted": { "bytes": u64::MAX } });
    let of_segments: [(&str, &str, Value, &str); 10] = [
        ("evil-bytes", &make, segment_done(file, u64::MAX, 0, 0), "(bytes of a segment"),
        ("evil-larger", &make, segment_done(file, 9_000_000, 0, 0), "has 2 bytes, and 9000000 were made"),
        ("evil-missing", "true", segment_done(file, 2, 0, 0), "No such file"),
        ("evil-link", &link, segment_done(file, 2, 0, 0), "it is a link"),
        ("evil-pipe", &pipe, segment_done(file, 2, 0, 0), "it is no regular file"),
        ("evil-other", "true", segment_done(ledger, 2, 0, 0), "made another file"),
        ("evil-reuse", &make, segment_done(file, 2, u32::MAX, u64::MAX), "(frames that repeat"),
        ("evil-progress", "true", progress, "(frames: 4294967295"),
        ("evil-memory", &ask, held, "(bytes of memory"),
        ("evil-asking", &ask, asks, "does not fit its task"),
    ];
    let in_folder = |source: &str, shell: &str| {
        format!("cd '{}'\n{shell}\n", folder.path().join(format!("output/{source}.mp4.job")).display())
    };
    let mut cases: Vec<Case> = of_segments
        .into_iter()
        .map(|(source, shell, answer, reason)| {
            let deed = in_folder(source, shell) + &say(at, source, &answer);
            Case { source, deeds: vec![("index", facts.clone()), ("segment", deed)], reason }
        })
        .collect();
    let made = in_folder("evil-joined", &make) + &say(at, "made", &segment_done(file, 2, 0, 0));
    let result = say(at, "joined", &joined(u64::MAX));
    let deeds = vec![("index", facts), ("segment", made), ("join", result)];
    cases.push(Case { source: "evil-joined", deeds, reason: "No such file" });
    let away = json!({ "failed": { "kind": "folder_away", "message": "it is away" } });
    cases.push(case("evil-away", "index", say(at, "away", &away), "it is away"));
    endure(folder.path(), at, cases);
}

/// What floods the server's memory, and texts that forge lines where people read them.
fn floods(at: &Path) -> Vec<Case> {
    let forged = "x\n2026-11-29T00:00:00Z  INFO job 9: done\u{1b}[2J\u{202e}gnp.4pm";
    let big = |text: &str| {
        let mut bytes = vec![0; 4];
        bytes.extend_from_slice(text.as_bytes());
        let length = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let head = message(&indexed(&json!({})));
    let head = String::from_utf8(head[4..].to_vec()).unwrap();
    let with =
        |name: &str, list: String| head.replace(&format!("\"{name}\":[]"), &format!("\"{name}\":[{list}]"));
    let empty = "\"\",".repeat(5_500_000);
    let zeros = "0,".repeat(8_000_000);
    let mut cases = vec![
        case(
            "evil-notes",
            "index",
            say_bytes(at, "notes", &big(&with("notes", empty.trim_end_matches(',').to_owned()))),
            "holds too much",
        ),
        case(
            "evil-keyframes",
            "index",
            say_bytes(
                at,
                "keyframes",
                &big(&head.replace(
                    "\"keyframes\":[0]",
                    &format!("\"keyframes\":[{}]", zeros.trim_end_matches(',')),
                )),
            ),
            "holds too much",
        ),
        case(
            "evil-text",
            "index",
            say_bytes(at, "text", &big(&with("notes", format!("\"{}\"", "y".repeat(16_000_000))))),
            "gave up",
        ),
        case("evil-length", "index", say_bytes(at, "length", b"\xff\xff\xff\xff"), "longer than allowed"),
        case(
            "evil-line",
            "index",
            "head -c 150000000 /dev/zero | tr '\\0' x >&2; exit 3".to_owned(),
            "it exited with code 3",
        ),
        case(
            "evil-lines",
            "index",
            "yes '' | head -c 5000000 >&2; echo last >&2; exit 4".to_owned(),
            "code 4",
        ),
        case(
            "evil-message",
            "index",
            say(at, "message", &json!({ "failed": { "kind": "final", "message": forged } })),
            "\\u{1b}[2J\\u{202e}",
        ),
        case(
            "evil-names",
            "index",
            say(
                at,
                "names",
                &indexed(
                    &json!({ "codec": forged, "notes": [forged], "refused": [forged], "cut_off": forged }),
                ),
            ),
            "gave up",
        ),
    ];
    for source in ["evil-text", "evil-names"] {
        let fail =
            json!({ "failed": { "kind": "transient", "message": format!("{}{forged}", "z".repeat(9000)) } });
        let case = cases.iter_mut().find(|case| case.source == source).unwrap();
        case.deeds.push(("segment", say(at, &format!("{source}-segment"), &fail)));
    }
    cases
}

#[test]
fn floods_take_no_memory_and_texts_forge_nothing() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cases = floods(tools.path());
    let jobs = endure(folder.path(), tools.path(), cases);
    let root = folder.path();
    let log: String = fs::read_dir(root.join("logs"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let mut shown = vec![log, fs::read_to_string(root.join("terminal.log")).unwrap()];
    shown.push(run_well(root, &["list"]));
    shown.push(run_well(root, &["list", "--json"]));
    for job in &jobs {
        shown.push(run_well(root, &["show", &job["id"].to_string()]));
        shown.push(run_well(root, &["show", "--json", &job["id"].to_string()]));
    }
    for text in shown {
        assert!(text.len() < 1_000_000, "{} bytes", text.len());
        let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.contains(steers), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("2026-11-29T00:00:00Z")), "{text}");
    }
}

#[test]
fn what_lies_in_the_folder_of_a_job_is_a_file_of_its_size_or_nothing() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = tools.path();
    let root = folder.path();
    fs::write(root.join("secret"), "{\"program\":\"upscaled\",\"secret\":1}").unwrap();
    let fail = |name: &str| say(at, name, &json!({ "failed": { "kind": "transient", "message": "no" } }));
    let mut cases = Vec::new();
    let traps = [
        ("evil-sparse", "rm -f $f; truncate -s 3G $f"),
        ("evil-pipe", "rm -f $f; mkfifo $f"),
        ("evil-link", "ln -sf ../../secret $f"),
        ("evil-folder", "rm -f $f; mkdir -p $f/x"),
    ];
    for (source, trap) in traps {
        let work = root.join(format!("output/{source}.mp4.job"));
        let lay = format!(
            "cd '{}'\nfor f in job.json report.json frames.index status.json seg-000000.e9.json seg-000000.e9.pkt result; do {trap}; done\n",
            work.display()
        );
        let answer = say(at, &format!("{source}-index"), &indexed(&json!({})));
        cases.push(Case {
            source,
            deeds: vec![("index", format!("{lay}{answer}")), ("segment", format!("{lay}{}", fail(source)))],
            reason: "gave up",
        });
        // Up to a result: the report is put beside it, if it is one.
        let source: &'static str = source.replace("evil", "evil-last").leak();
        let work = root.join(format!("output/{source}.mp4.job"));
        let trap = format!("cd '{}'\nf=report.json; {trap}\n", work.display());
        let done = say(at, &format!("{source}-s"), &segment_done("seg-000000.e2.pkt", 2, 0, 0));
        let joined = say(at, &format!("{source}-j"), &joined(2));
        let index = say(at, &format!("{source}-i"), &indexed(&json!({})));
        cases.push(Case {
            source,
            deeds: vec![
                ("index", index),
                ("segment", format!("cd '{}'; echo x > seg-000000.e2.pkt; {done}", work.display())),
                ("join", format!("{trap}echo x > result; {joined}")),
            ],
            reason: "",
        });
    }
    endure(root, at, cases);
    for entry in fs::read_dir(root.join("output")).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap();
        assert!(kind.is_file() && kind.len() < 1_000_000, "{}", path.display());
        assert!(!String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("secret"), "{}", path.display());
    }
    run_well(root, &["list"]);
}

#[test]
fn folders_inside_each_other_are_removed_however_deep() {
    // In memory, where it takes a second.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let tools = tempfile::tempdir().unwrap();
    let root = folder.path();
    let work = root.join("output/evil-deep.mp4.job");
    let dig = format!("cd '{}'\nperl -e 'for (1..60000) {{ mkdir \"d\"; chdir \"d\" }}'\n", work.display());
    let fail = json!({ "failed": { "kind": "final", "message": "that is deep" } });
    let fail = say(tools.path(), "fail", &fail);
    endure(root, tools.path(), vec![case("evil-deep", "index", dig + &fail, "that is deep")]);
    assert!(!work.exists());
}

/// A worker that is alive and does not look at its pipes ends with its server.
#[test]
fn a_worker_does_not_outlive_a_server_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/clip.mp4"), "160x90", 100, false);
    let mut server = Server::start(root, &["--model", "realesr-animevideov3"]);
    let is_at_work = || server.jobs().first().is_some_and(|job| job["doing"] == "upscaling");
    wait_for("the upscaling", server::PATIENCE, || server.worker().is_some() && is_at_work());
    let worker = server.worker().unwrap();
    server::signal("STOP", worker);
    server.kill();
    let place = format!("/proc/{worker}/stat");
    // One that is not reaped yet is a zombie.
    let is_alive = || fs::read_to_string(&place).is_ok_and(|stat| !stat.contains(") Z "));
    wait_for("the end of the worker", Duration::from_secs(5), || !is_alive());
}

#[test]
fn a_worker_gets_none_of_the_secrets_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/clip.mp4"), "64x36", 10, false);
    let seen = root.join("seen");
    let worker = root.join("worker");
    let script = format!(
        "#!/bin/sh\ncat /proc/$$/environ >> '{}'\nexec '{}' \"$@\"\n",
        seen.display(),
        common::worker().display()
    );
    common::executable(&worker, &script);
    let environment = [
        ("UPSCALED_WORKER", worker.as_os_str()),
        ("PASSWORD", "hunter2".as_ref()),
        ("UPSCALED_TOKEN", "hunter2".as_ref()),
        ("LD_PRELOAD", "".as_ref()),
        ("LANG", "C.UTF-8".as_ref()),
    ];
    let server = Server::start_in(root, &["--model", "none", "--preset", "ultrafast"], &environment);
    let jobs = server.wait_for_jobs(1);
    assert_eq!(jobs[0]["status"], "done");
    let text = fs::read(seen).unwrap();
    let names: std::collections::BTreeSet<String> = text
        .split(|&byte| byte == 0)
        .filter_map(|entry| Some(String::from_utf8_lossy(entry).split_once('=')?.0.to_owned()))
        .collect();
    println!("{names:?}");
    assert!(names.contains("LANG"), "{names:?}");
    let known = ["LANG", "TZ", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "UPSCALED_TRACE", "MALLOC_PERTURB_"];
    assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
}

/// A day of film in short segments.
#[test]
fn a_long_film_takes_little_memory() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = tools.path();
    let facts = say(at, "facts", &indexed(&json!({ "frames": 3_000_000 })));
    let fail = say(at, "fail", &json!({ "failed": { "kind": "final", "message": "too long" } }));
    let deeds = vec![("index", facts), ("segment", fail)];
    endure(folder.path(), at, vec![Case { source: "evil-long", deeds, reason: "too long" }]);
}

/// A worker that tells the same progress again and again, and one that does so as fast as it can.
#[test]
fn progress_that_does_not_get_on_comes_to_an_end() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (root, at) = (folder.path(), tools.path());
    fs::create_dir(root.join("input")).unwrap();
    make_clip(&root.join("input/evil-still.mp4"), "64x36", 20, false);
    let told = |frames: u32| message(&json!({ "progress": { "frames": frames, "bytes": 7 } }));
    let same = [told(5), told(3)].concat();
    let log = || fs::read_to_string(root.join("terminal.log")).unwrap_or_default();
    let is_begun = |root: &Path| root.join("output/evil-still.mp4.job/begun").exists();
    for (name, messages, pause) in [("flood", same.repeat(1000), "sleep 0"), ("same", same, "sleep 1")] {
        let say_it = say_bytes(at, name, &messages);
        let begun = root.join("output/evil-still.mp4.job/begun");
        let shell = format!("touch '{}'; while :; do {say_it}; {pause}; done", begun.display());
        let deeds = [
            Deed { source: "evil-still", request: "index", shell: say(at, "facts", &indexed(&json!({}))) },
            Deed { source: "evil-still", request: "segment", shell },
        ];
        let worker = hijacked_worker(at, &deeds);
        let mut server =
            Server::start_in(root, &["--model", "none"], &[("UPSCALED_WORKER", worker.as_os_str())]);
        wait_for("the segment", server::PATIENCE, || is_begun(root));
        fs::remove_file(&begun).unwrap();
        if name == "flood" {
            std::thread::sleep(Duration::from_secs(10));
        } else {
            wait_for("the end of an attempt", server::PATIENCE, || log().contains("showed no progress for"));
        }
        let memory = server.peak_memory();
        let start = Instant::now();
        assert_eq!(server.stop(), Some(0));
        println!("{name}: {} kB at most; stopped in {:?}", memory / 1000, start.elapsed());
        assert!(start.elapsed() < STOP && memory < MEMORY);
        assert!(log().len() < 100_000);
    }
}

/// A manifest with the checksum that it needs, and no seal.
fn forge(place: &Path, manifest: &Value) {
    let text = manifest.to_string();
    fs::create_dir_all(place).unwrap();
    fs::write(place.join("job.json"), format!("{text}\n\"{}\"\n", blake3::hash(text.as_bytes()).to_hex()))
        .unwrap();
}

#[test]
fn a_forged_manifest_gives_no_right_when_the_ledger_is_lost() {
    use std::os::unix::fs::MetadataExt as _;
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path();
    let work = root.join("output/evil-one.mp4.job");
    let fail = json!({ "failed": { "kind": "final", "message": "seen" } });
    let copy = format!("cp '{}/job.json' '{}/kept'\n", work.display(), tools.path().display());
    let copy = copy + &say(tools.path(), "fail", &fail);
    endure(root, tools.path(), vec![case("evil-one", "index", copy, "seen")]);
    let kept = fs::read_to_string(tools.path().join("kept")).unwrap();
    let manifest: Value = serde_json::from_str(kept.lines().next().unwrap()).unwrap();
    assert_eq!(kept.lines().count(), 3, "{kept}");
    fs::write(root.join("secret.mp4"), "private").unwrap();
    let model = |path: &str| json!({ "file": { "name": "m", "path": path, "blake3": "" } });
    let forged = [
        ("root", "input/evil-one.mp4", model("/")),
        ("file", "input/evil-one.mp4", model("/etc/shadow")),
        ("folder", "input", json!("none")),
        ("secret", "secret.mp4", json!("none")),
        ("out", "input/../secret.mp4", json!("none")),
        ("key", "state/key", json!("none")),
    ];
    for (name, source, model) in &forged {
        let place = root.join(format!("output/{name}.mp4.job"));
        fs::create_dir_all(&place).unwrap();
        let mut manifest = manifest.clone();
        manifest["source"] = json!(source);
        manifest["settings"]["model"] = model.clone();
        manifest["folder"] = json!(format!("output/{name}.mp4.job"));
        manifest["fingerprint"] = json!(name);
        manifest["inode"] = json!(fs::metadata(&place).unwrap().ino());
        manifest["result"] = Value::Null;
        forge(&place, &manifest);
    }
    for name in ["ledger.db", "ledger.db.backup", "ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(root.join("state").join(name));
    }
    fs::remove_file(root.join("input/evil-one.mp4")).unwrap();
    let mut server = Server::start(root, &["--model", "none", "--scale", "2", "--preset", "ultrafast"]);
    let jobs = server.wait_for_jobs(1);
    assert!(jobs[0]["source"].as_str().unwrap().ends_with("/good.mp4"), "{jobs:#?}");
    assert_eq!(server.stop(), Some(0));
    let said = fs::read_to_string(root.join("terminal.log")).unwrap();
    for (name, ..) in forged {
        let line = format!("output/{name}.mp4.job` is not taken in again by itself");
        assert_eq!(said.matches(&line).count(), 1, "{name}: {said}");
    }
}
