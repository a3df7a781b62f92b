//! What HDR10 says of the screen that a film was made on, and what its extensions say of each picture.

mod dynamic;

use crate::decode::Frames;
use crate::probe::video_stream;
use crate::raw::codec::Threads;
use crate::raw::input::Input;
use crate::raw::side_data::SideData;
use crate::{Error, Source};

pub use dynamic::dynamic_metadata;

/// Static metadata of HDR10, each part as FFmpeg's side data: empty where the source says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hdr {
    /// Primaries, white point and luminance of the mastering display.
    mastering: Option<Mastering>,
    /// `MaxCLL` and `MaxFALL` in cd/m².
    light: Option<(u32, u32)>,
    side_data: Vec<SideData>,
}

/// SMPTE ST 2086.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mastering {
    /// Red, green, blue and white, x and y, in units of 1/50000.
    points: [[u32; 2]; 4],
    /// Most and least, in units of 1/10000 cd/m².
    luminance: [u32; 2],
}

/// Reads the metadata of a video: by the word of the container, else by that of the first frame.
///
/// # Errors
/// When the file cannot be read or is not a video.
pub fn hdr(source: &Source) -> Result<Hdr, Error> {
    let input = Input::open(source)?;
    let (_, video) = video_stream(&input)?;
    let of_container = video.side_data(true).into_iter().filter(SideData::is_hdr).collect::<Vec<_>>();
    if of_container.len() == 2 {
        return Ok(Hdr::of(of_container));
    }
    let mut frames = Frames::open(source, Threads::One)?;
    let mut found = if frames.advance()? { frames.frame().hdr_side_data() } else { Vec::new() };
    found.extend(of_container);
    found.sort_by_key(SideData::is_light_level);
    found.dedup_by_key(|data| data.is_light_level());
    Ok(Hdr::of(found))
}

impl Hdr {
    fn of(side_data: Vec<SideData>) -> Self {
        let find = |is_light| side_data.iter().find(|data| data.is_light_level() == is_light);
        Self {
            mastering: find(false).and_then(|data| Mastering::of(&data.bytes)),
            light: find(true).and_then(|data| Some((word(&data.bytes, 0)?, word(&data.bytes, 1)?))),
            side_data,
        }
    }

    /// The metadata for containers.
    pub(crate) fn side_data(&self) -> &[SideData] {
        &self.side_data
    }

    /// The options of libx265 that write the metadata into the stream.
    pub(crate) fn x265(&self) -> Vec<String> {
        let mut options = Vec::new();
        if let Some(Mastering { points: [red, green, blue, white], luminance: [most, least] }) =
            self.mastering
        {
            let point = |[x, y]: [u32; 2]| format!("({x},{y})");
            options.push(format!(
                "master-display=G{}B{}R{}WP{}L({most},{least})",
                point(green),
                point(blue),
                point(red),
                point(white)
            ));
        }
        options.extend(self.light.map(|(most, average)| format!("max-cll={most},{average}")));
        options
    }

    /// The options of SVT-AV1 that write the metadata into the stream.
    pub(crate) fn svt_av1(&self) -> Vec<String> {
        let mut options = Vec::new();
        if let Some(Mastering { points: [red, green, blue, white], luminance: [most, least] }) =
            self.mastering
        {
            let point = |[x, y]: [u32; 2]| format!("({:.5},{:.5})", f64::from(x) / 5e4, f64::from(y) / 5e4);
            options.push(format!(
                "mastering-display=G{}B{}R{}WP{}L({:.4},{:.4})",
                point(green),
                point(blue),
                point(red),
                point(white),
                f64::from(most) / 1e4,
                f64::from(least) / 1e4
            ));
        }
        options.extend(self.light.map(|(most, average)| format!("content-light={most},{average}")));
        options
    }
}

impl Mastering {
    /// From FFmpeg's `AVMasteringDisplayMetadata`: eight rational coordinates, least and most luminance, and whether each of
    /// the two kinds is known.
    fn of(bytes: &[u8]) -> Option<Self> {
        let scaled = |at: usize, unit: f64| {
            let (numerator, denominator) = (word(bytes, 2 * at)?, word(bytes, 2 * at + 1)?);
            (denominator > 0).then(|| (f64::from(numerator) / f64::from(denominator) * unit).round() as u32)
        };
        if word(bytes, 20)? == 0 || word(bytes, 21)? == 0 {
            return None;
        }
        let mut points = [[0; 2]; 4];
        for (at, coordinate) in points.as_flattened_mut().iter_mut().enumerate() {
            *coordinate = scaled(at, 50_000.0)?;
        }
        Some(Self { points, luminance: [scaled(9, 10_000.0)?, scaled(8, 10_000.0)?] })
    }
}

/// A number of four bytes, in the order of this machine.
fn word(bytes: &[u8], number: usize) -> Option<u32> {
    let bytes = bytes.get(4 * number..4 * number + 4)?;
    bytes.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a display with the primaries of P3.
    fn bytes() -> Vec<u8> {
        let numbers: [(u32, u32); 11] = [
            (34_000, 50_000),
            (16_000, 50_000),
            (13_250, 50_000),
            (34_500, 50_000),
            (7_500, 50_000),
            (3_000, 50_000),
            (15_635, 50_000),
            (16_450, 50_000),
            (1, 10_000),
            (1_000, 1),
            (1, 1),
        ];
        numbers.iter().flat_map(|(a, b)| [a.to_ne_bytes(), b.to_ne_bytes()]).flatten().collect()
    }

    #[test]
    fn metadata_becomes_options() {
        let hdr = Hdr { mastering: Mastering::of(&bytes()), light: Some((1000, 400)), side_data: Vec::new() };
        let wanted = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";
        assert_eq!(hdr.x265(), [wanted, "max-cll=1000,400"]);
        assert!(hdr.svt_av1()[0].starts_with("mastering-display=G(0.26500,0.69000)B(0.15000,0.06000)"));
        assert!(Hdr::default().x265().is_empty());
    }

    #[test]
    fn damaged_metadata_is_none() {
        assert_eq!(Mastering::of(&bytes()[..80]), None);
        let mut zero = bytes();
        zero[4..8].fill(0);
        assert_eq!(Mastering::of(&zero), None);
        let mut unknown = bytes();
        unknown[80..88].fill(0);
        assert_eq!(Mastering::of(&unknown), None);
    }
}
