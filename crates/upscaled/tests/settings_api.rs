//! Settings over HTTP: what holds and where it is from, and changes that are checked, written into the file and taken up.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/http.rs"]
mod http;
#[path = "common/server.rs"]
mod server;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::run_well;
use http::{Answer, get, get_json, request, send, wait_for_server};
use serde_json::{Value, json};
use server::Server;

const FILE: &str =
    "# Mine.\nmodel = \"none\"\nscale = 2 # enough\n\n# Films.\n[[folders]]\npath = \"films\"\n";

/// A server with a settings file.
struct Place {
    address: String,
    root: PathBuf,
    server: Server,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new(text: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("films")).unwrap();
        fs::write(root.join("upscaled.toml"), text).unwrap();
        let address = http::free_address();
        let server = Server::start(&root, &[&["--listen", &*address], arguments].concat());
        wait_for_server(&address);
        Self { address, root, server, _folder: folder }
    }

    fn file(&self) -> PathBuf {
        self.root.join("upscaled.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn settings(&self) -> Value {
        get_json(&self.address, "/api/v1/settings")
    }

    fn setting(&self, key: &str) -> Value {
        let all = self.settings();
        all["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == key).unwrap().clone()
    }

    fn change_of(&self, version: &str, body: &Value) -> Answer {
        let headers = ["Content-Type: application/json", &format!("If-Match: \"{version}\"")];
        request(&self.address, "PATCH", "/api/v1/settings", &headers, &body.to_string())
    }

    fn change(&self, body: &Value) -> Answer {
        self.change_of(self.settings()["version"].as_str().unwrap(), body)
    }

    /// Nothing but the settings file is in the root that was not there before.
    fn leaves_nothing(&self) -> bool {
        fs::read_dir(&self.root)
            .unwrap()
            .all(|entry| !entry.unwrap().file_name().to_string_lossy().ends_with(".part"))
    }
}

/// What a job is made with that chooses nothing.
fn scale_of_new_job(place: &Place) -> String {
    run_well(&place.root, &["config"]).lines().find(|line| line.starts_with("scale")).unwrap().to_owned()
}

#[test]
fn secrets_are_told_to_nobody_and_outlive_changes() {
    let hook = "[[webhooks]]\nurl = \"https://hooks.example/IN-THE-PATH\"\nsecret = \"OF-THE-HOOK\"\n";
    let place = Place::new(&format!("{FILE}\n{hook}"), &[]);
    let version = get(&place.address, "/api/v1/settings").header("etag").unwrap().to_owned();
    let headers = ["Content-Type: application/json", &format!("If-Match: {version}")];
    let changed = request(&place.address, "PATCH", "/api/v1/settings", &headers, "{\"crf\":18}");
    assert_eq!(changed.status, 200, "{changed:?}");
    assert!(place.text().contains(hook), "{}", place.text());
    let told =
        ["/api/v1/settings", "/api/v1/log", "/api/v1/system"].map(|path| get(&place.address, path).body);
    for told in told.into_iter().chain([changed.body]) {
        let told = String::from_utf8(told).unwrap();
        assert!(!told.contains("OF-THE-HOOK") && !told.contains("IN-THE-PATH"), "{told}");
    }
}

#[test]
fn webhooks_are_changed_and_tested_without_their_secrets() {
    let hook = "[[webhooks]]\nurl = \"http://127.0.0.1:9/IN-THE-PATH\"\nsecret = \"OF-THE-HOOK\"\n";
    let place = Place::new(&format!("{FILE}\n{hook}"), &[]);
    let shown = json!([{ "url": "http://127.0.0.1:9/…", "events": null, "format": null, "has_secret": true, "secret_file": null, "allow_private": null, "page": null }]);
    assert_eq!(place.settings()["webhooks"], shown);
    let test = |number: usize| {
        let path = format!("/api/v1/settings/webhooks/{number}/test");
        send(&place.address, "POST", &path, &json!({}))
    };
    let closed = test(1).json();
    assert!(closed["arrived"] == false && closed["detail"].as_str().unwrap().contains("allow_private"));
    assert_eq!(test(2).code(), "no_webhook");
    let changed = place
        .change(&json!({ "webhooks": [{ "was": 0, "events": ["failed"], "allow_private": true },
        { "url": "https://b.org/topic", "format": "ntfy", "secret": "ANOTHER" }] }));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert!(!String::from_utf8_lossy(&changed.body).contains("ANOTHER"));
    assert!(place.text().contains("IN-THE-PATH") && place.text().contains("secret = \"OF-THE-HOOK\""));
    assert_eq!(place.settings()["webhooks"][1]["has_secret"], true);
    assert!(test(1).json()["detail"].as_str().unwrap().contains("cannot be reached"));
    let before = place.text();
    let refused = place.change(&json!({ "crf": 99, "webhooks": [{ "was": 0, "url": "https://evil.org/" }, { "was": 1, "events": ["x"] }] }));
    let problem = refused.json();
    let mut keys: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!((refused.status, keys), (422, vec!["crf", "webhooks.1.secret", "webhooks.2.events"]));
    assert_eq!(place.text(), before);
}

#[test]
fn a_change_is_written_beside_the_comments_and_holds_at_once() {
    let mut place = Place::new(FILE, &["--crf", "30"]);
    fs::set_permissions(place.file(), Permissions::from_mode(0o640)).unwrap();
    let shown = get(&place.address, "/api/v1/settings");
    let version = shown.json()["version"].as_str().unwrap().to_owned();
    assert_eq!(shown.header("etag"), Some(&*format!("\"{version}\"")));
    assert_eq!(
        place.setting("scale"),
        json!({ "key": "scale", "value": "2", "usual": "4", "origin": "file", "line": 3, "fixed": false, "needs_restart": false })
    );
    let crf = place.setting("crf");
    assert_eq!(
        (&crf["value"], &crf["origin"], &crf["fixed"]),
        (&json!("30"), &json!("command_line"), &json!(true))
    );
    assert_eq!(
        (&place.setting("listen")["origin"], &place.setting("grain")["origin"]),
        (&json!("command_line"), &json!("default"))
    );
    assert_eq!(place.settings()["file"]["folders"], json!([{ "path": "films" }]));

    let changed = place.change(&json!({ "scale": 3, "threads": 1, "hosts": ["films.example.org"],
        "schedule": { "windows": ["22:00-07:00"] }, "folders": [{ "was": 0, "path": "films", "model": "none", "grain": 0.5 }] }));
    assert_eq!(changed.status, 200, "{changed:?}");
    let changed = changed.json();
    let restart = |key: &str| {
        let all = changed["changes"].as_array().unwrap();
        all.iter().find(|change| change["key"] == key).map(|change| change["needs_restart"].clone())
    };
    assert_eq!(
        (restart("scale"), restart("hosts"), restart("crf")),
        (Some(json!(false)), Some(json!(true)), None),
        "{changed:#}"
    );
    assert_eq!(changed["settings"]["waits_for_restart"][0]["key"], "hosts");
    assert_ne!(changed["settings"]["version"], *version);
    let text = "# Mine.\nmodel = \"none\"\nscale = 3 # enough\nthreads = 1\nhosts = [\"films.example.org\"]\n\n# Films.\n[[folders]]\npath = \"films\"\nmodel = \"none\"\ngrain = 0.5\n\n[schedule]\nwindows = [\"22:00-07:00\"]\n";
    assert_eq!(place.text(), text);
    assert_eq!(fs::metadata(place.file()).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(scale_of_new_job(&place).contains('3') && place.leaves_nothing());
    assert_eq!(get_json(&place.address, "/api/v1/system")["model"], "none");
    assert_eq!(place.change(&json!({ "model": "realesr-animevideov3" })).status, 200);
    assert_eq!(get_json(&place.address, "/api/v1/system")["model"], "realesr-animevideov3");
    assert_eq!(place.change(&json!({ "model": "none" })).status, 200);
    // What the server says of its own: no second reload is due.
    assert_eq!((&place.settings()["not_taken_up"], &place.settings()["fault"]), (&json!([]), &Value::Null));
    assert_eq!(place.server.stop(), Some(0));
    place.server.restart();
    wait_for_server(&place.address);
    assert_eq!(place.settings()["waits_for_restart"], json!([]));
}

#[test]
fn what_cannot_be_is_refused_beside_its_key_and_changes_nothing() {
    let place = Place::new(FILE, &["--crf", "30", "--height", "1080"]);
    for (body, status, code, key, words) in [
        (json!({ "grain": 7 }), 422, "bad_settings", "grain", "grain = 7 cannot be"),
        (json!({ "modle": "none" }), 422, "bad_settings", "modle", "did you mean `model`?"),
        (
            json!({ "model": "/etc/passwd" }),
            422,
            "bad_settings",
            "model",
            "choose one of realesr-general-x4v3",
        ),
        (
            json!({ "schedule": { "windows": ["22-7"] } }),
            422,
            "bad_settings",
            "schedule.windows",
            "is no window",
        ),
        (
            json!({ "folders": [{ "was": 0, "path": "films", "preset": "none" }] }),
            422,
            "bad_settings",
            "folders.1.preset",
            "there is no preset",
        ),
        (
            json!({ "folders": [{ "was": 0, "path": "films" }, { "path": "films/../films" }] }),
            422,
            "bad_settings",
            "folders.2.path",
            "",
        ),
        (
            json!({ "presets": { "": { "scale": 2 } } }),
            422,
            "bad_settings",
            "",
            "cannot be the name of a preset",
        ),
        (json!({ "presets": { "a": { "encoder_options": { "foo": "bar" } } } }), 200, "", "", ""),
        (
            json!({ "encoder_options": { "foo": "bar" } }),
            422,
            "bad_settings",
            "encoder_options",
            "has no option",
        ),
        (json!({ "listen": ["0.0.0.0:8100"] }), 409, "fixed", "listen", "command line"),
        (json!({ "crf": 20 }), 409, "fixed", "crf", "command line"),
        (json!({ "fit": "1920x1080" }), 409, "fixed", "fit", "command line"),
        (json!({ "unconfined": true }), 409, "fixed", "unconfined", "a person at the machine"),
    ] {
        let before = place.text();
        let answer = place.change(&body);
        assert_eq!(answer.status, status, "{body}: {}", String::from_utf8_lossy(&answer.body));
        if status == 200 {
            fs::write(place.file(), before).unwrap();
            run_well(&place.root, &["reload"]);
            continue;
        }
        assert_eq!(answer.code(), code, "{body}");
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            problem["key"].as_str().unwrap_or_default() == key
                && detail.contains(words)
                && !detail.contains(".part"),
            "{body}: {problem:#}"
        );
        assert!(place.text() == before && place.leaves_nothing(), "{body}");
    }
}

#[test]
fn a_key_that_stands_twice_and_a_change_of_no_version_are_refused() {
    let place = Place::new(FILE, &[]);
    let version = place.settings()["version"].as_str().unwrap().to_owned();
    let headers = ["Content-Type: application/json", &format!("If-Match: \"{version}\"")];
    let twice = r#"{"grain":0.1,"presets":{"b":{"scale":2,"scale":3}}}"#;
    let refused = request(&place.address, "PATCH", "/api/v1/settings", &headers, twice);
    assert_eq!((refused.status, refused.code()), (400, "bad_request".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("`scale` stands twice"), "{refused:?}");
    assert_eq!(
        send(&place.address, "PATCH", "/api/v1/settings", &json!({ "grain": 0.5 })).code(),
        "version_needed"
    );
}

#[test]
fn other_machines_are_not_let_in_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let address = http::free_address();
    fs::write(root.join("upscaled.toml"), format!("listen = [\"{address}\"]\nmodel = \"none\"\n")).unwrap();
    // Without an option about addresses.
    let server = Server::start_wrapped(root, &[], |serve| {
        let mut command = Command::new(serve.get_program());
        command.args(serve.get_args()).current_dir(root);
        command
    });
    wait_for_server(&address);
    let place = Place { address, root: root.to_owned(), server, _folder: tempfile::tempdir().unwrap() };
    let refused = place.change(&json!({ "listen": ["0.0.0.0:8100"] }));
    assert_eq!((refused.code(), refused.json()["key"].clone()), ("bad_settings".to_owned(), json!("listen")));
    assert!(place.change(&json!({ "listen": [place.address, "127.0.0.1:1"] })).status == 200);
}

#[test]
fn a_file_that_was_changed_by_hand_meanwhile_is_left_alone() {
    let place = Place::new(FILE, &[]);
    let version = place.settings()["version"].as_str().unwrap().to_owned();
    let by_hand = FILE.replace("scale = 2", "scale = 4");
    fs::write(place.file(), &by_hand).unwrap();
    let refused = place.change_of(&version, &json!({ "grain": 0.1 }));
    assert_eq!((refused.status, refused.code()), (412, "other_version".to_owned()));
    assert_eq!(place.text(), by_hand);
    assert_eq!(
        place.settings()["not_taken_up"][0],
        json!({ "key": "scale", "before": "2", "after": "4", "needs_restart": false })
    );
    // Of two at once, one comes too late.
    fs::write(place.file(), FILE).unwrap();
    let version = place.settings()["version"].as_str().unwrap().to_owned();
    let change = |grain: f64| place.change_of(&version, &json!({ "grain": grain })).status;
    let statuses = std::thread::scope(|scope| {
        let both = [0.1, 0.2].map(|grain| scope.spawn(move || change(grain)));
        both.map(|one| one.join().unwrap())
    });
    assert!(statuses == [200, 412] || statuses == [412, 200], "{statuses:?}");
}

#[test]
fn nothing_is_written_into_a_file_that_the_server_did_not_take_up() {
    let place = Place::new(FILE, &[]);
    let refused = |words: &str| {
        let before = fs::read(place.file()).ok();
        let refused = place.change(&json!({ "grain": 0.1 }));
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!((refused.status, refused.code()), (409, "not_taken_up".to_owned()), "{detail}");
        assert!(detail.contains(words) && detail.contains("upscaled reload"), "{detail}");
        assert!(fs::read(place.file()).ok() == before && place.leaves_nothing());
    };
    fs::write(place.file(), FILE.replace("scale = 2", "scale = 4")).unwrap();
    refused("scale: 2 -> 4");
    // A mistake is shown, and what holds as well.
    fs::write(place.file(), "scale = 9\n").unwrap();
    let settings = place.settings();
    assert!(settings["fault"].as_str().unwrap().contains("line 1"), "{settings:#}");
    assert_eq!(place.setting("scale")["value"], "2");
    refused("line 1");
    fs::write(place.file(), "scale = \n").unwrap();
    refused("line 1");
    // What held is not lost with the file.
    fs::remove_file(place.file()).unwrap();
    refused("is gone");
    assert!(!place.file().exists());
    // Comments are no settings.
    fs::write(place.file(), format!("{FILE}# By hand.\n")).unwrap();
    assert_eq!(place.change(&json!({ "grain": 0.1 })).status, 200);
    assert!(place.text().ends_with("# By hand.\n") && place.text().contains("grain = 0.1"));
    fs::remove_file(place.file()).unwrap();
    run_well(&place.root, &["reload"]);
    assert_eq!(place.change(&json!({ "grain": 0.2 })).status, 200);
    assert_eq!(place.text(), "grain = 0.2\n");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = Place::new(FILE, &[]);
    let version = place.settings()["version"].as_str().unwrap().to_owned();
    fs::remove_file(place.file()).unwrap();
    fs::create_dir(place.file()).unwrap();
    let refused = place.change_of(&version, &json!({ "grain": 0.1 }));
    assert_eq!((refused.status, refused.code()), (409, "not_taken_up".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("cannot be read"), "{refused:?}");
}

#[test]
fn a_file_that_may_not_be_written_stays() {
    let place = Place::new(FILE, &[]);
    fs::set_permissions(place.file(), Permissions::from_mode(0o444)).unwrap();
    let refused = place.change(&json!({ "grain": 0.1 }));
    assert_eq!((refused.status, refused.code()), (409, "not_writable".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("upscaled.toml"), "{refused:?}");
    assert!(place.text() == FILE && place.leaves_nothing() && is_usual(&place.root));
}

/// The settings are those of the file.
fn is_usual(root: &Path) -> bool {
    run_well(root, &["config"]).lines().any(|line| line.starts_with("grain") && line.ends_with("default"))
}

#[test]
fn the_log_says_what_was_changed() {
    let place = Place::new(FILE, &[]);
    let lines = |query: &str| get_json(&place.address, &format!("/api/v1/log{query}"));
    let before = lines("");
    assert!(before["lines"][0]["text"].as_str().unwrap().contains("serves"), "{before:#}");
    assert_eq!(place.change(&json!({ "grain": 0.25 })).status, 200);
    let after = lines(&format!("?after={}", before["next"]));
    let texts: Vec<&str> =
        after["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("grain: 0 -> 0.25")), "{texts:?}");
    assert_eq!(lines(&format!("?after={}&level=error", after["next"]))["lines"], json!([]));
}

#[test]
fn what_the_machine_has_is_said_as_the_doctor_says_it() {
    let place = Place::new(FILE, &[]);
    let told = get_json(&place.address, "/api/v1/machine");
    let doctor = run_well(&place.root, &["doctor", "--json"]);
    let doctor: Vec<Value> = doctor.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for subject in ["engine", "FFmpeg", "sandbox"] {
        // The time that the sandbox took is another each time.
        let of = |all: &[Value]| {
            let finding = all.iter().find(|finding| finding["subject"] == subject).unwrap();
            finding["detail"].as_str().unwrap().split(" (set up").next().unwrap().to_owned()
        };
        assert_eq!(of(told["findings"].as_array().unwrap()), of(&doctor), "{subject}");
    }
}

#[test]
fn a_model_is_added_once_a_worker_has_read_it() {
    let place = Place::new(FILE, &[]);
    let models = place.root.join("models");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../network/tests/data/compact-protocol2.pth");
    let weights = fs::read(data).unwrap();
    let add = |name: &str, bytes: &[u8]| {
        let head = format!(
            "POST /api/v1/models/{name} HTTP/1.0\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            place.address,
            bytes.len()
        );
        http::exchange(&place.address, &[head.as_bytes(), bytes].concat())
    };
    let named = |name: &str| {
        let all = get_json(&place.address, "/api/v1/models");
        all["models"].as_array().unwrap().iter().find(|model| model["name"] == name).cloned()
    };
    for (name, bytes, status, code) in [
        ("mine.pth", &b"no model"[..], 422, "bad_model"),
        ("mine.pth", &weights[..weights.len() / 2], 422, "bad_model"),
        ("mine.txt", &weights, 422, "bad_name"),
        ("..%2Fmine.pth", &weights, 422, "bad_name"),
        (".mine.pth", &weights, 422, "bad_name"),
        ("none.pth", &weights, 409, "name_taken"),
        ("RealESR-general-x4v3.pth", &weights, 409, "name_taken"),
    ] {
        let answer = add(name, bytes);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{name}: {answer:?}");
        assert_eq!(fs::read_dir(&models).unwrap().count(), 0, "{name}");
    }
    let added = add("mine.pth", &weights);
    assert_eq!(added.status, 201, "{added:?}");
    let added = added.json();
    assert!(added["sha256"].as_str().unwrap().len() == 64 && added["licence"].is_null(), "{added}");
    assert_eq!(
        (&added["name"], &added["bytes"], &added["built_in"]),
        (&json!("mine"), &json!(weights.len()), &json!(false))
    );
    assert_eq!(named("mine"), Some(added));
    assert!(fs::read(models.join("mine.pth")).unwrap() == weights);
    assert_eq!(add("mine.safetensors", &weights).code(), "name_taken");
    assert_eq!(place.change(&json!({ "model": "mine" })).status, 200);
    // Of a body that breaks off, nothing stays.
    let head = format!(
        "POST /api/v1/models/b.pth HTTP/1.0\r\nHost: {}\r\nContent-Length: 9999999\r\n\r\n",
        place.address
    );
    drop(http::begin(&place.address, &[head.as_bytes(), &weights[..100]].concat()));
    common::wait_for("the rest to go", std::time::Duration::from_secs(30), || {
        fs::read_dir(&models).unwrap().count() == 1
    });
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault_that_is_shown() {
    let place = Place::new(FILE, &[]);
    fs::write(place.file(), b"crf = 20\n\xff\xfe\n").unwrap();
    let settings = place.settings();
    assert!(settings["fault"].as_str().unwrap().contains("upscaled.toml"), "{settings:#}");
    let answer = place.change(&json!({ "grain": 0.5 }));
    assert_eq!((answer.status, answer.code()), (409, "not_taken_up".to_owned()), "{answer:?}");
    assert_eq!(fs::read(place.file()).unwrap(), b"crf = 20\n\xff\xfe\n");
}
