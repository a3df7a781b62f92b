//! The way back: encode, check, join, verify, in the way the worker does it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{clip, decode, ffmpeg, index, to_u16};
use frame::Size;
use media::{
    Carry, CodecParameters, Container, EncodeSettings, Error, Index, Join, JoinReport, OwnedPacket,
    SegmentDecoder, SegmentEncoder, Source, join, probe, verify,
};

/// A video encoded again in segments of so many frames, at its own size and in best quality.
fn encode(path: &Path, index: &Index, length: usize) -> (CodecParameters, Vec<OwnedPacket>) {
    let video = probe(&Source::file(path)).unwrap().video;
    let size = Size::new(video.size.width.next_multiple_of(2), video.size.height.next_multiple_of(2));
    let settings = EncodeSettings {
        crf: 0,
        preset: "fast".to_owned(),
        threads: 2,
        ..EncodeSettings::new(&video, "libx264", &common::format(&video), size, index.time_base)
    };
    let mut packets = Vec::new();
    let mut parameters = None;
    for (number, segment) in decode(path, index, 0, index.pts.len() as u32).chunks(length).enumerate() {
        let mut encoder = SegmentEncoder::open(&settings, video.size).unwrap();
        let mut of_segment = Vec::new();
        let mut keep = |packet: media::Packet<'_>| {
            of_segment.push(OwnedPacket {
                pts: packet.pts,
                keyframe: packet.keyframe,
                data: packet.data.to_vec(),
            });
            Ok::<_, Error>(())
        };
        for (pts, picture) in segment {
            encoder.push(&to_u16(picture), *pts, &mut keep).unwrap();
        }
        encoder.finish(&mut keep).unwrap();
        let mut decoder = SegmentDecoder::open(encoder.parameters(), index.time_base).unwrap();
        for packet in &of_segment {
            decoder.push(packet.pts, packet.keyframe, &packet.data).unwrap();
        }
        let found = decoder.finish().unwrap();
        assert_eq!(found.len(), segment.len(), "segment {number}");
        for ((pts, mean), ((wanted, _), encoded)) in found.iter().zip(segment.iter().zip(encoder.means())) {
            assert_eq!(pts, wanted);
            assert!((mean - encoded).abs() < 0.001, "lossless, and still {mean} is not {encoded}");
        }
        assert!(of_segment[0].keyframe);
        parameters = Some(encoder.parameters().clone());
        packets.extend(of_segment);
    }
    (parameters.unwrap(), packets)
}

fn make(source: &Path, result: &Path, container: Container) -> (Index, JoinReport) {
    make_in_segments(source, result, container, 10)
}

fn make_in_segments(
    source: &Path,
    result: &Path,
    container: Container,
    length: usize,
) -> (Index, JoinReport) {
    let index = index(source);
    let (parameters, packets) = encode(source, &index, length);
    let times: Vec<i64> = packets.iter().map(|packet| packet.pts).collect();
    let plan = Join {
        source: &Source::file(source),
        index: &index,
        parameters: &parameters,
        packet_times: &times,
        result,
        container,
        carry: &Carry::default(),
        provenance: "",
    };
    let report = join(&plan, &mut packets.into_iter().map(Ok), &mut |_, _| {}).unwrap();
    let verified = verify(result, &index, parameters.size, &report, &mut |_| {}).unwrap();
    assert_eq!(verified.frames as usize, index.pts.len());
    (index, report)
}

