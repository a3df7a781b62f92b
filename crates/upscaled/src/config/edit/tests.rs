use serde_json::json;

use super::*;

const FILE: &str = "# My server.

# The one that I like.
model = \"none\" # for now
scale = 2
crf  =  20

# At night.
[schedule]
windows = [
  \"22:00-07:00\", # long
]

[presets.films]
# Slow and good.
preset = \"slow\"

# Not about the folder below.

# Films.
[[folders]]
path = \"/films\" # the disk
preset = \"films\"

[[folders]]
path = \"/series\"
# The end.
";

fn change(text: &str, changes: &Value) -> String {
    edited(text, changes.as_object().unwrap()).unwrap()
}

#[test]
fn only_what_changes_is_touched() {
    assert_eq!(change(FILE, &json!({})), FILE);
    let same = json!({ "model": "none", "schedule": { "windows": ["22:00-07:00"] }, "presets": { "films": { "preset": "slow" } },
        "folders": [{ "was": 0, "path": "/films", "preset": "films" }, { "was": 1, "path": "/series" }] });
    assert_eq!(change(FILE, &same), FILE);
    let changed = change(FILE, &json!({ "model": "b", "crf": 18, "schedule": { "pause_above_load": 1.5 } }));
    let wanted = FILE.replace("model = \"none\"", "model = \"b\"").replace("crf  =  20", "crf  =  18");
    let wanted = wanted.replace("# long\n]\n", "# long\n]\npause_above_load = 1.5\n");
    assert_eq!(changed, wanted);
}

#[test]
fn comments_of_what_is_removed_stay() {
    let changed = change(FILE, &json!({ "model": null, "scale": null, "height": 1080 }));
    assert!(
        changed.starts_with(
            "# My server.\n\n# The one that I like.\n# for now\ncrf  =  20\nheight = 1080\n\n# At night."
        ),
        "{changed}"
    );
    assert_eq!(change("# a\ncrf = 1\n# b\nscale = 2\n", &json!({ "scale": null })), "# a\ncrf = 1\n# b\n");
    assert_eq!(change("# a\ncrf = 1\n", &json!({ "crf": null })), "# a\n");
    assert_eq!(change("crf = 1 # low\n", &json!({ "crf": null })), "# low\n");
    assert_eq!(change("crf = 1 # low\nscale = 2 # x\n", &json!({ "scale": null })), "crf = 1 # low\n# x\n");
    let night = "[schedule]\n# At night.\nwindows = [\"22:00-07:00\"]\n";
    assert_eq!(change(night, &json!({ "schedule": { "windows": null } })), "[schedule]\n# At night.\n");
    assert_eq!(change("# a\ncrf = 1\n[schedule]\n", &json!({ "crf": null })), "# a\n[schedule]\n");
    let changed = change(FILE, &json!({ "folders": [{ "was": 1, "path": "/series" }] }));
    assert!(changed.contains("# Not about the folder below.\n") && !changed.contains("/films"), "{changed}");
    let changed = change(FILE, &json!({ "folders": [] }));
    assert!(changed.ends_with("# Not about the folder below.\n# The end.\n"), "{changed}");
}

#[test]
fn folders_and_presets_come_change_and_go() {
    let changed = change(
        FILE,
        &json!({ "folders": [{ "was": 0, "path": "/films", "crf": 10 }, { "was": 1, "path": "/series" }, { "path": "/new", "exclude": ["a*"] }],
            "presets": { "films": { "preset": null, "scale": 3 }, "more": { "model": "none" } } }),
    );
    assert!(changed.contains("# Films.\n[[folders]]\npath = \"/films\" # the disk\ncrf = 10\n"), "{changed}");
    assert!(changed.contains("[[folders]]\npath = \"/new\"\nexclude = [\"a*\"]\n"), "{changed}");
    assert!(
        changed.contains("[presets.more]\nmodel = \"none\"\n")
            && changed.contains("# Slow and good.\nscale = 3\n"),
        "{changed}"
    );
    let gone = change(FILE, &json!({ "presets": { "films": null }, "schedule": null, "folders": null }));
    assert_eq!(as_json(&gone).unwrap().len(), 3, "{gone}");
    let new = change(
        "",
        &json!({ "presets": { "a": { "scale": 2 } }, "folders": [{ "path": "a" }], "schedule": { "windows": ["sat-sun 00:00-24:00"] } }),
    );
    assert_eq!(new.matches("\n[").count() + usize::from(new.starts_with('[')), 3, "{new}");
    // Written in one line each.
    let inline = "folders = [{ path = \"a\" }, { path = \"b\" }]\npresets = { a = { crf = 1 } }\n";
    let changed =
        change(inline, &json!({ "folders": [{ "was": 1, "path": "c" }], "presets": { "b": { "crf": 2 } } }));
    assert_eq!(as_json(&changed).unwrap()["folders"], json!([{ "path": "c" }]));
    assert_eq!(as_json(&changed).unwrap()["presets"], json!({ "a": { "crf": 1 }, "b": { "crf": 2 } }));
}

