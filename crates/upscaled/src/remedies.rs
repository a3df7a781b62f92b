//! What can be done about what people are told, in the words of the command line. No other module and no library names the
//! options of one for it.

use coordinator::JobReport;
use job::{Container, Notice, Remedy, Setting};

/// A notice as a complete sentence.
pub(crate) fn sentence(Notice { text, remedy }: &Notice) -> String {
    match remedy {
        Some(remedy) => format!("{text}: {}", words(*remedy)),
        None => text.clone(),
    }
}

/// As [`sentence`], for one who writes `upscaled.toml`.
pub(crate) fn sentence_in_file(notice: &Notice) -> String {
    match notice.remedy.and_then(words_in_file) {
        Some(words) => format!("{}: {words}", notice.text),
        None => sentence(notice),
    }
}

/// What the keys of the file are called, for what can be chosen there.
fn words_in_file(remedy: Remedy) -> Option<String> {
    Some(match remedy {
        Remedy::Container(container) => format!("write container = \"{}\"", container.extension()),
        Remedy::Set(setting) => format!("set it by {}", setting.name()),
        Remedy::LeaveOut(setting) => format!("leave {} out", setting.name()),
        Remedy::LeaveOutEither(one, other) => format!("leave {} or {} out", one.name(), other.name()),
        Remedy::SmallerResult => "choose a smaller scale, height, width or fit".to_owned(),
        Remedy::LongerSegments => "choose longer ones with segment_frames".to_owned(),
        Remedy::NoBlend => "see models/README.md for where to get it, or leave denoise at 1".to_owned(),
        Remedy::AnyEncoder => "leave encoder out, or see `upscaled doctor`".to_owned(),
        Remedy::OtherCodec => "choose another codec, a smaller size, or see `upscaled doctor`".to_owned(),
        _ => return None,
    })
}

/// What is known of a job, with complete sentences.
pub(crate) fn report(report: &JobReport) -> JobReport {
    report.clone().in_words(sentence)
}

/// What can be done.
pub(crate) fn words(remedy: Remedy) -> String {
    let plain = match remedy {
        Remedy::Container(Container::Matroska) => {
            "choose --container mkv, or with -o a name that ends in .mkv"
        }
        Remedy::Container(Container::Mp4) => "choose --container mp4, or with -o a name that ends in .mp4",
        Remedy::Set(setting) => {
            let name = setting.name();
            return format!("set it by {}, or {name} in upscaled.toml", option(setting));
        }
        Remedy::LeaveOut(setting) => return format!("leave {} out", option(setting)),
        Remedy::LeaveOutEither(one, other) => {
            return format!("leave {} or {} out", option(one), option(other));
        }
        Remedy::SmallerResult => "choose a smaller --scale, --height, --width or --fit",
        Remedy::LongerSegments => "choose longer ones with --segment-frames",
        Remedy::NoBlend => "see models/README.md for where to get it, or leave --denoise at 1",
        Remedy::AnyEncoder => "leave --encoder out, or see `upscaled doctor`",
        Remedy::OtherCodec => "choose another --codec, a smaller size, or see `upscaled doctor`",
        Remedy::LaterEnd => "choose a time for --to that is later than that of --from",
        Remedy::OtherPart => "choose other times for --from and --to",
        Remedy::OtherDeinterlacing => "choose another --deinterlace, or off",
        Remedy::OtherStream => "choose another with --stream",
        Remedy::MoreDisk => "allow more with --max-disk or max_disk in upscaled.toml, and go on",
        Remedy::MoreDiskOrLess => {
            "allow more with --max-disk or max_disk in upscaled.toml and go on from here, or start again with a smaller size or a higher --crf"
        }
        Remedy::MoreDiskFirst => "allow more with --max-disk or max_disk in upscaled.toml",
        Remedy::FillGaps => {
            "use a better copy, or --fill-gaps to take what is there and show the picture before where one is missing"
        }
        Remedy::Again => "use --again to enlarge it once more",
        Remedy::Overwrite => "use --overwrite to replace it, or -o to choose another name",
        Remedy::OtherName => "choose another name or folder with -o, or another --name",
        Remedy::SmallerPictures => "choose a smaller --size",
    };
    plain.to_owned()
}

/// The option that sets a setting.
const fn option(setting: Setting) -> &'static str {
    match setting {
        Setting::Codec => "--codec",
        Setting::Encoder => "--encoder",
        Setting::Crf => "--crf",
        Setting::Preset => "--preset",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up;

    #[test]
    fn a_notice_becomes_one_sentence_with_its_option() {
        for (notice, sentence_of_it) in [
            (Notice::from("the source is gone"), "the source is gone"),
            (
                Notice::new("MP4 files have no place for ffv1", Remedy::Container(Container::Matroska)),
                "MP4 files have no place for ffv1: choose --container mkv, or with -o a name that ends in .mkv",
            ),
            (
                Notice::new("`crf` is no other option of the encoder", Remedy::Set(Setting::Crf)),
                "`crf` is no other option of the encoder: set it by --crf, or crf in upscaled.toml",
            ),
            (
                Notice::new("no", Remedy::LeaveOutEither(Setting::Codec, Setting::Encoder)),
                "no: leave --codec or --encoder out",
            ),
        ] {
            assert_eq!(sentence(&notice), sentence_of_it);
        }
    }

    /// `status.json` and `--json` have sentences, as they always had.
    #[test]
    fn programs_read_complete_sentences() {
        let mut failed = made_up::failed(1, Notice::new("it is a result already", Remedy::Again), 5);
        failed.job.facts.as_mut().unwrap().notes = vec![Notice::new("one of 2", Remedy::OtherStream)];
        let report = report(&JobReport::of(&failed));
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["reason"], "it is a result already: use --again to enlarge it once more");
        assert_eq!(json["notes"], serde_json::json!(["one of 2: choose another with --stream"]));
    }
}