fn ffprobe(path: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0"])
        .args(arguments)
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_round_trip_changes_nothing_but_rounding() {
    let folder = tempfile::tempdir().unwrap();
    let x264 = |format| ["-c:v", "libx264", "-crf", "10", "-bf", "3", "-pix_fmt", format];
    for format in ["yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuv420p10le"] {
        // Soft colours: chroma that is enlarged and reduced again comes back only where it is smooth.
        let source = folder.path().join(format!("{format}.mp4"));
        let picture = "gradients=size=96x64:rate=25:c0=0x804020:c1=0x2060A0:x0=0:y0=0:x1=95:y1=63";
        let arguments = [&["-f", "lavfi", "-i", picture, "-frames:v", "25"], &x264(format)[..]].concat();
        ffmpeg(&arguments, &source);
        let result = folder.path().join(format!("{format}_result.mp4"));
        let (index_of_source, _) = make(&source, &result, Container::Mp4);
        let index_of_result = index(&result);
        assert_eq!(index_of_result.time_base, index_of_source.time_base, "{format}");
        assert_eq!(index_of_result.pts, index_of_source.pts, "{format}");
        assert_eq!(index_of_result.last_duration, index_of_source.last_duration, "{format}");
        let pairs = decode(&source, &index_of_source, 0, 25).into_iter().zip(decode(
            &result,
            &index_of_result,
            0,
            25,
        ));
        for (number, ((_, before), (_, after))) in pairs.enumerate() {
            let difference: f32 = (0..3)
                .flat_map(|plane| before.plane(plane).iter().zip(after.plane(plane)))
                // What the source has outside of RGB cannot come back.
                .map(|(a, b)| (a.clamp(0.0, 1.0) - b.clamp(0.0, 1.0)).abs())
                .sum();
            let mean = difference / (3.0 * 96.0 * 64.0) * 255.0;
            assert!(mean < 1.0, "{format}, frame {number}: mean difference {mean} of 255");
        }
    }
}

/// `UPSCALED_SEGMENTS` sets the number of segments, 120 by default; a release needs 3600.
#[test]
fn no_number_of_segments_makes_times_drift() {
    let count = std::env::var("UPSCALED_SEGMENTS").map_or(120, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let variable = "settb=1/1000,setpts='N*40+15*mod(N,3)+if(gt(N,20),777,0)'";
    for (name, rate, filter, tick) in [
        ("film.mp4", "24000/1001", "null", "-1"),
        ("video.mp4", "30000/1001", "null", "-1"),
        ("variable.mkv", "25", variable, "1:1000"),
    ] {
        let (source, picture) = (folder.path().join(name), format!("testsrc2=size=32x32:rate={rate}"));
        let (frames, seconds) = (count.to_string(), (count / 24 + 1).to_string());
        let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-t", &seconds, "-i", "sine=440:r=48000"];
        let times = ["-vf", filter, "-fps_mode", "passthrough", "-enc_time_base", tick, "-frames:v", &frames];
        let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];
        ffmpeg(&[&inputs[..], &times, &codecs].concat(), &source);
        for (extension, container) in [("mp4", Container::Mp4), ("mkv", Container::Matroska)] {
            let result = folder.path().join(format!("{name}_result.{extension}"));
            make_in_segments(&source, &result, container, 1);
            let of = |path: &Path, stream: &str| -> Vec<f64> {
                let entries = ["-select_streams", stream, "-show_entries", "packet=pts_time"];
                let mut times: Vec<f64> = ffprobe(path, &entries)
                    .iter()
                    .map(|time| time.trim_end_matches(',').parse().unwrap())
                    .collect();
                times.sort_by(f64::total_cmp);
                times
            };
            let error = |stream: &str| {
                let (before, after) = (of(&source, stream), of(&result, stream));
                assert_eq!(before.len(), after.len(), "{name} {extension} {stream}");
                before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) * 1000.0
            };
            let (video, sound) = (error("v"), error("a"));
            println!(
                "{name} to {extension}: {count} segments, times off by {video:.3} ms, sound by {sound:.3} ms"
            );
            assert!(video <= 0.51 && sound <= 0.51, "{name} to {extension}: {video} and {sound} ms");
        }
    }
}

#[test]
fn chapters_that_a_file_has_twice_are_in_the_result_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("chapters.txt");
    // Chapters without a title, and with a gap, make FFmpeg take the two ways in which MPEG-4 has chapters for different ones.
    let times = [(0, 500, ""), (500, 700, "title=\n"), (900, 2000, "title=two\n")];
    let chapters = times
        .map(|(start, end, title)| format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\n{title}"));
    std::fs::write(&text, format!(";FFMETADATA1\n{}", chapters.concat())).unwrap();
    let source = folder.path().join("source.mp4");
    let inputs = ["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=25:duration=2", "-f", "ffmetadata", "-i"];
    ffmpeg(
        &[&inputs[..], &[text.to_str().unwrap(), "-map_chapters", "1", "-c:v", "libx264"]].concat(),
        &source,
    );
    let result = folder.path().join("result.mkv");
    make(&source, &result, Container::Matroska);
    let of = |path: &Path| ffprobe(path, &["-show_entries", "chapter=start_time:chapter_tags=title"]);
    let named = |path: &Path| of(path).iter().filter(|chapter| chapter.ends_with("two")).count();
    assert_eq!((named(&source), named(&result)), (2, 1), "{:?}", of(&source));
}

