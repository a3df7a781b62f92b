//! What a segment needs of the memory, found before it begins: one that does not fit is made in tiles, with shorter queues,
//! or not at all. Running out of memory is a message, not a death.

use std::ffi::OsStr;
use std::sync::mpsc::Receiver;

use engine::Reuse;
use frame::Size;
use job::{FailureKind, Settings};
use media::{EncodeSettings, Index, VideoInfo};
use protocol::message::{Request, Response};
use storage::Bytes;

use crate::failure::Failed;
use crate::segment::DECODER_THREADS;
use crate::{verifier, wire};

/// The environment variable that limits the memory of a worker, in bytes.
const VARIABLE: &str = "UPSCALED_MEMORY";
/// The program with its libraries, and what they allocate for the smallest video.
const PROGRAM: u64 = 76 << 20;
/// Bytes of a pixel of a source between decoder and engine: three floats.
const SOURCE: u64 = 12;
/// Bytes of a pixel of a result between engine and encoder: three samples of 16 bits.
const RESULT: u64 = 6;
/// What allocators hold beside what was asked for, in percent.
const SLACK: u64 = 10;
/// Decoded frames that filters for fields hold.
const FIELDS: u64 = 8;
/// Pictures between two stages: one that is ready while the next is made; none where memory is short.
const QUEUES: [usize; 2] = [2, 0];

/// A segment, as far as its memory follows from it.
pub(crate) struct Segment<'a> {
    /// The video as it is stored, and as its pictures come to the engine.
    pub(crate) stored: &'a VideoInfo,
    pub(crate) pictures: Size,
    /// The size of the engine's results.
    pub(crate) made: Size,
    pub(crate) index: &'a Index,
    pub(crate) settings: &'a Settings,
    pub(crate) encoder: &'a EncodeSettings,
    pub(crate) frames: u32,
}

/// How a segment is made within the memory that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Pictures between two stages.
    pub(crate) queue: usize,
    /// Bytes that the engine's sessions may hold.
    pub(crate) sessions: u64,
    /// Bytes that this process takes at most.
    pub(crate) bytes: u64,
}

/// The workers beside this one, which may have been promised memory that they have not taken yet.
#[derive(Clone, Copy)]
pub(crate) enum Neighbours<'a> {
    /// There are none.
    Without,
    /// The server knows them, and answers by this.
    AskAbout(&'a Receiver<Request>),
}

impl Neighbours<'_> {
    /// Finds a plan within the bytes that this process may hold, and lets the server keep them for it.
    ///
    /// # Errors
    /// Those of `plan`. For good, where the limit in the environment is no number of bytes.
    pub(crate) fn admit(
        self,
        plan: impl FnOnce(Option<u64>) -> Result<Plan, Failed>,
    ) -> Result<Plan, Failed> {
        let Self::AskAbout(requests) = self else { return plan(allowed(0)?) };
        let gone = |_| Failed::transient("the server does not listen any more");
        wire::send(&Response::AsksForMemory).map_err(gone)?;
        let Ok(Request::PromisedMemory { bytes: promised }) = requests.recv() else {
            return Err(Failed::transient("the server did not say what memory other workers were promised"));
        };
        let plan = plan(allowed(promised)?)?;
        wire::send(&Response::Admitted { bytes: plan.bytes }).map_err(gone)?;
        Ok(plan)
    }
}

/// Bytes that this process may hold, with what it holds already, where others may still take what they were promised; `None`
/// where nothing can be found out.
fn allowed(promised: u64) -> Result<Option<u64>, Failed> {
    let limit = std::env::var_os(VARIABLE).map(|text| limit(&text)).transpose()?;
    Ok(least(storage::available_memory(), promised, held(), limit))
}

/// The least of a limit and of what is free and not promised to others, with what this process holds.
fn least(free: Option<u64>, promised: u64, held: Option<u64>, limit: Option<u64>) -> Option<u64> {
    let free = free.map(|free| free.saturating_sub(promised).saturating_add(held.unwrap_or(0)));
    [free, limit].into_iter().flatten().min()
}

fn limit(text: &OsStr) -> Result<u64, Failed> {
    text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        let text = text.display();
        Failed::last(format!("{VARIABLE} is `{text}`, which is no number of bytes: set it to one, such as 2000000000, or unset it"))
    })
}

/// Bytes that this process holds beside files, which count as free; `None` where the system does not say.
fn held() -> Option<u64> {
    of_process("RssAnon:")
}

/// The most bytes that this process has held; `None` where the system does not say.
pub(crate) fn peak() -> Option<u64> {
    of_process("VmHWM:")
}

fn of_process(what: &str) -> Option<u64> {
    read(&std::fs::read_to_string("/proc/self/status").ok()?, what)
}

/// Bytes in a line of the text of `/proc/self/status`.
fn read(status: &str, what: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(what))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

