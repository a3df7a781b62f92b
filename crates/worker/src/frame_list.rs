//! The frame list on disk.

use std::ops::Range;
use std::path::Path;

use frame::Rational;
use job::message::{FailureKind, FrameListFile as Place};
use media::{FieldOrder, Fields, Index, IndexMethod, Made, Stretch};
use storage::{FieldsPart, FrameListFile, StretchPart};

use crate::failure::Failed;

/// What is made of fields, as the file has it.
const FRAMES: u32 = 1;
const FIELDS: u32 = 2;
const FILM: u32 = 3;

/// Field orders, as the file has them.
const ORDERS: [FieldOrder; 3] = [FieldOrder::Flagged, FieldOrder::TopFirst, FieldOrder::BottomFirst];

/// Writes a frame list; gives the checksum of its bytes.
pub(crate) fn write(index: &Index, path: &Path) -> Result<String, Failed> {
    let file = FrameListFile {
        time_base: (index.time_base.num, index.time_base.den),
        pts: index.pts.clone(),
        keyframes: index.keyframes.clone(),
        last_duration: index.last_duration,
        seekable: index.seekable,
        fields: index.fields.as_ref().map(part),
    };
    file.write(path)?;
    Ok(blake3::hash(&file.encode()).to_hex().to_string())
}

fn part(fields: &Fields) -> FieldsPart {
    let (made, kept) = match &fields.made {
        Made::Frames => (FRAMES, Vec::new()),
        Made::Fields => (FIELDS, Vec::new()),
        Made::Film { kept } => (FILM, kept.clone()),
    };
    let stretch = |stretch: &Stretch| StretchPart {
        first: stretch.frames.start,
        end: stretch.frames.end,
        order: ORDERS.iter().position(|&order| order == stretch.order).unwrap_or_default() as u32,
    };
    let decoded = &fields.decoded;
    FieldsPart {
        made,
        time_base: (decoded.time_base.num, decoded.time_base.den),
        pts: decoded.pts.clone(),
        keyframes: decoded.keyframes.clone(),
        last_duration: decoded.last_duration,
        kept,
        stretches: fields.stretches.iter().map(stretch).collect(),
    }
}

/// Reads the frame list that was written with this checksum.
pub(crate) fn read(place: &Place) -> Result<Index, Failed> {
    let lost = |message: String| Failed::new(FailureKind::FrameListLost, message);
    let file = FrameListFile::read(&place.path).map_err(|error| lost(error.to_string()))?;
    if blake3::hash(&file.encode()).to_hex().as_str() != place.blake3 {
        return Err(lost(format!("the frame list `{}` is not the job's", place.path.display())));
    }
    let gaps: Vec<Range<u32>> = place.gaps.iter().map(|gap| gap.first..gap.end).collect();
    let list = |time_base: (i32, i32), pts, keyframes, last_duration, gaps| Index {
        time_base: Rational::new(time_base.0, time_base.1),
        pts,
        keyframes,
        last_duration,
        seekable: file.seekable,
        method: if file.seekable { IndexMethod::Demux } else { IndexMethod::Decode },
        gaps,
        left_out: 0,
        cut_off: 0,
        flagged: Vec::new(),
        fields: None,
    };
    let fields = match file.fields {
        None => None,
        Some(part) => {
            let made = match part.made {
                FRAMES => Made::Frames,
                FIELDS => Made::Fields,
                FILM => Made::Film { kept: part.kept },
                other => return Err(lost(format!("the frame list has a kind {other} that nobody knows"))),
            };
            let stretch = |part: StretchPart| {
                let order = ORDERS.get(part.order as usize).copied();
                order.map(|order| Stretch { frames: part.first..part.end, order })
            };
            let stretches: Option<Vec<Stretch>> = part.stretches.into_iter().map(stretch).collect();
            let stretches = stretches
                .filter(|stretches| Stretch::are_within(stretches, part.pts.len()))
                .ok_or_else(|| lost("the frame list has stretches of fields that cannot be".to_owned()))?;
            let of_file = Fields::gaps_of_file(&made, &gaps);
            let decoded = list(part.time_base, part.pts, part.keyframes, part.last_duration, of_file);
            Some(Fields { made, stretches, decoded: Box::new(decoded) })
        }
    };
    Ok(Index { fields, ..list(file.time_base, file.pts, file.keyframes, file.last_duration, gaps) })
}
