//! New jobs over HTTP: of files that are on the server and of uploads, with settings of their own, looked at before.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/http.rs"]
mod http;
#[path = "common/server.rs"]
mod server;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use common::{make_clip, names, size, wait_for};
use http::{Answer, get, get_json, request, send, wait_for_server};
use serde_json::{Value, json};
use server::{PATIENCE, Server};

/// A server whose usual jobs would take a network.
struct Place {
    server: Server,
    address: String,
    root: PathBuf,
    /// Goes after the server.
    folder: tempfile::TempDir,
}

impl Place {
    /// A server for the files that `make` puts below its root.
    fn new(make: impl Fn(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("input")).unwrap();
        make(&root);
        let address = http::free_address();
        let arguments = ["--listen", &*address, "--model", "none", "--scale", "3", "--preset", "ultrafast"];
        let server = Server::start(&root, &arguments);
        wait_for_server(&address);
        Self { server, address, root, folder }
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        send(&self.address, "POST", path, body)
    }

    fn post_with_key(&self, key: &str, body: &Value) -> Answer {
        let headers = ["Content-Type: application/json", &format!("Idempotency-Key: {key}")];
        request(&self.address, "POST", "/api/v1/jobs", &headers, &body.to_string())
    }

    fn job(&self, id: i64) -> Value {
        get_json(&self.address, &format!("/api/v1/jobs/{id}"))
    }

    fn wait_until_done(&self, id: i64) -> Value {
        wait_for("the job", PATIENCE, || {
            let job = self.job(id);
            assert_ne!(job["status"], "failed", "{job:#}");
            job["status"] == "done"
        });
        self.job(id)
    }

    /// How many jobs the list has.
    fn count(&self) -> u64 {
        get_json(&self.address, "/api/v1/jobs")["total"].as_u64().unwrap()
    }
}

/// The size of a JPEG picture.
fn picture_size(place: &Place, href: &str) -> String {
    let answer = get(&place.address, href);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/jpeg")), "{href}");
    let path = place.folder.path().join("picture.jpg");
    std::fs::write(&path, answer.body).unwrap();
    size(&path)
}

#[test]
fn the_result_of_a_file_in_a_watched_folder_goes_where_all_of_its_results_go() {
    let place = Place::new(|root| {
        std::fs::create_dir_all(root.join("shelf/series")).unwrap();
        make_clip(&root.join("shelf/series/a.mp4"), "64x48", 5, false);
        let settings = "[[folders]]\npath = \"shelf\"\noutput = \"results\"\nname = \"{stem} x\"\nexclude = [\"series/\"]\n";
        std::fs::write(root.join("upscaled.toml"), settings).unwrap();
    });
    let made = place.post("/api/v1/jobs", &json!({ "file": "shelf/series/a.mp4" }));
    assert_eq!(made.status, 201, "{made:?}");
    let done = place.wait_until_done(made.json()["id"].as_i64().unwrap());
    assert_eq!(done["result"], place.root.join("results/series/a x.mp4").to_str().unwrap());
}

#[test]
fn what_was_made_is_known_after_a_loss_of_the_ledger() {
    let mut place = Place::new(|root| {
        std::fs::create_dir_all(root.join("library")).unwrap();
        make_clip(&root.join("library/a.mp4"), "64x48", 5, false);
    });
    let wanted = json!({ "file": "library/a.mp4" });
    let made = place.post("/api/v1/jobs", &wanted);
    place.wait_until_done(made.json()["id"].as_i64().unwrap());
    place.server.stop();
    std::fs::remove_dir_all(place.root.join("state")).unwrap();
    place.server.restart();
    wait_for_server(&place.address);
    let again = place.post("/api/v1/jobs", &wanted);
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("done")), "{again:?}");
    assert_eq!(names(&place.root.join("output/library")), ["a_upscaled.mp4"]);
    // With other settings it is another result.
    let other = place.post("/api/v1/jobs", &json!({ "file": "library/a.mp4", "settings": { "crf": 30 } }));
    assert_eq!(other.status, 201, "{other:?}");
}

