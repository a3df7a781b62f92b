//! `upscaled bench`: what it measures is plausible, what it cannot measure it says.

mod common;
#[path = "common/server.rs"]
mod server;

use std::io::Read as _;
use std::process::Stdio;

use common::{run, run_well, upscaled, wait_for};
use serde_json::Value;

const QUICK: [&str; 5] = ["bench", "--seconds", "0.05", "--model", "realesr-animevideov3"];

#[test]
fn json_has_a_line_with_all_figures_for_each_case() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&QUICK[..], &["--size", "32x24", "48x16", "--threads", "2", "--json"]].concat();
    let output = run(folder.path(), &arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("2 of 2: realesr-animevideov3 at 48x16"), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let cases: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), 2, "{lines}");
    for (case, (width, height)) in cases.iter().zip([(32, 24), (48, 16)]) {
        assert_eq!((case["width"].as_u64(), case["height"].as_u64()), (Some(width), Some(height)), "{case}");
        assert_eq!((&case["model"], &case["engine"]), (&"realesr-animevideov3".into(), &"cpu".into()));
        assert_eq!(case["threads"], 2);
        let description = case["description"].as_str().unwrap();
        assert!(description.starts_with("cpu (") && description.contains("2 threads"), "{description}");
        let number = |key: &str| case[key].as_f64().filter(|number| number.is_finite()).unwrap();
        let (frames, seconds) = (number("frames"), number("seconds"));
        assert!(frames >= 2.0 && seconds >= 0.05, "{case}");
        let close = |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 1e-6, "{found}: {case}");
        close(number("ms_per_frame"), seconds / frames * 1e3);
        close(number("fps"), frames / seconds);
        close(number("film_seconds"), 129_600.0 * seconds / frames);
        // Convolutions of 3×3 from 3 channels to 64, sixteen of 64, and to 48: each weight is used once a pixel.
        let weights = f64::from(9 * (3 * 64 + 16 * 64 * 64 + 64 * 48));
        let pixels = (width * height) as f64;
        close(number("gflops"), 2.0 * weights * pixels * frames / seconds / 1e9);
        // The worker with its libraries; far below a machine's memory.
        assert!((4e6..1e9).contains(&number("peak_rss_bytes")), "{case}");
    }
}

#[test]
fn the_table_says_which_engine_runs_and_what_a_film_takes() {
    let folder = tempfile::tempdir().unwrap();
    let table = run_well(folder.path(), &[&QUICK[..], &["--size", "16x16"]].concat());
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("engine: cpu ("), "{table}");
    let row = lines.find(|line| line.starts_with("realesr-animevideov3")).unwrap();
    assert!(row.contains(" 16x16 ") && row.contains(" MB "), "{table}");
    assert!(table.contains("90 minutes at 24 frames a second"), "{table}");
}

#[test]
fn wrong_values_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    for (option, value, words) in [
        ("--size", "0x0", "1 to 16384 pixels"),
        ("--size", "16385x2", "1 to 16384 pixels"),
        ("--size", "640", "WIDTHxHEIGHT"),
        ("--size", "640x", "WIDTHxHEIGHT"),
        ("--engine", "steam", "possible values: cpu"),
        ("--seconds", "-1", "0 to 86400"),
        ("--threads", "0", "1 to 1024"),
    ] {
        let output = run(folder.path(), &["bench", &format!("{option}={value}")]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option} {value}: {errors}");
        assert!(errors.contains(words), "{option} {value}: {errors}");
    }
}

#[test]
fn what_cannot_be_measured_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    std::fs::write(folder.path().join("models/broken.safetensors"), b"no weights").unwrap();
    for (model, code, words) in [
        ("other", 2, "choose one of realesr-general-x4v3, realesr-animevideov3, broken, none"),
        ("none", 2, "no network to measure"),
        ("broken", 1, "broken at 16x16: the model"),
    ] {
        let output = run(folder.path(), &["bench", "--size", "16x16", "--model", model]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{model}: {errors}");
        assert!(errors.contains(words) && output.stdout.is_empty(), "{model}: {errors}");
    }
}

#[test]
fn ctrl_c_ends_it_and_its_worker() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = upscaled(folder.path());
    command.args(["bench", "--seconds", "3600", "--size", "64x64"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the worker", server::PATIENCE, || !server::children(child.id()).is_empty());
    let worker = server::children(child.id())[0];
    server::signal("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(errors.contains("1 of 2: realesr-general-x4v3"), "{errors}");
    wait_for("the worker to go", server::PATIENCE, || {
        let stat = std::fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
        // The process that adopts it may let it lie as a zombie.
        stat.is_empty() || stat.contains(") Z ")
    });
}
