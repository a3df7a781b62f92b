//! That what is bad is found to be bad, out of made-up words of `ffprobe`.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::media::Media;
use super::{Compared, Effort, Pair, compare};

/// A film with everything: 3 frames, sound, subtitles, a font, a cover, two chapters.
fn film() -> Value {
    let color = json!({
        "index": 0, "codec_type": "video", "codec_name": "h264", "width": 160, "height": 90, "pix_fmt": "yuv420p10le",
        "sample_aspect_ratio": "16:11", "time_base": "1/1000", "color_range": "tv", "color_space": "bt2020nc",
        "color_transfer": "smpte2084", "color_primaries": "bt2020", "chroma_location": "topleft",
        "tags": {"title": "Film", "ENCODER": "old"}, "disposition": {"default": 1},
        "side_data_list": [
            {"side_data_type": "Display Matrix", "rotation": 90},
            {"side_data_type": "Content light level metadata", "max_content": 1000, "max_average": 400},
        ],
    });
    json!({
        "streams": [
            color,
            {"index": 1, "codec_type": "audio", "codec_name": "aac", "time_base": "1/1000",
             "tags": {"language": "eng", "title": "Main"}, "disposition": {"default": 1, "forced": 0}},
            {"index": 2, "codec_type": "subtitle", "codec_name": "subrip", "time_base": "1/1000",
             "tags": {"language": "spa"}, "disposition": {"default": 0, "forced": 1}},
            {"index": 3, "codec_type": "attachment", "codec_name": "ttf", "extradata_hash": "MD5:f",
             "tags": {"filename": "a.ttf", "mimetype": "font/ttf"}},
            {"index": 4, "codec_type": "video", "codec_name": "mjpeg", "disposition": {"attached_pic": 1}},
        ],
        "format": {"format_name": "matroska", "tags": {"title": "Two Rabbits", "encoder": "Lavf"}},
        "chapters": [
            {"start_time": "0.000000", "end_time": "0.080000", "tags": {"title": "Opening"}},
            {"start_time": "0.080000", "end_time": "0.120000", "tags": {"title": "Ende"}},
        ],
        "frames": [
            {"best_effort_timestamp": 0, "side_data_list": [{"side_data_type": "ATSC A53 Part 4 Closed Captions"}]},
            {"best_effort_timestamp": 40}, {"best_effort_timestamp": 80},
        ],
        "packets": [
            {"stream_index": 0, "pts": 0, "duration": 40, "data_hash": "v0"},
            {"stream_index": 0, "pts": 80, "duration": 40, "data_hash": "v2"},
            {"stream_index": 1, "pts": 0, "data_hash": "a0"}, {"stream_index": 1, "pts": 21, "data_hash": "a1"},
            {"stream_index": 2, "pts": 10, "data_hash": "s0"}, {"stream_index": 4, "data_hash": "c0"},
        ],
    })
}

/// Compares the film with one that was changed on the way.
fn changed(notes: &[&str], change: impl FnOnce(&mut Value)) -> Compared {
    let mut result = film();
    result["streams"][0]["width"] = json!(320);
    result["streams"][0]["height"] = json!(180);
    result["streams"][0]["tags"]["ENCODER"] = json!("new");
    change(&mut result);
    between(film(), result, notes)
}

fn between(source: Value, result: Value, notes: &[&str]) -> Compared {
    let media = |value: Value| -> Media { serde_json::from_value(value).unwrap() };
    let (source, result) = (media(source), media(result));
    let notes: Vec<String> = notes.iter().map(|note| (*note).to_owned()).collect();
    let pair = Pair { source: &source, result: &result, paths: None, notes: &notes };
    compare(&pair, Effort { frames: usize::MAX, limit: Duration::ZERO })
}

/// The one fault that a change must be found to be.
fn check(change: impl FnOnce(&mut Value), wanted: &str) {
    let found = changed(&[], change).faults;
    assert!(found.len() == 1 && found[0].contains(wanted), "wanted `{wanted}`, found {found:?}");
}

fn remove(value: &mut Value, list: &str, place: usize) {
    value[list].as_array_mut().unwrap().remove(place);
}

#[test]
fn an_equal_film_is_good() {
    let compared = changed(&[], |_| {});
    assert_eq!(compared.faults, [""; 0]);
    assert_eq!((compared.frames, compared.streams, compared.chapters), ((3, 3), (4, 4), (2, 2)));
    assert_eq!((compared.tags, compared.colors), ((7, 7), (6, 6)));
    assert_eq!((compared.bits, compared.rotation, &*compared.pixel), ((10, 10), 90, "16:11"));
}

#[test]
fn wrong_frames_and_times_are_found() {
    check(|film| remove(film, "frames", 2), "2 frames instead of 3");
    check(|film| film["frames"][1]["best_effort_timestamp"] = json!(41), "frame 1 is shown 1.0 ms off");
    check(|film| film["packets"][1]["duration"] = json!(20), "shown -20.0 ms longer");
    check(|film| film["packets"][3]["pts"] = json!(24), "stream 1 is 3.0 ms off");
    let all_late = |film: &mut Value| {
        for frame in film["frames"].as_array_mut().unwrap() {
            frame["best_effort_timestamp"] = json!(frame["best_effort_timestamp"].as_i64().unwrap() + 500);
        }
    };
    let faults = changed(&[], all_late).faults;
    assert!(faults.iter().any(|fault| fault.contains("500.0 ms off beside the video")), "{faults:?}");
}