/// A file that has everything that there can be beside the video.
fn rich(folder: &tempfile::TempDir) -> PathBuf {
    let at = |name: &str| folder.path().join(name);
    let video = clip(folder, "video.mp4", "96x64", 50, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    std::fs::write(
        at("subs.srt"),
        "1\n00:00:00,200 --> 00:00:00,900\nHola\n\n2\n00:00:01,000 --> 00:00:01,500\nBuenos días\n",
    )
    .unwrap();
    std::fs::write(
        at("meta.txt"),
        ";FFMETADATA1\ntitle=Two Rabbits\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=Opening\n",
    )
    .unwrap();
    std::fs::write(at("font.ttf"), b"not really a font").unwrap();
    let (font, subs, meta) = (at("font.ttf"), at("subs.srt"), at("meta.txt"));
    ffmpeg(
        &[
            "-i",
            video.to_str().unwrap(),
            "-f",
            "lavfi",
            "-t",
            "2",
            "-i",
            "sine=440",
            "-f",
            "lavfi",
            "-t",
            "2",
            "-i",
            "sine=880",
            "-i",
            subs.to_str().unwrap(),
            "-f",
            "ffmetadata",
            "-i",
            meta.to_str().unwrap(),
            // The sound comes first: the video need not be stream 0.
            "-map",
            "1:a",
            "-map",
            "0:v",
            "-map",
            "2:a",
            "-map",
            "3",
            "-map_metadata",
            "4",
            "-map_chapters",
            "4",
            "-c:v",
            "copy",
            "-c:a:0",
            "aac",
            "-c:a:1",
            "flac",
            "-c:s",
            "srt",
            "-metadata:s:a:1",
            "language=jpn",
            "-disposition:a:1",
            "default",
            "-attach",
            font.to_str().unwrap(),
            "-metadata:s:t:0",
            "mimetype=application/x-truetype-font",
        ],
        &at("rich.mkv"),
    );
    at("rich.mkv")
}

#[test]
fn everything_beside_the_video_is_carried_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let source = rich(&folder);
    let (_, report) = make(&source, &at("result.mkv"), Container::Matroska);
    assert_eq!(report.notes, [] as [&str; 0]);
    let same = |what: &[&str]| {
        assert_eq!(ffprobe(&at("result.mkv"), what), ffprobe(&source, what), "{what:?}");
    };
    same(&[
        "-select_streams",
        "a",
        "-show_entries",
        "packet=stream_index,pts,data_hash",
        "-show_data_hash",
        "md5",
    ]);
    same(&[
        "-select_streams",
        "s",
        "-show_entries",
        "packet=stream_index,pts,duration,data_hash",
        "-show_data_hash",
        "md5",
    ]);
    same(&["-show_entries", "stream=codec_type,codec_name:stream_tags=language:stream_disposition=default"]);
    same(&["-show_chapters"]);
    same(&["-show_entries", "format_tags=title"]);
    same(&["-select_streams", "t", "-show_entries", "stream_tags=filename,mimetype"]);
}

#[test]
fn an_mp4_keeps_its_sound_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let video = clip(&folder, "video.mp4", "96x64", 50, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    for (name, offset) in [("together.mp4", "0"), ("sound_late.mp4", "0.5")] {
        let sound = ["-itsoffset", offset, "-f", "lavfi", "-t", "2", "-i", "sine=440"];
        let arguments =
            [&["-i", video.to_str().unwrap()][..], &sound, &["-c:v", "copy", "-c:a", "aac"]].concat();
        ffmpeg(&arguments, &at(name));
        make(&at(name), &at("result.mp4"), Container::Mp4);
        let hashes = ["-select_streams", "a", "-show_entries", "packet=data_hash", "-show_data_hash", "md5"];
        assert_eq!(ffprobe(&at("result.mp4"), &hashes), ffprobe(&at(name), &hashes), "{name}");
        let first = |file: &str| -> f64 {
            let times = ffprobe(&at(file), &["-select_streams", "a", "-show_entries", "packet=pts_time"]);
            times[0].trim_end_matches(',').parse().unwrap()
        };
        // Edit lists are in ticks of the whole file, which are not those of the sound.
        assert!((first("result.mp4") - first(name)).abs() < 0.001, "{name}");
    }
}

