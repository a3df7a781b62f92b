//! `upscaled up`: real files through the real program.

mod common;

use common::{clip, ffprobe, frame_checksums, make_clip, pts, run, run_well, size};

#[test]
fn a_clip_comes_back_larger_with_its_times_and_its_sound() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("clip.mp4");
    make_clip(&source, "64x36", 40, true);
    let printed = run_well(folder.path(), &["up", "clip.mp4", "--model", "none"]);
    let result = folder.path().join("clip_upscaled.mp4");
    assert_eq!(printed.trim(), result.canonicalize().unwrap().to_str().unwrap());
    assert_eq!(size(&result), "256,144");
    assert_eq!(pts(&result), pts(&source));
    let sound = ["-select_streams", "a", "-show_entries", "packet=pts,data_hash", "-show_data_hash", "md5"];
    assert_eq!(ffprobe(&result, &sound), ffprobe(&source, &sound));
    assert!(!folder.path().join("clip.mp4.job").exists(), "the job folder is left");
}

#[test]
fn the_network_makes_the_pictures_when_no_model_is_named() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "32x32", 3, false);
    run_well(folder.path(), &["up", "clip.mp4", "-o", "network.mkv"]);
    run_well(folder.path(), &["up", "clip.mp4", "-o", "resampled.mkv", "--model", "none"]);
    let frames = |name: &str| frame_checksums(&folder.path().join(name));
    assert_eq!(size(&folder.path().join("network.mkv")), "128,128");
    assert_eq!(frames("network.mkv").len(), 3);
    assert_ne!(frames("network.mkv"), frames("resampled.mkv"));
}

#[test]
fn the_result_goes_where_it_is_told_in_the_size_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("a.mp4"), "64x36", 5, false);
    make_clip(&folder.path().join("-b '\"\n.mkv"), "64x36", 5, false);
    run_well(
        folder.path(),
        &["up", "--model", "none", "--scale", "3", "-o", "out/", "a.mp4", "./-b '\"\n.mkv"],
    );
    assert_eq!(size(&folder.path().join("out/a_upscaled.mp4")), "192,108");
    assert_eq!(size(&folder.path().join("out/-b '\"\n_upscaled.mkv")), "192,108");
    run_well(folder.path(), &["up", "--model", "none", "--height", "90", "-o", "b.mkv", "a.mp4"]);
    assert_eq!(size(&folder.path().join("b.mkv")), "160,90");
}

#[test]
fn a_name_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let name = |bytes: &'static [u8]| folder.path().join(std::ffi::OsStr::from_bytes(bytes));
    make_clip(&folder.path().join("a.mp4"), "32x32", 5, false);
    std::fs::rename(folder.path().join("a.mp4"), name(b"bad\xff\xfe.mp4")).unwrap();
    let mut command = common::upscaled(folder.path());
    let output = command.args(["up", "--model", "none"]).arg(name(b"bad\xff\xfe.mp4")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(name(b"bad\xff\xfe_upscaled.mp4").is_file());
}

#[test]
fn a_result_that_is_there_is_replaced_only_on_request() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("a.mp4"), "32x32", 5, false);
    let result = folder.path().join("a_upscaled.mp4");
    std::fs::write(&result, b"mine").unwrap();
    let output = run(folder.path(), &["up", "--model", "none", "a.mp4"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--overwrite"));
    assert_eq!(std::fs::read(&result).unwrap(), b"mine");
    run_well(folder.path(), &["up", "--model", "none", "--overwrite", "a.mp4"]);
    assert_eq!(size(&result), "128,128");
}

#[test]
fn odd_sizes_come_out_right() {
    let folder = tempfile::tempdir().unwrap();
    for (name, from, to) in
        [("odd", "427x239", "1708,956"), ("tiny", "16x16", "64,64"), ("dot", "1x1", "4,4")]
    {
        let source = folder.path().join(format!("{name}.mkv"));
        let video = format!("testsrc2=size={from}:rate=25,format=yuv444p");
        common::ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            &video,
            "-frames:v",
            "3",
            "-c:v",
            "ffv1",
            source.to_str().unwrap(),
        ]);
        run_well(folder.path(), &["up", "--model", "none", source.to_str().unwrap()]);
        assert_eq!(size(&folder.path().join(format!("{name}_upscaled.mkv"))), to);
    }
}

