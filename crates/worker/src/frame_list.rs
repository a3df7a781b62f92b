//! The frame list on disk.

use std::ops::Range;
use std::path::Path;

use frame::{Area, Canvas, Orientation, Rational, Size};
use job::FailureKind;
use media::{FieldOrder, Fields, Index, Made, Part, Quirks, Stretch, Whole};
use protocol::message::FrameListFile as Request;
use storage::{FieldsPart, FrameListFile, PartOfList, PictureKind, PicturesPart, StretchPart};

use crate::failure::Failed;

/// What is made of fields, as the file has it.
const FRAMES: u32 = 1;
const FIELDS: u32 = 2;
const FILM: u32 = 3;

/// Field orders, as the file has them.
const ORDERS: [FieldOrder; 3] = [FieldOrder::Flagged, FieldOrder::TopFirst, FieldOrder::BottomFirst];

/// Writes a frame list; gives the checksum of its bytes.
pub(crate) fn write(index: &Index, path: &Path) -> Result<String, Failed> {
    let part = index.whole.as_deref().map(|whole| part_of(whole, index));
    let index = index.film();
    let file = FrameListFile {
        time_base: (index.time_base.num, index.time_base.den),
        pts: index.pts.clone(),
        keyframes: index.keyframes.clone(),
        last_duration: index.last_duration,
        seekable: index.seekable,
        by_time: index.by_time,
        is_clean: index.decoded().is_clean,
        shows_all: index.decoded().quirks.shows_all,
        pictures: pictures(index.decoded()),
        fields: index.fields.as_ref().map(fields_part),
        crop: index.crop.map(|Area { x, y, size }| [size.width, size.height, x, y]),
        part,
    };
    Ok(file.write(path)?)
}

/// Which frames of a list are made.
fn part_of(whole: &Whole, index: &Index) -> PartOfList {
    PartOfList {
        first: whole.first,
        end: whole.first + index.pts.len() as u32,
        begins_later: whole.begins_later,
        ends_earlier: whole.ends_earlier,
        last_duration: index.last_duration,
        missing: whole.list.missing.iter().map(|run| (run.start, run.end)).collect(),
    }
}

fn pictures(decoded: &Index) -> PicturesPart {
    let kind = |part: &Part| (part.first, lies(part.orientation), kind(part.picture));
    PicturesPart {
        disorder: decoded.disorder,
        reorder: decoded.quirks.reorder,
        canvas: decoded.canvas.map(self::kind).unwrap_or_default(),
        kinds: decoded.parts.iter().map(kind).collect(),
        digests: decoded.digests.clone(),
    }
}

fn kind(Canvas { size, pixel }: Canvas) -> PictureKind {
    PictureKind { width: size.width, height: size.height, pixel: (pixel.num, pixel.den) }
}

/// `None` for a kind without pixels.
fn canvas(PictureKind { width, height, pixel }: PictureKind) -> Option<Canvas> {
    let size = Size::new(width, height);
    (size.pixels() > 0).then(|| Canvas { size, pixel: Rational::new(pixel.0, pixel.1) })
}

/// How pictures lie, as the file has it: a bit for each thing that is to be done.
fn lies(Orientation { transposed, mirrored, flipped }: Orientation) -> u32 {
    u32::from(transposed) | u32::from(mirrored) << 1 | u32::from(flipped) << 2
}

fn orientation(bits: u32) -> Orientation {
    Orientation { transposed: bits & 1 != 0, mirrored: bits & 2 != 0, flipped: bits & 4 != 0 }
}

fn fields_part(fields: &Fields) -> FieldsPart {
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
pub(crate) fn read(place: &Request) -> Result<Index, Failed> {
    let lost = |message: String| Failed::new(FailureKind::FrameListLost, message);
    let (file, checksum) = FrameListFile::read(&place.path).map_err(|error| lost(error.to_string()))?;
    if checksum != place.blake3 {
        return Err(lost(format!("the frame list `{}` is not the job's", place.path.display())));
    }
    let missing: Vec<Range<u32>> = match &file.part {
        // Those of the job are only those of the part.
        Some(part) => part.missing.iter().map(|&(first, end)| first..end).collect(),
        None => place.missing.iter().map(|run| run.first..run.end).collect(),
    };
    let film = canvas(file.pictures.canvas);
    let crop = file.crop.map(|[width, height, x, y]| Area { x, y, size: Size::new(width, height) });
    let quirks = Quirks { shows_all: file.shows_all, reorder: file.pictures.reorder };
    let list = |time_base: (i32, i32), pts, keyframes, last_duration, missing| Index {
        keyframes,
        last_duration,
        seekable: file.seekable,
        by_time: file.by_time,
        is_clean: file.is_clean,
        quirks,
        canvas: film,
        missing,
        ..Index::of_times(Rational::new(time_base.0, time_base.1), pts)
    };
    let pictures = file.pictures;
    let parts = pictures.kinds.into_iter().filter_map(|(first, lies, kind)| {
        Some(Part { first, picture: canvas(kind)?, orientation: orientation(lies) })
    });
    let (parts, digests, disorder) = (parts.collect(), pictures.digests, pictures.disorder);
    // What is known of the pictures belongs to the frames that are decoded.
    let with_pictures = |list: Index| Index { parts, digests, disorder, ..list };
    let Some(part) = file.fields else {
        let list = list(file.time_base, file.pts, file.keyframes, file.last_duration, missing);
        return cut(with_pictures(Index { crop, ..list }), file.part.as_ref());
    };
    let made = match part.made {
        FRAMES => Made::Frames,
        FIELDS => Made::Fields,
        FILM => Made::Film { kept: part.kept },
        other => return Err(lost(format!("the frame list has an unknown kind {other}"))),
    };
    let stretch = |part: StretchPart| {
        let order = ORDERS.get(part.order as usize).copied();
        order.map(|order| Stretch { frames: part.first..part.end, order })
    };
    let stretches: Option<Vec<Stretch>> = part.stretches.into_iter().map(stretch).collect();
    let stretches = stretches
        .filter(|stretches| Stretch::are_within(stretches, part.pts.len()))
        .ok_or_else(|| lost("the frame list has stretches of fields that cannot be".to_owned()))?;
    let of_file = Fields::missing_in_file(&made, &missing);
    let decoded = list(part.time_base, part.pts, part.keyframes, part.last_duration, of_file);
    let fields = Fields { made, stretches, decoded: Box::new(with_pictures(decoded)) };
    let list = list(file.time_base, file.pts, file.keyframes, file.last_duration, missing);
    cut(Index { fields: Some(fields), crop, ..list }, file.part.as_ref())
}

/// The part of a list that is made.
fn cut(list: Index, part: Option<&PartOfList>) -> Result<Index, Failed> {
    let Some(&PartOfList { first, end, begins_later, ends_earlier, last_duration, .. }) = part else {
        return Ok(list);
    };
    if first >= end || end as usize > list.pts.len() {
        let message = "the frame list has a part that cannot be".to_owned();
        return Err(Failed::new(FailureKind::FrameListLost, message));
    }
    Ok(Whole { list, first, begins_later, ends_earlier }.part(end, last_duration))
}
