//! The report beside each result, and results that are known again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{ffprobe, make_clip, run, run_well};
use serde_json::Value;

#[test]
fn a_job_leaves_a_report_and_its_result_is_not_enlarged_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("clip.mp4"), "64x36", 12, true);
    for name in ["r.mp4", "r.mkv"] {
        run_well(
            folder.path(),
            &["up", "clip.mp4", "--model", "none", "--scale", "2", "--crf", "20", "-o", name],
        );
        let report: Value =
            serde_json::from_slice(&std::fs::read(at(&format!("{name}.json"))).unwrap()).unwrap();
        assert_eq!(report["program"], "upscaled");
        assert_eq!(report["frames"], 12);
        let times = ["added", "started", "ended"].map(|time| report[time].as_str().unwrap());
        assert!(
            times.is_sorted() && times.iter().all(|time| time.starts_with("20") && time.ends_with('Z')),
            "{times:?}"
        );
        assert_eq!(
            (&report["source"]["size"], &report["result"]["size"]),
            (&"64x36".into(), &"128x72".into())
        );
        for side in ["source", "result"] {
            let kinds: Vec<_> =
                report[side]["streams"].as_array().unwrap().iter().map(|s| &s["kind"]).collect();
            assert_eq!(kinds, ["video", "audio"], "{name} {side}");
        }
        assert_eq!(report["result"]["bytes"], at(name).metadata().unwrap().len());
        assert_eq!(report["encoder"]["encoder"], "libx264");
        assert_eq!(
            (&report["encoder"]["quality"], &report["encoder"]["preset"]),
            (&20.into(), &"veryfast".into())
        );
        assert_eq!(report["checks"]["frames_decoded"], 12);
        assert!(report["checks"]["largest_time_error_milliseconds"].as_f64().unwrap() <= 0.5);
        assert_eq!(report["checks"]["packets"][0], 12);

        let said = ffprobe(&at(name), &["-show_entries", "format_tags"]).concat();
        assert!(said.contains("upscaled 0.1.0 (none, 64x36 to 128x72, libx264)"), "{name}: {said}");
        let again = format!("again_{name}");
        let refused = run(folder.path(), &["up", name, "--model", "none", "--scale", "2", "-o", &again]);
        let errors = String::from_utf8_lossy(&refused.stderr);
        assert!(errors.contains("it is a result already") && errors.contains("--again"), "{name}: {errors}");
        assert_eq!(refused.status.code(), Some(1));
        run_well(folder.path(), &["up", name, "--model", "none", "--scale", "2", "-o", &again, "--again"]);
        assert_eq!(common::size(&at(&again)), "256,144", "{name}");
    }
}

#[test]
fn a_result_has_the_time_of_its_source_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("clip.mp4"), "32x32", 3, false);
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::options().append(true).open(at("clip.mp4")).unwrap().set_modified(time).unwrap();
    let modified = |name: &str| at(name).metadata().unwrap().modified().unwrap();
    run_well(folder.path(), &["up", "clip.mp4", "--model", "none", "-o", "now.mp4"]);
    run_well(folder.path(), &["up", "clip.mp4", "--model", "none", "-o", "kept.mp4", "--keep-time"]);
    assert_eq!((modified("kept.mp4"), modified("now.mp4") > time), (time, true));
}