#[test]
fn variable_frame_times_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("vfr.mkv");
    common::ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=64x36:rate=25",
        "-frames:v",
        "50",
        "-vf",
        "settb=1/1000,setpts='if(lt(N,20),N*40,800+(N-20)*17+if(gt(N,35),560,0))'",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1:1000",
        "-c:v",
        "libx264",
        source.to_str().unwrap(),
    ]);
    run_well(folder.path(), &["up", "--model", "none", "--segment-frames", "15", "vfr.mkv"]);
    assert_eq!(pts(&folder.path().join("vfr_upscaled.mkv")), pts(&source));
}

#[test]
fn bad_input_gives_one_sentence_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_clip(&at("good.mp4"), "64x36", 10, true);
    let good = std::fs::read(at("good.mp4")).unwrap();
    std::fs::create_dir(at("folder.mp4")).unwrap();
    std::fs::write(at("empty.mp4"), b"").unwrap();
    std::fs::write(at("text.mp4"), "this is no video\n".repeat(99)).unwrap();
    // FFmpeg writes the index at the end, so that half a file has none.
    std::fs::write(at("half.mp4"), &good[..good.len() / 2]).unwrap();
    common::ffmpeg(&["-f", "lavfi", "-i", "sine=duration=1", at("sound.mp4").to_str().unwrap()]);
    common::ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2",
        "-frames:v",
        "1",
        "-f",
        "mjpeg",
        at("still.mp4").to_str().unwrap(),
    ]);
    make_clip(&at("known.avi"), "64x36", 5, false);
    let mut unknown = std::fs::read(at("known.avi")).unwrap();
    for at in 0..unknown.len() - 4 {
        if &unknown[at..at + 4] == b"H264" {
            unknown[at..at + 4].copy_from_slice(b"QQQQ");
        }
    }
    std::fs::write(at("unknown.avi"), unknown).unwrap();
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    for (name, words) in [
        ("unknown.avi", "cannot decode"),
        ("missing.mp4", "cannot be found"),
        ("folder.mp4", "is a folder"),
        ("empty.mp4", "is empty"),
        ("text.mp4", "not a video"),
        ("half.mp4", "cut off"),
        ("sound.mp4", "no video stream"),
        ("still.mp4", "still picture"),
    ] {
        let output = run(folder.path(), &["up", "--model", "none", name]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {errors}");
        assert!(errors.contains("error: ") && errors.contains(words), "{name}: {errors}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before, "something was left or published");
}

#[test]
fn a_video_of_one_frame_is_a_video() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("one.mp4"), "64x36", 1, false);
    run_well(folder.path(), &["up", "--model", "none", "one.mp4"]);
    assert_eq!(pts(&folder.path().join("one_upscaled.mp4")), [0]);
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.mp4"), b"no").unwrap();
    make_clip(&folder.path().join("good.mp4"), "32x32", 5, false);
    let output = run(folder.path(), &["up", "--model", "none", "bad.mp4", "good.mp4"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(size(&folder.path().join("good_upscaled.mp4")), "128,128");
}

#[test]
fn less_denoising_without_the_twin_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("a.mp4"), "32x32", 2, false);
    let output = run(folder.path(), &["up", "--denoise", "0.5", "a.mp4"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains("realesr-general-wdn-x4v3.pth") && errors.contains("models"), "{errors}");
}

#[test]
fn json_lines_tell_the_whole_story() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("a.mp4"), "32x32", 5, false);
    let printed = run_well(folder.path(), &["up", "--json", "--model", "none", "a.mp4"]);
    let lines: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!((last["status"].as_str(), last["frames_done"].as_u64()), (Some("done"), Some(5)));
    assert!(last["result"].as_str().unwrap().ends_with("a_upscaled.mp4"));
}

