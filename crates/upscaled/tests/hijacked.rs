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

use common::{make_clip, run_well};
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
    /// A part of the reason; empty for a job that ends well.
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
    let arguments = ["--model", "none", "--scale", "2", "--preset", "ultrafast"];
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
        assert!(job["reason"].as_str().unwrap_or_default().contains(reason), "{name}: {job:#}");
    }
    jobs
}

#[test]
fn numbers_and_lists_that_cannot_be_are_refused() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let carried = vec![json!({ "stream": 1, "convert": null }); 150_000];
    let range = |first: u32, end: u32| json!({ "first": first, "end": end });
    let plan = |count: u32| {
        let segments: Vec<Value> = (0..count).map(|n| range(n, n + 1)).collect();
        json!({ "width": 128, "height": 72, "encoder_threads": 2, "segments": segments })
    };
    let estimate = json!({ "estimated": {
        "facts": hijacked::facts(20), "plan": plan(200_000), "is_whole": true, "engine": "x", "frames": 1, "places": 1,
        "seconds_per_frame": 1.0, "seconds_beside": 1.0, "video_bytes": 1, "other_bytes": 1,
    }});
    let impossible: [(&str, Value, &str); 12] = [
        ("evil-size", json!({ "width": u32::MAX, "height": u32::MAX }), "(pixels of a frame"),
        ("evil-line", json!({ "width": u32::MAX, "height": 1 }), "(pixels of a frame"),
        ("evil-frames", json!({ "frames": u32::MAX }), "(frames: 4294967295"),
        ("evil-seconds", json!({ "seconds": 1e308 }), "(seconds"),
        ("evil-work", json!({ "operations_per_pixel": u64::MAX }), "(operations of the network"),
        ("evil-order", json!({ "keyframes": [9, 3] }), "(keyframes"),
        ("evil-late", json!({ "keyframes": [u32::MAX] }), "(keyframes"),
        ("evil-gaps", json!({ "gaps": [range(9, 3)] }), "(gaps"),
        ("evil-overlap", json!({ "gaps": vec![range(3, 9); 100_000] }), "(gaps"),
        ("evil-carry", json!({ "carry": { "streams": carried } }), "(streams"),
        (
            "evil-sound",
            json!({ "carry": { "streams": [{ "stream": 1, "convert":
            { "rate": 0, "channels": u32::MAX, "layout": "x\n", "sample": "s16" } }] } }),
            "(samples a second",
        ),
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

#[test]
fn progress_and_files_are_measured_and_not_believed() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = tools.path();
    let index = |name: &'static str| ("index", say(at, &format!("{name}-facts"), &indexed(&json!({}))));
    let done = |name: &str, file: &str, bytes: u64, frames: u32, pixels: u64| {
        let evidence = json!({ "file": file, "bytes": bytes, "blake3": "ab".repeat(32),
            "reused": { "frames": frames, "pixels": pixels } });
        say(at, name, &json!({ "segment_done": { "evidence": evidence, "engine": "x" } }))
    };
    let progress = |name: &str, frames: u32, bytes: u64| {
        say(at, name, &json!({ "progress": { "frames": frames, "bytes": bytes } }))
    };
    let own = |source: &str| format!("seg-000000.e\"$e\".pkt in {source}");
    let _ = own;
    // The file of the attempt is named in the request only by its numbers.
    let made = |source: &str, shell: &str| {
        let work = folder.path().join(format!("output/{source}.mp4.job"));
        format!("cd '{}'\nfor e in 2 3 4 5; do {shell}; done\n", work.display())
    };
    let file = "seg-000000.e2.pkt";
    let cases = vec![
        Case {
            source: "evil-bytes",
            deeds: vec![
                index("bytes"),
                (
                    "segment",
                    made("evil-bytes", "echo x > seg-000000.e$e.pkt") + &done("b", file, u64::MAX, 0, 0),
                ),
            ],
            reason: "(bytes of a segment",
        },
        Case {
            source: "evil-larger",
            deeds: vec![
                index("larger"),
                (
                    "segment",
                    made("evil-larger", "echo x > seg-000000.e$e.pkt") + &done("l", file, 9_000_000, 0, 0),
                ),
            ],
            reason: "gave up",
        },
        Case {
            source: "evil-missing",
            deeds: vec![index("missing"), ("segment", done("m", file, 2, 0, 0))],
            reason: "gave up",
        },
        Case {
            source: "evil-link",
            deeds: vec![
                index("link"),
                (
                    "segment",
                    made("evil-link", "ln -sf /etc/passwd seg-000000.e$e.pkt") + &done("k", file, 2, 0, 0),
                ),
            ],
            reason: "gave up",
        },
        Case {
            source: "evil-pipe",
            deeds: vec![
                index("pipe"),
                ("segment", made("evil-pipe", "mkfifo seg-000000.e$e.pkt") + &done("p", file, 2, 0, 0)),
            ],
            reason: "gave up",
        },
        Case {
            source: "evil-other",
            deeds: vec![index("other"), ("segment", done("o", "../../../state/ledger.db", 2, 0, 0))],
            reason: "gave up",
        },
        Case {
            source: "evil-reuse",
            deeds: vec![index("reuse"), ("segment", done("r", file, 2, u32::MAX, u64::MAX))],
            reason: "(frames that repeat",
        },
        Case {
            source: "evil-progress",
            deeds: vec![index("progress"), ("segment", progress("q", u32::MAX, u64::MAX))],
            reason: "(frames: 4294967295",
        },
        Case {
            source: "evil-joined",
            deeds: vec![
                index("joined"),
                (
                    "segment",
                    progress("s", 20, 1)
                        + "\n"
                        + &made("evil-joined", "echo x > seg-000000.e$e.pkt")
                        + &done("j", file, 2, 0, 0),
                ),
                (
                    "join",
                    say(
                        at,
                        "join",
                        &json!({ "joined": { "bytes": u64::MAX, "notes": [], "verified": {
                    "source": { "format": "x", "streams": [] }, "result": { "format": "x", "streams": [] }, "model": null,
                    "checks": { "frames_decoded": 1, "largest_time_error_milliseconds": 0.0, "packets": [] } } } }),
                    ),
                ),
            ],
            reason: "gave up",
        },
        Case {
            source: "evil-away",
            deeds: vec![(
                "index",
                say(at, "away", &json!({ "failed": { "kind": "folder_away", "message": "it is away" } })),
            )],
            reason: "it is away",
        },
    ];
    endure(folder.path(), tools.path(), cases);
}

#[test]
fn floods_take_no_memory_and_texts_forge_nothing() {
    let (folder, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = tools.path();
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
    let cases = vec![
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
            "head -c 300000000 /dev/zero | tr '\\0' x >&2; exit 3".to_owned(),
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
    let mut cases = cases;
    for source in ["evil-text", "evil-names"] {
        let fail =
            json!({ "failed": { "kind": "transient", "message": format!("{}{forged}", "z".repeat(9000)) } });
        let case = cases.iter_mut().find(|case| case.source == source).unwrap();
        case.deeds.push(("segment", say(at, &format!("{source}-segment"), &fail)));
    }
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
