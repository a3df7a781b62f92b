//! The segment is decoded while it is made: an encoder's success proves nothing.
//!
//! What is decoded are the packets in memory. A checksum over them says later whether the file holds the same ones.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use frame::Rational;
use media::{CodecParameters, Packet, SegmentDecoder};

use crate::failure::Failed;
use crate::threads;

/// The name of the thread.
const NAME: &str = "verify";
/// Packets that wait to be decoded: the encoder gives many at once at the end.
pub(crate) const QUEUE: usize = 32;

/// What was found in the packets.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Presentation time of each frame, and the mean of its luma, 0 to 1.
    pub(crate) frames: Vec<(i64, f32)>,
    /// Of the packets, in their order.
    pub(crate) checksum: Checksum,
}

/// A checksum over what matters of packets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checksum(blake3::Hasher);

impl Checksum {
    /// Adds a packet.
    pub(crate) fn add(&mut self, pts: i64, keyframe: bool, data: &[u8]) {
        self.0.update(&pts.to_le_bytes()).update(&[u8::from(keyframe)]);
        self.0.update(&(data.len() as u64).to_le_bytes()).update(data);
    }
}

impl PartialEq for Checksum {
    fn eq(&self, other: &Self) -> bool {
        self.0.finalize() == other.0.finalize()
    }
}

/// A thread that decodes packets.
pub(crate) struct Verifier {
    packets: SyncSender<Copied>,
    used: Receiver<Copied>,
    thread: JoinHandle<Result<Found, media::Error>>,
}

/// A packet on its way; it goes back to be filled again.
#[derive(Default)]
struct Copied {
    pts: i64,
    keyframe: bool,
    data: Vec<u8>,
}

impl Verifier {
    /// Starts the thread.
    pub(crate) fn start(parameters: &CodecParameters, time_base: Rational) -> Result<Self, Failed> {
        let mut decoder = SegmentDecoder::open(parameters, time_base)?;
        let (packets, to_decode) = sync_channel::<Copied>(QUEUE);
        let (give_back, used) = sync_channel(QUEUE);
        let decode = move || {
            let mut checksum = Checksum::default();
            for packet in to_decode {
                checksum.add(packet.pts, packet.keyframe, &packet.data);
                decoder.push(packet.pts, packet.keyframe, &packet.data)?;
                // Where there is no room, there are enough of them.
                let _ = give_back.try_send(packet);
            }
            Ok(Found { frames: decoder.finish()?, checksum })
        };
        Ok(Self { packets, used, thread: threads::start(NAME, decode)? })
    }

    /// Hands over a copy of a packet. When the thread has failed, [`Verifier::finish`] says why.
    pub(crate) fn push(&self, packet: &Packet<'_>) {
        let mut copied = self.used.try_recv().unwrap_or_default();
        (copied.pts, copied.keyframe) = (packet.pts, packet.keyframe);
        copied.data.clear();
        copied.data.extend_from_slice(packet.data);
        let _ = self.packets.send(copied);
    }

    /// Waits for the rest.
    pub(crate) fn finish(self) -> Result<Found, Failed> {
        drop(self.packets);
        Ok(threads::result(NAME, self.thread.join())??)
    }
}
