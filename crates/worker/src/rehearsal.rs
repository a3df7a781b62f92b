//! The rehearsal of the join, at the end of indexing: what is found there is carried to the join.

use std::collections::BTreeMap;
use std::path::Path;

use frame::Rational;
use job::{CarriedStream, Carry, Container, Encoding, FailureKind, Notice, Remedy};
use media::{Shift, StreamChange};

use crate::encoding::{Output, media_container};
use crate::failure::Failed;
use crate::wire::Progress;

/// The file of the rehearsal in the job's folder.
const FILE: &str = "rehearsal";

/// What was found.
pub(crate) struct Found {
    /// The kind of file that holds the result.
    pub(crate) container: Container,
    /// What is done with the streams beside the video.
    pub(crate) carry: Carry,
    /// What people should know.
    pub(crate) notes: Vec<Notice>,
    /// Bytes of the other streams, as the source has them.
    pub(crate) other_bytes: u64,
}

/// Joins the other streams with packets that stand in for those of the first encoder, into a file beside the frame list that
/// does not stay.
pub(crate) fn run(
    output: &Output<'_>,
    encodings: &[Encoding],
    container: Container,
    frame_list: &Path,
    progress: &Progress,
) -> Result<Found, Failed> {
    let encoding =
        encodings.first().ok_or_else(|| Failed::last("no encoder was chosen: start the job again"))?;
    let settings = output.encode_settings(encoding, 0)?;
    let stand_in = media::stand_in(&settings)?;
    let file = frame_list.with_file_name(FILE);
    // As an attempt that was killed leaves it.
    let _ = std::fs::remove_file(&file);
    let is_forced = output.settings.container.is_some();
    let rehearsal = media::Rehearsal {
        source: output.source,
        index: output.index,
        stand_in: &stand_in,
        container: media_container(container),
        is_forced,
        file: &file,
    };
    let found = media::rehearse(&rehearsal, &mut || progress.tell(0, 0)).map_err(|error| {
        let is_of_disk = matches!(error, media::Error::Write(_));
        let failed = Failed::from(error);
        match failed.0.kind {
            _ if is_of_disk => failed,
            FailureKind::Transient if is_forced && container == Container::Mp4 => {
                let text = format!("MP4 files cannot hold this result ({})", failed.0.message.text);
                Failed::last(Notice::new(text, Remedy::Container(Container::Matroska)))
            }
            FailureKind::Transient => Failed::last(format!(
                "the result cannot be put together ({}): convert the file to Matroska first",
                failed.0.message.text
            )),
            _ => failed,
        }
    })?;
    let may_keep = Remedy::Container(Container::Matroska);
    let left_out = found.left_out.into_iter().map(|note| Notice::new(note, may_keep));
    Ok(Found {
        container: match found.container {
            media::Container::Mp4 => Container::Mp4,
            media::Container::Matroska => Container::Matroska,
        },
        carry: of_media(&found.carry),
        notes: found.notes.into_iter().map(Notice::from).chain(left_out).collect(),
        other_bytes: found.other_bytes,
    })
}

/// As the messages have it.
fn of_media(carry: &media::Carry) -> Carry {
    let Shift { ticks, time_base } = carry.shift;
    let streams = carry.streams.iter().map(|(&stream, way)| CarriedStream {
        stream: stream as u32,
        convert: match way {
            StreamChange::LeaveOut => None,
            StreamChange::Convert(format) => Some(job::SoundFormat {
                rate: format.rate,
                channels: format.channels,
                layout: format.layout.clone(),
                sample: format.sample.clone(),
            }),
        },
    });
    Carry { shift: ticks, time_base: (time_base.num, time_base.den), streams: streams.collect() }
}

/// As `media` has it.
pub(crate) fn carry(carry: &Carry) -> media::Carry {
    let changed = |carried: &CarriedStream| {
        let change = carried.convert.as_ref().map_or(StreamChange::LeaveOut, |format| {
            StreamChange::Convert(media::SoundFormat {
                rate: format.rate,
                channels: format.channels,
                layout: format.layout.clone(),
                sample: format.sample.clone(),
            })
        });
        (carried.stream as usize, change)
    };
    let shift = match carry.time_base {
        (num @ 1.., den @ 1..) => Shift { ticks: carry.shift, time_base: Rational::new(num, den) },
        _ => Shift::NONE,
    };
    media::Carry { shift, streams: carry.streams.iter().map(changed).collect::<BTreeMap<_, _>>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decided_comes_back_as_it_was() {
        let format = media::SoundFormat {
            rate: 48000,
            channels: 6,
            layout: "5.1".to_owned(),
            sample: "flt".to_owned(),
        };
        let decided = media::Carry {
            shift: Shift { ticks: -126_000, time_base: Rational::new(1, 90_000) },
            streams: BTreeMap::from([(1, StreamChange::Convert(format)), (3, StreamChange::LeaveOut)]),
        };
        assert_eq!(carry(&of_media(&decided)), decided);
        // As jobs of earlier versions have it.
        assert_eq!(carry(&Carry::default()), media::Carry::default());
    }
}