#[test]
fn a_file_becomes_one_job_with_the_settings_that_were_chosen() {
    let mut place = Place::new(|root| {
        std::fs::create_dir_all(root.join("library/old tapes")).unwrap();
        make_clip(&root.join("library/old tapes/a.mp4"), "96x64", 30, true);
    });
    let wanted =
        json!({ "file": "library/old tapes/a.mp4", "settings": { "model": "none", "scale": 2, "crf": 20 } });
    let made = place.post_with_key("first", &wanted);
    assert_eq!(made.status, 201, "{made:?}");
    let job = made.json();
    let id = job["id"].as_i64().unwrap();
    assert_eq!(made.header("location"), Some(&*format!("/api/v1/jobs/{id}")));
    assert_eq!((&job["settings"]["crf"], &job["settings"]["preset"]), (&json!(20), &json!("ultrafast")));
    let done = place.wait_until_done(id);
    let result = place.root.join("output/library/old tapes/a_upscaled.mp4");
    assert_eq!(done["result"], result.to_str().unwrap());
    assert_eq!(size(&result), "192,128");

    // The same key has the same answer, in whatever order the body says it, also after a restart.
    let again =
        json!({ "settings": { "crf": 20, "scale": 2, "model": "none" }, "file": "library/old tapes/a.mp4" });
    for _ in 0..2 {
        let answer = place.post_with_key("first", &again);
        assert_eq!((answer.status, &answer.body), (201, &made.body));
        assert_eq!(answer.header("location"), made.header("location"));
        place.server.kill();
        place.server.restart();
        wait_for_server(&place.address);
    }
    let other = json!({ "file": "library/old tapes/a.mp4", "settings": { "model": "none", "scale": 4 } });
    let reused = place.post_with_key("first", &other);
    assert_eq!((reused.status, &*reused.code()), (422, "key_reused"));
    // An equal job is found, and stays as it is.
    let equal = place.post("/api/v1/jobs", &wanted);
    assert_eq!(
        (equal.status, &equal.json()["id"], &equal.json()["status"]),
        (200, &json!(id), &json!("done"))
    );
    assert_eq!(place.count(), 1);
    // One that has ended stands against no other version.
    let version = place.post("/api/v1/jobs", &other);
    assert_eq!(version.status, 201, "{version:?}");
    let version = place.wait_until_done(version.json()["id"].as_i64().unwrap());
    assert_eq!(size(Path::new(version["result"].as_str().unwrap())), "384,256");
}

#[test]
fn the_watch_folder_makes_no_second_job_of_what_was_chosen() {
    let place = Place::new(|_| {});
    // It is not taken in by the time that the job is made: it changed a moment ago.
    make_clip(&place.root.join("input/a.mp4"), "96x64", 30, false);
    let wanted =
        json!({ "file": "input/a.mp4", "settings": { "scale": 2 }, "paused": true, "priority": "high" });
    let made = place.post("/api/v1/jobs", &wanted);
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_i64().unwrap();
    let job = place.job(id);
    assert_eq!((&job["status"], &job["priority"]), (&json!("paused"), &json!("high")));
    // What came later is a job by itself; by then, the first one was looked at.
    make_clip(&place.root.join("input/b.mp4"), "96x64", 30, false);
    wait_for("the other file", PATIENCE, || place.count() == 2);
    let listed = get_json(&place.address, "/api/v1/files?folder=input");
    let jobs: Vec<usize> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["jobs"].as_array().unwrap().len())
        .collect();
    assert_eq!(jobs, [1, 1], "{listed:#}");
    wait_for("the usual one", PATIENCE, || place.job(id + 1)["status"] == "done");

    // Another version of an unfinished job is asked about.
    let other =
        |others: &str| json!({ "file": "input/a.mp4", "settings": { "scale": 4 }, "other_jobs": others });
    let refused = place.post("/api/v1/jobs", &other("refuse"));
    assert_eq!((refused.status, &*refused.code()), (409, "other_job"));
    assert_eq!(refused.json()["job"], id);
    let replaced = place.post("/api/v1/jobs", &other("replace"));
    assert_eq!(replaced.status, 201, "{replaced:?}");
    assert_eq!(place.job(id)["status"], "canceled");
    assert_eq!(place.count(), 2, "the one that was replaced is off the list");
    let done = place.wait_until_done(replaced.json()["id"].as_i64().unwrap());
    assert_eq!(size(Path::new(done["result"].as_str().unwrap())), "384,256");
}

