//! What a job asks for, in the words of `media`.

use frame::{Area, Size};
use job::{Crop, CropArea, Deinterlace, FilmTime, Part};

/// The part of the film that is wanted, for `media`.
pub(super) fn window(part: Part) -> media::Window {
    let micros = |time: FilmTime| time.0;
    media::Window { from: part.from.map(micros), to: part.to.map(micros) }
}

/// What is wanted of interlaced video, for `media`.
pub(super) const fn wanted(deinterlace: Deinterlace) -> media::Deinterlace {
    match deinterlace {
        Deinterlace::Auto => media::Deinterlace::Auto,
        Deinterlace::Off => media::Deinterlace::Off,
        Deinterlace::Frame => media::Deinterlace::Frame,
        Deinterlace::Field => media::Deinterlace::Field,
        Deinterlace::Telecine => media::Deinterlace::Telecine,
    }
}

/// What is to be cut off, for `media`.
pub(crate) const fn wanted_crop(crop: Crop) -> Option<media::Crop> {
    match crop {
        Crop::Off => None,
        Crop::Auto => Some(media::Crop::Bars),
        Crop::To(CropArea { width, height, left, top }) => {
            Some(media::Crop::To(Area { x: left, y: top, size: Size::new(width, height) }))
        }
    }
}