impl Segment<'_> {
    /// Finds how to make the segment in so many bytes: with the engine in tiles where it does not fit whole, then with
    /// nothing between the stages.
    ///
    /// # Errors
    /// For good, with both numbers of bytes, where neither is enough.
    pub(crate) fn plan(&self, reuse: Option<&Reuse>, allowed: Option<u64>) -> Result<Plan, Failed> {
        let allowed = allowed.unwrap_or(u64::MAX);
        let mut least = u64::MAX;
        for queue in QUEUES {
            let beside = self.beside(queue, reuse);
            let left = allowed.saturating_sub(beside);
            let sessions = match reuse.map(|reuse| reuse.sessions_within(self.pictures, left)) {
                None => 0,
                Some(Ok(bytes) | Err(engine::Error::Memory { bytes, .. })) => bytes,
                Some(Err(error)) => return Err(error.into()),
            };
            let bytes = beside.saturating_add(sessions);
            if bytes <= allowed {
                // What is not needed may serve parts of pictures, which are faster with sessions of their own.
                return Ok(Plan { queue, sessions: sessions + (left - sessions) / 2, bytes });
            }
            least = least.min(bytes);
        }
        let message = format!(
            "pictures of {} that become {} by {} need {} of memory ({least} bytes), and there are {} ({allowed} bytes): free some or allow more, or choose fewer workers, a smaller size or a faster preset",
            self.pictures,
            self.encoder.size,
            self.encoder.encoder,
            Bytes(least),
            Bytes(allowed)
        );
        Err(Failed::new(FailureKind::NoMemory, message))
    }

    /// Bytes of everything but the engine's sessions, with so many pictures between two stages.
    fn beside(&self, queue: usize, reuse: Option<&Reuse>) -> u64 {
        let queue = queue as u64;
        let (format, stored) = (self.stored.pixel_format.as_str(), self.stored.size);
        let (source, made, target) = (self.pictures.pixels(), self.made.pixels(), self.encoder.size.pixels());
        let looks = u64::from(self.settings.strength < 1.0) + u64::from(self.settings.anchor);
        let has_grain = u64::from(self.settings.grain > 0.0);
        let has_look = u64::from(looks + has_grain > 0);
        // One in each stage, and those between them.
        let frames = u64::from(self.frames);
        let sources = (3 + has_look + (2 + has_look) * queue).min(frames + 1);
        let results = (2 + queue).min(frames);
        let mut bytes = media::decoder_memory(format, stored, DECODER_THREADS);
        let of_fields = if self.index.fields.is_some() { FIELDS } else { 1 };
        bytes += of_fields * media::picture_bytes(format, stored);
        // Converted, and what is cut, fitted and turned on the way.
        bytes += SOURCE * stored.pixels() * if stored == self.pictures { 1 } else { 4 };
        bytes += SOURCE * source * sources;
        bytes += RESULT * made * results;
        if has_look > 0 {
            // The source enlarged by the resampler, what is blended, and the same in the size of the result for grain.
            bytes += RESULT * (source + 4 * made) * looks.min(1) + RESULT * made * (1 + queue);
            bytes += RESULT * target * (4 + queue) * has_grain;
        }
        // On the way into the encoder, in its format.
        bytes += RESULT * made.max(target * has_grain);
        bytes += 2 * media::picture_bytes(&self.encoder.pixel_format, self.encoder.size);
        bytes += media::encoder_memory(self.encoder, self.frames)
            + media::checking_memory(self.encoder, self.frames, 2 * verifier::QUEUE as u32);
        if let Some(reuse) = reuse {
            // What the next picture is compared with, and a part of it.
            let compared = if self.settings.reuse.is_some() { 2 } else { 0 };
            // Packing the weights leaves some of the allocator's memory behind.
            bytes += reuse.engine().memory() / 8 * 9 + compared * SOURCE * source;
        }
        PROGRAM + bytes + bytes / 100 * SLACK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_were_promised_is_not_free() {
        assert_eq!(least(Some(100), 0, Some(5), None), Some(105));
        assert_eq!(least(Some(100), 60, Some(5), None), Some(45));
        // What a worker holds is its own, whatever others were promised.
        assert_eq!(least(Some(100), 200, Some(5), None), Some(5));
        assert_eq!(least(Some(100), 60, None, Some(30)), Some(30));
        assert_eq!(least(None, 60, Some(5), None), None);
    }

    #[test]
    fn what_a_process_holds_is_read() {
        let status = "Name:\tx\nVmHWM:\t   60000 kB\nVmRSS:\t   50572 kB\n";
        assert_eq!(read(status, "VmRSS:"), Some(50_572 * 1024));
        assert_eq!(read(status, "VmHWM:"), Some(60_000 * 1024));
        for status in ["", "VmRSS: x kB", "VmRSS: 5"] {
            assert_eq!(read(status, "VmRSS:"), None);
        }
        assert!(peak() >= held() && held() > Some(1 << 20) && allowed(0).unwrap() > held());
        assert_eq!(limit("2000000000".as_ref()).unwrap(), 2_000_000_000);
        for wrong in ["100M", "-1", "", "99999999999999999999999"] {
            assert!(
                limit(wrong.as_ref()).unwrap_err().0.message.text.contains("no number of bytes"),
                "{wrong}"
            );
        }
    }
}