#[test]
fn what_has_no_place_is_refused_with_its_key() {
    for (changes, key) in [
        (json!({ "modle": "none" }), "modle"),
        (json!({ "modle": null }), "modle"),
        (json!({ "crf": [null] }), "crf"),
        (json!({ "crf": u64::MAX }), "crf"),
        (json!({ "schedule": 3 }), "schedule"),
        (json!({ "schedule": { "window": null } }), "schedule.window"),
        (json!({ "presets": { "a": { "threads": 2 } } }), "presets.a.threads"),
        (json!({ "presets": [] }), "presets"),
        (json!({ "folders": [{ "was": 2, "path": "a" }] }), "folders"),
        (json!({ "folders": [{ "was": 1, "path": "/series" }, { "was": 0, "path": "/films" }] }), "folders"),
        (json!({ "folders": [{ "path": "a", "listen": [] }] }), "folders.1.listen"),
    ] {
        let mistake = edited(FILE, changes.as_object().unwrap()).unwrap_err();
        assert_eq!(mistake.key.as_deref(), Some(key), "{changes}: {mistake:?}");
    }
    assert!(edited("crf = ", &Map::new()).unwrap_err().words.contains("line 1: crf has no value"));
}

#[test]
fn a_line_has_a_key() {
    for (line, key) in [
        (4, Some("model")),
        (6, Some("crf")),
        (7, None),
        (11, Some("schedule.windows")),
        (16, Some("presets.films.preset")),
        (22, Some("folders.1.path")),
        (26, Some("folders.2.path")),
    ] {
        assert_eq!(key_at(FILE, line).as_deref(), key, "{line}");
    }
}

const HOOKS: &str = "# To my phone.
[[webhooks]]
url = \"https://ntfy.sh/topic\" # mine
format = \"ntfy\"
secret = \"hidden\"

[[webhooks]]
url = \"https://b.org/\"
secret_file = \"key\"
";

#[test]
fn secrets_of_webhooks_stay_until_others_are_given() {
    let hooks = |list: Value| edited(HOOKS, json!({ "webhooks": list }).as_object().unwrap());
    let both = json!([{ "was": 0, "format": "ntfy" }, { "was": 1, "url": "", "secret": "" }]);
    assert_eq!(hooks(both).unwrap(), HOOKS);
    let changed =
        hooks(json!([{ "was": 0, "secret": "new" }, { "was": 1, "secret": null, "events": ["done"] }]));
    let wanted = "# To my phone.\n[[webhooks]]\nurl = \"https://ntfy.sh/topic\" # mine\nsecret = \"new\"\n\n[[webhooks]]\nurl = \"https://b.org/\"\nevents = [\"done\"]\n";
    assert_eq!(changed.unwrap(), wanted);
    let changed =
        hooks(json!([{ "was": 1, "url": "https://c.org/", "secret": "new" }, { "url": "https://d.org/" }]));
    let wanted = "\n[[webhooks]]\nurl = \"https://c.org/\"\nsecret = \"new\"\n\n[[webhooks]]\nurl = \"https://d.org/\"\n";
    assert_eq!(changed.unwrap(), wanted);
    for (list, key) in [
        (json!([{ "was": 0, "url": "https://evil.org/" }]), "webhooks.1.secret"),
        (json!([{ "was": 1, "url": "https://evil.org/" }]), "webhooks.1.secret"),
        (json!([{ "was": 0 }, { "format": "json" }]), "webhooks.2.url"),
        (json!([{ "was": 0, "secret_file": "/etc/hostname" }]), "webhooks.1.secret_file"),
        (json!([{ "was": 0, "secrets": "x" }]), "webhooks.1.secrets"),
        (json!([{ "was": 2 }]), "webhooks"),
    ] {
        assert_eq!(hooks(list.clone()).unwrap_err().key.as_deref(), Some(key), "{list}");
    }
    assert_eq!(change(HOOKS, &json!({ "webhooks": null })), "");
}