/// Names that lead out of the server's folder, to what it keeps for itself, or to nothing.
const NAMES: [&str; 42] = [
    "",
    "/",
    ".",
    "..",
    "./",
    "../",
    "../secret.mp4",
    "..//secret.mp4",
    "./../secret.mp4",
    "input/../../secret.mp4",
    "input/..",
    "input/../input/../../secret.mp4",
    "library/deep/../../../secret.mp4",
    "library//deep/../../../secret.mp4",
    "library/link.mp4",
    "library/up/secret.mp4",
    "library/up/root/library/up/secret.mp4",
    "library/etc/passwd",
    "library/same/x.mp4",
    "/etc/passwd",
    "//etc/passwd",
    "~/secret.mp4",
    "file:///etc/passwd",
    "http://localhost/x.mp4",
    "concat:library/no.mp4|../secret.mp4",
    "%2e%2e/secret.mp4",
    "..%2fsecret.mp4",
    "..\\secret.mp4",
    "library\\..\\..\\secret.mp4",
    "library/\u{2025}/secret.mp4",
    "library/no.mp4\0.txt",
    "library/no.mp4\n",
    "library/no.mp4/",
    "state/ledger.db",
    "state/uploads/x/data",
    "output/a.mp4",
    "models/x.pth",
    "logs/x.log",
    ".hidden/x.mp4",
    "upscaled.toml",
    "library/deep",
    "library/no.mp4",
];

#[test]
fn nothing_outside_the_folder_of_the_server_can_be_named() {
    let place = Place::new(|root| {
        make_clip(&root.join("secret.mp4"), "96x64", 5, false);
        std::fs::rename(root.join("secret.mp4"), root.parent().unwrap().join("secret.mp4")).unwrap();
        std::fs::create_dir_all(root.join("library/deep")).unwrap();
        symlink("../../secret.mp4", root.join("library/link.mp4")).unwrap();
        symlink(root.parent().unwrap(), root.join("library/up")).unwrap();
        symlink("/etc", root.join("library/etc")).unwrap();
        symlink("deep", root.join("library/same")).unwrap();
        std::fs::write(root.join("library/no.mp4"), "this is no video").unwrap();
    });
    let absolute = place.folder.path().join("secret.mp4").to_str().unwrap().to_owned();
    let long = "a/".repeat(3000);
    let names: Vec<&str> = NAMES.into_iter().chain([&*absolute, &*long]).collect();
    let mut escapes = Vec::new();
    for &name in &names {
        let encoded = name.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        let answers = [
            ("job", place.post("/api/v1/jobs", &json!({ "file": name }))),
            ("estimate", place.post("/api/v1/estimates", &json!({ "file": name }))),
            ("preview", place.post("/api/v1/previews", &json!({ "file": name, "at": 0, "choices": [{}] }))),
            ("video", get(&place.address, &format!("/api/v1/files/video?file={encoded}"))),
            ("frame", get(&place.address, &format!("/api/v1/files/frame?at=0&file={encoded}"))),
        ];
        for (what, answer) in answers {
            if ![404, 422].contains(&answer.status) || answer.code().is_empty() {
                escapes.push(format!("{what} {name:?}: {}", answer.status));
            }
        }
        if !["", "library/deep"].contains(&name) {
            let answer = get(&place.address, &format!("/api/v1/files?folder={encoded}"));
            if ![404, 422].contains(&answer.status) {
                escapes.push(format!("folder {name:?}: {}", answer.status));
            }
        }
    }
    assert!(names.len() >= 30 && escapes.is_empty(), "{escapes:#?}");
    assert_eq!(place.count(), 0);
    let listed = get_json(&place.address, "/api/v1/files?folder=library");
    let shown: Vec<&str> =
        listed["entries"].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert_eq!(shown, ["library/deep", "library/no.mp4"]);
    let top = get_json(&place.address, "/api/v1/files");
    assert_eq!(top["entries"].as_array().unwrap().len(), 2, "{top:#}");
}