#[test]
fn packets_that_are_missing_stop_the_join() {
    let folder = tempfile::tempdir().unwrap();
    let source = clip(&folder, "a.mp4", "64x64", 20, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let index = index(&source);
    let (parameters, packets) = encode(&source, &index, 10);
    let times: Vec<i64> = packets.iter().map(|packet| packet.pts).collect();
    let result = folder.path().join("result.mp4");
    let attempt = |times: &[i64], packets: &[OwnedPacket]| {
        let plan = Join {
            source: &Source::file(&source),
            index: &index,
            parameters: &parameters,
            packet_times: times,
            result: &result,
            container: Container::Mp4,
            carry: &Carry::default(),
            provenance: "",
        };
        join(&plan, &mut packets.iter().cloned().map(Ok), &mut |_, _| {})
    };
    assert!(matches!(attempt(&times[1..], &packets[1..]), Err(Error::PacketsDiffer(_))));
    assert!(matches!(attempt(&times, &packets[..19]), Err(Error::PacketsDiffer(_))));
    assert!(matches!(attempt(&times, &[&packets[..], &packets[..1]].concat()), Err(Error::PacketsDiffer(_))));
    assert!(attempt(&times, &packets).is_ok());
}

#[test]
fn a_result_that_was_cut_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let source = clip(&folder, "a.mkv", "64x64", 30, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let result = folder.path().join("result.mkv");
    let (index, report) = make(&source, &result, Container::Matroska);
    let bytes = std::fs::read(&result).unwrap();
    std::fs::write(&result, &bytes[..bytes.len() / 2]).unwrap();
    assert!(verify(&result, &index, Size::new(64, 64), &report, &mut |_| {}).is_err());
    std::fs::write(&result, &bytes).unwrap();
    assert!(verify(&result, &index, Size::new(66, 64), &report, &mut |_| {}).is_err());
    assert!(verify(&result, &index, Size::new(64, 64), &report, &mut |_| {}).is_ok());
}

#[test]
fn the_version_names_the_libraries() {
    assert!(media::version().contains("libavcodec"));
}

/// What of the sound and the subtitles must be the same.
const PACKETS: [&str; 4] = ["-show_entries", "packet=pts_time,data_hash", "-show_data_hash", "md5"];

#[test]
fn sound_of_any_kind_stays_in_step() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let sound = ["-f", "lavfi", "-t", "1", "-i", "sine=440:r=48000"];
    for (name, codecs) in [
        // The container does not count what the decoder of Opus takes off the beginning.
        ("opus.webm", ["-c:v", "libvpx", "-c:a", "libopus"]),
        ("wma.asf", ["-c:v", "wmv2", "-c:a", "wmav2"]),
        ("pcm.avi", ["-c:v", "mjpeg", "-c:a", "pcm_s16le"]),
    ] {
        let video = ["-f", "lavfi", "-t", "1", "-i", "testsrc2=size=96x64:rate=25"];
        ffmpeg(&[&video[..], &sound, &codecs].concat(), &at(name));
        let result = at(&format!("{name}.mkv"));
        let (_, report) = make(&at(name), &result, Container::Matroska);
        assert_eq!(report.notes, [] as [&str; 0], "{name}");
        let packets = [&["-select_streams", "a"][..], &PACKETS].concat();
        // A packet with side data fills more than one line.
        let text = |path: &Path| ffprobe(path, &packets).join("");
        let hashes = |path: &Path| -> Vec<String> {
            text(path).split("MD5:").skip(1).map(|hash| hash[..32].to_owned()).collect()
        };
        let times = |path: &Path| -> Vec<f64> {
            ffprobe(path, &packets).iter().filter_map(|line| line.split(',').next()?.parse().ok()).collect()
        };
        assert_eq!(hashes(&result), hashes(&at(name)), "{name}");
        assert_eq!(times(&result).len(), times(&at(name)).len(), "{name}");
        // Half a tick of Matroska, and what printing rounds off.
        let before = times(&at(name));
        let moved = times(&result).into_iter().zip(before).map(|(after, before)| (after - before).abs());
        assert!(moved.fold(0.0, f64::max) < 0.000_51, "{name}");
    }
}

