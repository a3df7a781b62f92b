//! The way of a frame: decode, engine, encode, each on a thread of its own, joined by short queues.
//!
//! Pictures go round: what the encoder has used goes back to the decoder, so that nothing is allocated once the queues
//! are full.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use engine::{RowBand, Session};
use frame::{Planar, RgbF32, Size, WHITE, mean_difference, round_to_16_bits};
use media::RangeDecoder;

use crate::failure::Failed;

/// Pictures between two stages: one that is ready while the next is made.
const QUEUE: usize = 2;
/// Largest mean difference between a picture and its source that is still believed, of 1. Networks stay below 0.03 on
/// the hardest test pictures; a black or scrambled picture of a film is above 0.15.
const LARGEST_DIFFERENCE: f32 = 0.1;

/// A frame on its way.
struct Picture {
    number: u32,
    pts: i64,
    source: RgbF32,
    result: Planar<u16>,
    /// All samples that the engine gave are numbers.
    sound: bool,
}

/// Takes each frame from the decoder through the session to `encode`, in order.
///
/// `first` is the number of the first frame, for messages; `alive` is called now and then while a frame takes long.
pub(crate) fn run(
    mut decoder: RangeDecoder,
    session: Option<&mut dyn Session>,
    scale: u32,
    first: u32,
    alive: &(dyn Fn() + Sync),
    mut encode: impl FnMut(&Planar<u16>, i64) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let (decoded, to_engine) = sync_channel::<Picture>(QUEUE);
    let (upscaled, to_encoder) = sync_channel::<Picture>(QUEUE);
    let (used, free) = channel::<Picture>();
    thread::scope(|scope| {
        let decode = scope.spawn(move || -> Result<(), Failed> {
            for number in first.. {
                let mut picture = free.try_recv().unwrap_or_else(|_| Picture::empty());
                let Some(pts) = decoder.next(&mut picture.source)? else {
                    break;
                };
                (picture.number, picture.pts) = (number, pts);
                if decoded.send(picture).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let upscale = scope.spawn(move || upscale(session, scale, &to_engine, &upscaled, alive));
        let mut encoded = Ok(());
        for picture in &to_encoder {
            encoded = check(&picture).and_then(|()| encode(&picture.result, picture.pts));
            if encoded.is_err() {
                break;
            }
            // The decoder may be done already.
            let _ = used.send(picture);
        }
        // A stage that waits for room in this queue must see that nobody takes from it any more.
        drop(to_encoder);
        let upscaled = upscale.join().unwrap_or_else(|_| Err(Failed::transient("the engine's thread died")));
        let decoded = decode.join().unwrap_or_else(|_| Err(Failed::transient("the decoder's thread died")));
        // The stage that failed first made the later ones stop early without an error of their own.
        decoded.and(upscaled).and(encoded)
    })
}

impl Picture {
    fn empty() -> Self {
        let size = Size::new(0, 0);
        Self { number: 0, pts: 0, source: RgbF32::new(size), result: Planar::new(size), sound: true }
    }
}

fn upscale(
    mut session: Option<&mut dyn Session>,
    scale: u32,
    pictures: &Receiver<Picture>,
    done: &SyncSender<Picture>,
    alive: &(dyn Fn() + Sync),
) -> Result<(), Failed> {
    for mut picture in pictures {
        let Picture { source, result, sound, .. } = &mut picture;
        result.resize(source.size().scaled(scale));
        *sound = true;
        if let Some(session) = session.as_deref_mut() {
            session.run(source, &mut |band| {
                alive();
                *sound &= take(&band, result);
            })?;
        } else {
            let size = source.size();
            let planes = [source.plane(0), source.plane(1), source.plane(2)];
            *sound &= take(&RowBand { y: 0, rows: size.height, width: size.width, planes }, result);
        }
        if done.send(picture).is_err() {
            break;
        }
    }
    Ok(())
}

/// Copies rows into a 16-bit picture, clipped to its range. False when a sample is not a number.
fn take(band: &RowBand<'_>, result: &mut Planar<u16>) -> bool {
    let start = (band.y * band.width) as usize;
    let mut sound = true;
    for (index, plane) in band.planes.iter().enumerate() {
        sound &= round_to_16_bits(plane, &mut result.plane_mut(index)[start..start + plane.len()]);
    }
    sound
}

/// Finds pictures that have nothing to do with their source: black, green, scrambled.
fn check(picture: &Picture) -> Result<(), Failed> {
    if !picture.sound {
        return Err(Failed::transient(format!("the engine gave no numbers at frame {}", picture.number)));
    }
    let difference = mean_difference(&picture.source, &picture.result, WHITE);
    if difference <= LARGEST_DIFFERENCE {
        return Ok(());
    }
    Err(Failed::transient(format!(
        "the engine made a picture that does not look like its source at frame {} (mean difference {difference:.2})",
        picture.number
    )))
}