#[test]
fn what_cannot_be_is_refused_with_its_key() {
    let place = Place::new(|root| {
        std::fs::create_dir_all(root.join("library")).unwrap();
        make_clip(&root.join("library/a.mp4"), "96x64", 10, false);
    });
    let file = "library/a.mp4";
    for (body, code, key) in [
        (json!({}), "no_source", Value::Null),
        (json!({ "file": file, "upload": "x" }), "no_source", Value::Null),
        (json!({ "file": file, "colour": 1 }), "bad_body", Value::Null),
        (json!({ "file": 7 }), "bad_body", Value::Null),
        (json!({ "file": file, "settings": { "modle": "none" } }), "bad_settings", json!("modle")),
        (json!({ "file": file, "settings": { "scale": 99 } }), "bad_settings", json!("scale")),
        (json!({ "file": file, "settings": { "model": "/etc/x.pth" } }), "bad_settings", json!("model")),
        (
            json!({ "file": file, "settings": { "encoder_options": { "nonsense": "1" } } }),
            "bad_settings",
            json!("encoder_options"),
        ),
    ] {
        let answer = place.post("/api/v1/jobs", &body);
        assert_eq!(
            (answer.status, &*answer.code(), &answer.json()["key"]),
            (422, code, &key),
            "{body}: {answer:?}"
        );
    }
    let unknown = place.post("/api/v1/jobs", &json!({ "upload": "0".repeat(32) }));
    assert_eq!((unknown.status, &*unknown.code()), (404, "no_upload"));
    let bad_key = place.post_with_key("two words", &json!({ "file": file }));
    assert_eq!(bad_key.status, 400);
    assert_eq!(place.count(), 0);
}

#[test]
fn a_frame_is_tried_with_several_settings_and_a_job_is_measured() {
    let place = Place::new(|root| {
        std::fs::create_dir_all(root.join("library")).unwrap();
        make_clip(&root.join("library/a.mp4"), "96x64", 60, true);
    });
    let video = get_json(&place.address, "/api/v1/files/video?file=library/a.mp4");
    assert_eq!((&video["width"], &video["height"], &video["sound"]), (&json!(96), &json!(64), &json!(1)));
    let frame = get(&place.address, "/api/v1/files/frame?file=library/a.mp4&at=1.5&width=96");
    assert_eq!((frame.status, frame.header("content-type")), (200, Some("image/jpeg")));

    let wanted = json!({ "file": "library/a.mp4", "at": 1.5, "measure": true, "choices": [
        { "model": "none", "scale": 2 },
        { "model": "realesr-animevideov3", "scale": 4 },
        { "model": "realesr-general-x4v3", "height": 96, "strength": 0.5 },
    ] });
    let preview = place.post("/api/v1/previews", &wanted);
    assert_eq!(preview.status, 200, "{preview:?}");
    let preview = preview.json();
    assert_eq!((&preview["frame"], &preview["frames"]), (&json!(37), &json!(60)), "{preview:#}");
    assert_eq!(picture_size(&place, preview["before"]["href"].as_str().unwrap()), "96,64");
    for (number, wanted) in ["192,128", "384,256", "144,96"].iter().enumerate() {
        let choice = &preview["choices"][number];
        assert_eq!(choice["fault"], Value::Null, "{choice:#}");
        let picture = &choice["picture"];
        assert_eq!(picture_size(&place, picture["href"].as_str().unwrap()), *wanted);
        assert_eq!(format!("{},{}", picture["width"], picture["height"]), *wanted);
        let estimate = &choice["estimate"];
        assert_eq!(estimate["frames"], 60, "{estimate:#}");
        for figure in ["seconds", "seconds_per_frame", "bytes"] {
            assert!(estimate[figure].as_f64().unwrap() > 0.0, "{figure}: {estimate:#}");
        }
        assert_eq!(estimate["result_size"], wanted.replace(',', "x"));
    }
    assert_eq!(get(&place.address, "/api/v1/previews/0123456789abcdef").code(), "preview_gone");
    let estimate =
        place.post("/api/v1/estimates", &json!({ "file": "library/a.mp4", "settings": { "scale": 2 } }));
    assert_eq!((estimate.status, &estimate.json()["result_size"]), (200, &json!("192x128")));
    let late =
        place.post("/api/v1/previews", &json!({ "file": "library/a.mp4", "at": 1e6, "choices": [{}] }));
    assert_eq!((late.status, &late.json()["frame"]), (200, &json!(59)));
    for (choices, status) in
        [(json!([]), 422), (json!([{}, {}, {}, {}, {}]), 422), (json!([{ "x": 1 }]), 422)]
    {
        let answer =
            place.post("/api/v1/previews", &json!({ "file": "library/a.mp4", "at": 0, "choices": choices }));
        assert_eq!(answer.status, status, "{choices}");
    }
}

