//! A worker that was taken over by what it decodes: of sources whose name begins with `evil`, it says and does what a test
//! wants; of all others it is the real one.

#![allow(dead_code, unreachable_pub, reason = "every test file uses some of it")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use protocol::message::{Response, Sandbox, encode};
use serde_json::{Value, json};

use crate::common::{executable, worker};

/// What it does for a source at a request, as lines of a shell. The request is in `$r`.
#[derive(Debug)]
pub struct Deed {
    /// Name of the source without its extension.
    pub source: &'static str,
    /// `index`, `segment` or `join`.
    pub request: &'static str,
    pub shell: String,
}

/// Puts messages and script into a folder; gives the program for `UPSCALED_WORKER`.
pub fn hijacked_worker(folder: &Path, deeds: &[Deed]) -> PathBuf {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let hello = encode(&Response::Hello { version }).unwrap();
    let sandbox = Sandbox { lacks: None, is_complete: true, detail: "all".to_owned() };
    let confined = encode(&Response::Confined(sandbox)).unwrap();
    let probed = json!({ "probed": { "description": "x", "columns": 64, "rows": 36, "seconds": 1, "unfinished": null, "made_by": null } });
    let (hello_length, place) = (hello.len(), folder.display());
    std::fs::write(folder.join("hello"), hello).unwrap();
    std::fs::write(folder.join("confined"), confined).unwrap();
    std::fs::write(folder.join("probed"), message(&probed)).unwrap();
    let mut cases = String::new();
    for Deed { source, request, shell } in deeds {
        writeln!(cases, "'{{\"{request}\"'*/{source}.mp4*)\n{shell}\n;;").unwrap();
    }
    let real = worker().display().to_string();
    let script = format!(
        "#!/bin/sh\n\
         t=$(mktemp)\n\
         take() {{ head -c 4 > \"$t\"; [ -s \"$t\" ] || exit 0; head -c \"$(od -An -tu4 \"$t\" | tr -d ' ')\" >> \"$t\"; }}\n\
         cat '{place}/hello'\n\
         take\n\
         if ! grep -q /evil \"$t\"; then\n\
         {{ cat \"$t\"; rm \"$t\"; exec cat; }} | '{real}' --serve | {{ head -c {hello_length} > /dev/null; exec cat; }}\n\
         exit\n\
         fi\n\
         cat '{place}/confined'\n\
         while :; do\n\
         take\n\
         r=$(tail -c +5 \"$t\")\n\
         case \"$r\" in\n\
         '{{\"probe\"'*) cat '{place}/probed' ;;\n\
         {cases}\
         esac\n\
         done\n"
    );
    let program = folder.join("hijacked-worker");
    executable(&program, &script);
    program
}

/// A line of shell that says this.
pub fn say(folder: &Path, name: &str, value: &Value) -> String {
    say_bytes(folder, name, &message(value))
}

/// A line of shell that sends these bytes.
pub fn say_bytes(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    format!("cat '{}'", path.display())
}

/// The bytes of a message.
pub fn message(value: &Value) -> Vec<u8> {
    let text = value.to_string();
    [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

/// Facts of a film of some frames that could be true.
pub fn facts(frames: u32) -> Value {
    json!({
        "codec": "h264", "width": 64, "height": 36, "frames": frames, "keyframes": [0],
        "seconds": f64::from(frames) / 25.0, "container": "mp4",
        "encodings": [{ "encoder": "libx264", "pixel_format": "yuv420p" }],
        "replaced": [], "refused": [], "operations_per_pixel": 0, "network_scale": 1,
        "frame_list_blake3": "ab".repeat(32), "gaps": [], "notes": [], "pixel": [1, 1], "is_turned": false,
        "carry": { "shift": 0, "time_base": [0, 1], "streams": [] }, "cut_off": null, "crop": null,
    })
}

/// An answer to the request for a frame list: facts of 20 frames with these changes.
pub fn indexed(changes: &Value) -> Value {
    let mut facts = facts(20);
    for (name, value) in changes.as_object().unwrap() {
        facts[name] = value.clone();
    }
    json!({ "indexed": facts })
}
