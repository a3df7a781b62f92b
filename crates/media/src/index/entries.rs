//! Where decoding can start. A container's word on its keyframes is a hint: many old files call every packet one. Each is
//! tried: a decoder that knows nothing but this packet must give the very picture that one gives that began at the start.

use crate::Error;
use crate::decode::Frames;
use crate::raw::codec::{Decoder, Output, Threads, is_intra_only};
use crate::raw::frame::RawFrame;
use crate::raw::packet::RawPacket;

/// Tries the packets that are called keyframes.
pub(super) struct Entries {
    /// `None` for codecs whose frames all stand alone.
    trial: Option<Trial>,
    /// Time of each packet that is called a keyframe, with the checksum of the picture that it gives alone; `None` where that
    /// needs no trial.
    pub(super) found: Vec<(i64, Option<u32>)>,
}

struct Trial {
    decoder: Decoder,
    frame: RawFrame,
    /// A picture may take two packets, one for each field.
    may_have_fields: bool,
    /// The keyframe that waits for its second field.
    waiting: Option<i64>,
}

impl Entries {
    pub(super) fn new(frames: &Frames) -> Result<Self, Error> {
        let parameters = frames.parameters().ok_or(Error::NoVideoStream)?;
        let trial = if is_intra_only(parameters.codec_id) {
            None
        } else {
            Some(Trial {
                decoder: Decoder::open(parameters, frames.time_base(), Threads::One)?,
                frame: RawFrame::new()?,
                may_have_fields: frames.may_have_fields(),
                waiting: None,
            })
        };
        Ok(Self { trial, found: Vec::new() })
    }

    /// Looks at the next packet of the video.
    pub(super) fn add(&mut self, packet: &mut RawPacket) -> Result<(), Error> {
        let keyframe = packet.pts().filter(|_| packet.is_keyframe());
        let Some(trial) = &mut self.trial else {
            self.found.extend(keyframe.map(|time| (time, None)));
            return Ok(());
        };
        if trial.waiting.is_some() {
            trial.decoder.send(Some(packet))?;
        }
        if let Some(done) = trial.waiting.take() {
            self.found.extend(trial.finish(done)?);
        }
        let Some(time) = keyframe else { return Ok(()) };
        trial.decoder.restart();
        trial.decoder.send(Some(packet))?;
        if trial.may_have_fields {
            trial.waiting = Some(time);
        } else {
            self.found.extend(trial.finish(time)?);
        }
        Ok(())
    }

    /// Says that there are no more packets.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if let Some(trial) = &mut self.trial
            && let Some(time) = trial.waiting.take()
        {
            self.found.extend(trial.finish(time)?);
        }
        Ok(())
    }
}

impl Trial {
    /// The checksum of the picture that is shown at a time, if the decoder gives it.
    fn finish(&mut self, time: i64) -> Result<Option<(i64, Option<u32>)>, Error> {
        self.decoder.send(None)?;
        let mut digest = None;
        while self.decoder.receive(&mut self.frame)? == Output::Some {
            if self.frame.pts() == Some(time) && !self.frame.is_damaged() {
                digest = Some(self.frame.digest());
            }
        }
        Ok(digest.map(|digest| (time, Some(digest))))
    }
}
