//! What is tried.

/// A clip, and what is made of it.
#[derive(Debug)]
pub(super) struct Case {
    /// The size of the source.
    pub(super) source: &'static str,
    /// Arguments of `upscaled up` beside those that all cases have.
    pub(super) arguments: &'static str,
}

impl Case {
    /// What tells it from others.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.source, self.arguments)
    }
}

const fn case(source: &'static str, arguments: &'static str) -> Case {
    Case { source, arguments }
}

/// Sizes first, most of them in the encoder that is the default, then encoders, then models.
pub(super) const CASES: [Case; 29] = [
    case("160x120", "--model none --height 240"),
    case("176x144", "--model none --scale 2"),
    case("352x288", "--model none --scale 1"),
    case("180x144", "--model none --scale 4"),
    case("480x360", "--model none --scale 2"),
    case("720x540", "--model none --scale 2"),
    case("720x540", "--model none --scale 4"),
    case("720x480", "--model none --scale 2"),
    case("720x576", "--model none --scale 2"),
    case("640x360", "--model none --scale 2"),
    case("960x540", "--model none --scale 2"),
    case("97x63", "--model none --scale 2"),
    case("131x77", "--model none --scale 4"),
    case("426x240", "--model none --height 360"),
    case("160x120", "--model none --height 240 --preset medium"),
    case("160x120", "--model none --height 240 --preset ultrafast"),
    case("97x63", "--model none --scale 4 --grain 0.2 --codec ffv1"),
    case("160x120", "--model none --height 240 --codec hevc"),
    case("97x63", "--model none --scale 4 --codec hevc"),
    case("720x540", "--model none --scale 2 --codec hevc"),
    case("160x120", "--model none --height 240 --codec av1"),
    case("97x63", "--model none --scale 4 --codec av1"),
    case("720x540", "--model none --scale 2 --codec av1"),
    case("97x63", "--model none --scale 4 --codec prores"),
    case("720x540", "--model none --scale 2 --codec prores"),
    case("97x63", "--model none --scale 4 --codec ffv1"),
    case("720x540", "--model none --scale 2 --codec ffv1"),
    case("52x36", "--model realesr-animevideov3"),
    case("52x36", "--model realesr-general-x4v3"),
];