#[test]
fn a_cover_stays_a_cover() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let video = clip(&folder, "video.mp4", "96x64", 10, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=size=48x48", "-frames:v", "1", "-update", "1"], &at("cover.jpg"));
    ffmpeg(
        &[
            &["-i", video.to_str().unwrap(), "-i", at("cover.jpg").to_str().unwrap()][..],
            &["-map", "0", "-map", "1", "-c", "copy", "-disposition:v:1", "attached_pic"],
        ]
        .concat(),
        &at("with_cover.mp4"),
    );
    let cover =
        [&["-select_streams", "v:1"][..], &["-show_entries", "packet=data_hash", "-show_data_hash", "md5"]];
    let wanted = ffprobe(&at("with_cover.mp4"), &cover.concat());
    assert_eq!(wanted.len(), 1);
    for (name, container) in [("result.mp4", Container::Mp4), ("result.mkv", Container::Matroska)] {
        make(&at("with_cover.mp4"), &at(name), container);
        assert_eq!(ffprobe(&at(name), &cover.concat()), wanted, "{name}");
        let mark = ["-select_streams", "v:1", "-show_entries", "stream_disposition=attached_pic"];
        assert_eq!(ffprobe(&at(name), &mark), ["1"], "{name}");
    }
}

#[test]
fn subtitles_that_appear_together_still_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let video = clip(&folder, "video.mp4", "96x64", 25, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let lines = (1..6).map(|line| format!("{line}\n00:00:00,200 --> 00:00:00,900\nLine {line}\n\n"));
    std::fs::write(at("subs.srt"), lines.collect::<String>()).unwrap();
    let subtitles = at("subs.srt");
    let inputs = ["-i", video.to_str().unwrap(), "-i", subtitles.to_str().unwrap()];
    ffmpeg(&[&inputs[..], &["-c", "copy", "-c:s", "srt"]].concat(), &at("subs.mkv"));
    make(&at("subs.mkv"), &at("result.mkv"), Container::Matroska);
    let packets = [&["-select_streams", "s"][..], &PACKETS].concat();
    let times = ffprobe(&at("result.mkv"), &packets);
    assert_eq!(times.len(), 5);
    assert_eq!(times, ffprobe(&at("subs.mkv"), &packets));
}

#[test]
fn a_full_disk_is_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let source = clip(&folder, "a.mp4", "64x64", 10, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let index = index(&source);
    let (parameters, packets) = encode(&source, &index, 10);
    let times: Vec<i64> = packets.iter().map(|packet| packet.pts).collect();
    for container in [Container::Mp4, Container::Matroska] {
        let plan = Join {
            source: &Source::file(&source),
            index: &index,
            parameters: &parameters,
            packet_times: &times,
            result: Path::new("/dev/full"),
            container,
            carry: &Carry::default(),
            provenance: "",
        };
        let failure = join(&plan, &mut packets.iter().cloned().map(Ok), &mut |_, _| {}).unwrap_err();
        assert!(matches!(failure, Error::NoSpace), "{container:?}: {failure}");
    }
}

/// Checksums of the decoded frames, by another program.
fn framemd5(path: &Path) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", path.to_str().unwrap()])
        .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    frames.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn a_result_has_the_frames_of_its_segments_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let bframes = ["-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p"];
    let source = clip(&folder, "a.mp4", "96x64", 65, &bframes);
    let (parameters, packets) = encode(&source, &index(&source), 10);
    let starts: Vec<usize> = (0..65).step_by(10).collect();
    let mut of_segments = Vec::new();
    for &start in &starts {
        // The encoder gives start codes, so that a segment by itself is a film without a container.
        let segment = &packets[start..packets.len().min(start + 10)];
        assert!(segment[0].keyframe);
        let bytes =
            [&parameters.extradata[..]].into_iter().chain(segment.iter().map(|packet| &packet.data[..]));
        std::fs::write(at("segment.h264"), bytes.collect::<Vec<_>>().concat()).unwrap();
        of_segments.extend(framemd5(&at("segment.h264")));
    }
    assert_eq!(of_segments.len(), 65);
    for (name, container) in [("result.mp4", Container::Mp4), ("result.mkv", Container::Matroska)] {
        make(&source, &at(name), container);
        assert_eq!(framemd5(&at(name)), of_segments, "{name}");
    }
}