#[test]
fn real_clips_keep_frames_times_shape_and_sound() {
    for (name, size_of_result) in [("carphone_pristine.mp4", "704,576"), ("cup.mp4", "2560,1920")] {
        let Some(source) = clip(name) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let result = folder.path().join("result.mp4");
        let result_name = result.to_str().unwrap();
        run_well(
            folder.path(),
            &["up", "--model", "none", "--preset", "ultrafast", "-o", result_name, source.to_str().unwrap()],
        );
        assert_eq!(size(&result), size_of_result);
        let stream = ["-select_streams", "v:0", "-show_entries", "stream=sample_aspect_ratio,time_base"];
        assert_eq!(ffprobe(&result, &stream), ffprobe(&source, &stream), "{name}");
        assert_eq!(pts(&result), pts(&source), "{name}");
        let sound =
            ["-select_streams", "a", "-show_entries", "packet=pts,data_hash", "-show_data_hash", "md5"];
        assert_eq!(ffprobe(&result, &sound), ffprobe(&source, &sound), "{name}");
    }
}

#[test]
fn of_several_files_it_is_said_which_one_it_is_and_what_became_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    make_clip(&path("a.mp4"), "32x32", 5, false);
    std::fs::write(path("b\u{202e}.mp4"), b"no video").unwrap();
    let files = ["a.mp4", "b\u{202e}.mp4", "missing.mp4"];
    let output = run(folder.path(), &[&["up", "--model", "none"], &files[..]].concat());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("1 of 3: a.mp4\n") && errors.contains("2 of 3: b\\u{202e}.mp4\n"), "{errors}");
    assert!(
        errors.contains("1 done, 2 failed in ") && errors.ends_with(": b\\u{202e}.mp4, missing.mp4\n"),
        "{errors}"
    );
    assert_eq!(errors.matches("it is not a video").count(), 1, "each error is said once: {errors}");
    assert!(!errors.contains(['\x1b', '\r', '\u{202e}']), "{errors:?}");

    let again = run(folder.path(), &[&["up", "--json", "--model", "none"], &files[..]].concat());
    let printed = String::from_utf8(again.stdout).unwrap();
    let lines: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for file in files {
        let mut of_file = lines.iter().filter(|line| line["source"].as_str().unwrap().ends_with(file));
        let last = of_file.next_back().unwrap();
        let wanted = if file == "a.mp4" { "done" } else { "failed" };
        assert!(last["status"] == wanted && last["reason"].is_string(), "{last}");
    }
    let mut unique: Vec<&str> = printed.lines().collect();
    unique.dedup();
    assert_eq!(unique.len(), printed.lines().count());
}

#[test]
fn a_line_of_progress_has_room_on_a_small_terminal() {
    let folder = tempfile::tempdir().unwrap();
    make_clip(&folder.path().join("clip.mp4"), "64x36", 200, false);
    let Some(shown) = common::on_terminal(folder.path(), 60, "up clip.mp4 --scale 2 --segment-frames 20")
    else {
        return;
    };
    let lines: Vec<&str> = shown.split(['\r', '\n']).collect();
    let is_progress =
        |line: &&&str| [" %, ", "reading", "joining", "publishing"].iter().any(|word| line.contains(word));
    let wide = |line: &&&str| common::without_escapes(line).chars().count() > 60;
    let too_wide: Vec<_> = lines.iter().filter(is_progress).filter(wide).collect();
    assert!(too_wide.is_empty(), "{too_wide:#?}");
    assert!(shown.contains(" fps, ") && shown.contains("/200 frames"), "{shown}");
}

#[test]
fn a_name_with_a_line_break_makes_no_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\nerror: forged.mp4";
    make_clip(&folder.path().join(name), "32x32", 3, false);
    std::fs::write(folder.path().join("a\nerror: forged_upscaled.mp4"), b"mine").unwrap();
    let output = run(folder.path(), &["up", name, "--model", "none"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!errors.lines().any(|line| line.starts_with("error: forged")), "{errors}");
    assert!(errors.contains("is there already"), "{errors}");
}