#[test]
fn lost_and_changed_streams_are_found() {
    check(
        |film| film["packets"][2]["data_hash"] = json!("other"),
        "stream 1 (aac audio) has another content",
    );
    check(
        |film| film["streams"][3]["extradata_hash"] = json!("MD5:other"),
        "(ttf attachment) has another content",
    );
    check(
        |film| film["packets"][5]["data_hash"] = json!("other"),
        "stream 4 (mjpeg video) has another content",
    );
    check(|film| remove(film, "streams", 2), "stream 2 (subrip subtitle) is lost, and nothing was said");
    let said = changed(&["stream 2 (subrip) was left out"], |film| remove(film, "streams", 2));
    assert!(said.faults[0].contains("is lost: stream 2"), "{said:?}");
    check(
        |film| {
            let more = json!({"index": 5, "codec_type": "audio"});
            film["streams"].as_array_mut().unwrap().push(more);
        },
        "a stream 5 (audio) too many",
    );
}

#[test]
fn lost_words_are_found() {
    check(|film| film["streams"][1]["tags"]["language"] = json!("fra"), "language is `fra` instead of `eng`");
    check(|film| film["streams"][0]["tags"] = json!({}), "title `Film` is lost");
    check(|film| film["format"]["tags"] = json!({}), "the file: title `Two Rabbits` is lost");
    check(|film| film["streams"][2]["disposition"]["forced"] = json!(0), "no longer marked as forced");
    check(|film| film["streams"][1]["disposition"]["forced"] = json!(1), "now marked as forced");
    check(|film| remove(film, "chapters", 1), "1 of 2 chapters");
    check(|film| film["chapters"][0]["tags"]["title"] = json!("x"), "chapter 0 has another title");
    check(|film| film["chapters"][1]["end_time"] = json!("0.2"), "chapter 1 has other times");
}

#[test]
fn lost_colors_depth_and_shape_are_found() {
    check(
        |film| film["streams"][0]["color_transfer"] = json!("bt709"),
        "transfer is bt709 instead of smpte2084",
    );
    check(|film| film["streams"][0]["color_range"] = json!("pc"), "range is pc");
    check(|film| film["streams"][0]["chroma_location"] = json!("left"), "chroma location is left");
    check(
        |film| remove(&mut film["streams"][0], "side_data_list", 1),
        "Content light level metadata is lost",
    );
    check(|film| film["streams"][0]["side_data_list"][1]["max_content"] = json!(999), "has other values");
    check(|film| film["streams"][0]["pix_fmt"] = json!("yuv420p"), "10 bits became 8");
    check(|film| film["streams"][0]["sample_aspect_ratio"] = json!("1:1"), "pixels wide");
    check(
        |film| film["streams"][0]["side_data_list"][0]["rotation"] = json!(-90),
        "rotation is -90 instead of 90",
    );
    check(|film| film["frames"][0]["side_data_list"] = json!([]), "0 of 1 frames have closed captions");
}

#[test]
fn what_was_said_is_allowed() {
    let doubled = json!([0, 20, 40, 60, 80, 100].map(|time| json!({"best_effort_timestamp": time})));
    let captions = film()["frames"][0]["side_data_list"].clone();
    let double = |film: &mut Value| {
        film["frames"] = doubled;
        film["frames"][0]["side_data_list"] = captions;
    };
    let said =
        changed(&["the video is interlaced: it was deinterlaced to 50 frames a second"], double.clone());
    assert_eq!((said.faults.len(), &*said.changes[0]), (0, "3 frames became 6"));
    assert!(!changed(&[], double).faults.is_empty());

    let fill = |film: &mut Value| {
        film["frames"].as_array_mut().unwrap().insert(1, json!({"best_effort_timestamp": 20}));
    };
    assert_eq!(changed(&["frames 1-1 are missing in the damaged file"], fill).faults, [""; 0]);
    assert!(!changed(&[], fill).faults.is_empty());
}

#[test]
fn rgb_may_become_ycbcr_and_open_tags_may_be_filled() {
    let mut source = film();
    let video = &mut source["streams"][0];
    for (name, value) in [("pix_fmt", "gbrp10le"), ("color_space", "gbr"), ("color_range", "pc")] {
        video[name] = json!(value);
    }
    video["color_primaries"] = json!("unknown");
    let mut result = film();
    result["streams"][0]["pix_fmt"] = json!("yuv444p10le");
    assert_eq!(between(source.clone(), result.clone(), &[]).faults, [""; 0]);
    result["streams"][0]["pix_fmt"] = json!("yuv420p10le");
    assert!(between(source, result, &[]).faults[0].contains("chroma is coarser"));
}