#[test]
fn models_and_encoders_are_told_with_what_is_wrong_with_them() {
    let place = Place::new(|root| {
        std::fs::create_dir_all(root.join("models")).unwrap();
        std::fs::write(root.join("models/broken.pth"), "no model").unwrap();
    });
    let models = get_json(&place.address, "/api/v1/models");
    let models = models["models"].as_array().unwrap();
    let named = |name: &str| models.iter().find(|model| model["name"] == name).unwrap();
    let general = named("realesr-general-x4v3");
    assert_eq!(
        (&general["scale"], &general["built_in"], &general["fault"]),
        (&json!(4), &json!(true), &Value::Null)
    );
    assert!(general["licence"].as_str().unwrap().contains("BSD-3-Clause"), "{general:#}");
    assert!(general["checksum"].as_str().unwrap().starts_with("sha256:"));
    let broken = named("broken");
    assert!(broken["fault"].is_string() && broken["built_in"] == false, "{broken:#}");
    let encoders = get_json(&place.address, "/api/v1/encoders");
    let encoders = encoders["encoders"].as_array().unwrap();
    let x264 = encoders.iter().find(|encoder| encoder["name"] == "libx264").unwrap();
    assert_eq!(
        (&x264["codec"], &x264["fault"], &x264["most_crf"]),
        (&json!("h264"), &Value::Null, &json!(51))
    );
}

#[test]
fn an_upload_waits_for_its_settings_outside_the_input_folder() {
    let place = Place::new(|_| {});
    let clip = place.folder.path().join("clip.mp4");
    make_clip(&clip, "96x64", 30, false);
    let bytes = std::fs::read(&clip).unwrap();
    // `film.mp4` in Base64, and the wish to wait.
    let metadata = "upload-metadata: filename ZmlsbS5tcDQ=,hold";
    let length = format!("upload-length: {}", bytes.len());
    let head = ["tus-resumable: 1.0.0", metadata, &length];
    let begun = request(&place.address, "POST", "/api/v1/uploads", &head, "");
    assert_eq!(begun.status, 201, "{begun:?}");
    let location = begun.header("location").unwrap().to_owned();
    let upload = location.rsplit('/').next().unwrap();
    let early = place.post("/api/v1/jobs", &json!({ "upload": upload }));
    assert_eq!((early.status, &*early.code()), (409, "not_held"));
    let mut patch = format!(
        "PATCH {location} HTTP/1.0\r\nHost: {}\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\ncontent-type: application/offset+octet-stream\r\ncontent-length: {}\r\n\r\n",
        place.address,
        bytes.len()
    )
    .into_bytes();
    patch.extend(&bytes);
    let sent = http::exchange(&place.address, &patch);
    assert_eq!((sent.status, sent.header("upload-result")), (204, None), "{sent:?}");
    let listed = get_json(&place.address, "/api/v1/uploads");
    assert_eq!(listed["uploads"][0]["held"], true, "{listed:#}");
    assert_eq!(std::fs::read_dir(place.root.join("input")).unwrap().count(), 0);
    let video = get_json(&place.address, &format!("/api/v1/files/video?upload={upload}"));
    assert_eq!(video["width"], 96);
    let preview =
        place.post("/api/v1/previews", &json!({ "upload": upload, "at": 0, "choices": [{ "scale": 2 }] }));
    assert_eq!(preview.status, 200, "{preview:?}");

    let made = place.post_with_key("upload", &json!({ "upload": upload, "settings": { "scale": 2 } }));
    assert_eq!(made.status, 201, "{made:?}");
    let job = made.json();
    assert_eq!(job["source"], place.root.join("input/film.mp4").to_str().unwrap());
    let done = place.wait_until_done(job["id"].as_i64().unwrap());
    assert_eq!(size(Path::new(done["result"].as_str().unwrap())), "192,128");
    let again = place.post_with_key("upload", &json!({ "upload": upload, "settings": { "scale": 2 } }));
    assert_eq!((again.status, again.body), (201, made.body));
    assert_eq!(place.count(), 1);
}
