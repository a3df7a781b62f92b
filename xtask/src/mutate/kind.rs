//! The kinds of mutation, and the making of a mutant.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use super::random::Random;
use super::{Source, bytes, extension, headers, remux};

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Head,
    Elements,
    Cut,
    Pieces,
    Packets,
    Rewrap,
    Streams,
    Sizes,
    Glued,
    Keyframes,
    Parameters,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::Head,
        Self::Elements,
        Self::Cut,
        Self::Pieces,
        Self::Packets,
        Self::Rewrap,
        Self::Streams,
        Self::Sizes,
        Self::Glued,
        Self::Keyframes,
        Self::Parameters,
    ];

    /// What the table calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Head => "damaged head",
            Self::Elements => "damaged elements",
            Self::Cut => "cut",
            Self::Pieces => "pieces exchanged",
            Self::Packets => "packets damaged, dropped",
            Self::Rewrap => "another container",
            Self::Streams => "streams of two files",
            Self::Sizes => "another size stated",
            Self::Glued => "two sizes glued",
            Self::Keyframes => "keyframes flipped",
            Self::Parameters => "parameters exchanged",
        }
    }
}

/// A mutant: its kind, its bytes and the ending of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mutant {
    pub(super) kind: Kind,
    pub(super) source: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) ending: String,
}

/// Makes the mutant of a number, with room for files beside it. Which kinds there are depends on the file: one that
/// cannot be made gives its place to the next one.
pub(super) fn make(sources: &[Source], seed: u64, number: u64, folder: &Path) -> anyhow::Result<Mutant> {
    let mut random = Random::new(seed, number);
    let source = random.below(sources.len());
    let other = random.pick(sources).context("there are no files")?;
    let first = random.below(Kind::ALL.len());
    for turn in 0..Kind::ALL.len() {
        let kind = Kind::ALL[(first + turn) % Kind::ALL.len()];
        if let Some((bytes, ending)) = mutate(kind, sources, (&sources[source], other), folder, &mut random)?
        {
            return Ok(Mutant { kind, source, bytes, ending });
        }
    }
    ensure!(!sources.is_empty(), "there are no files");
    anyhow::bail!("nothing can be changed in {}", sources[source].path.display())
}

fn mutate(
    kind: Kind,
    sources: &[Source],
    (source, other): (&Source, &Source),
    folder: &Path,
    random: &mut Random,
) -> anyhow::Result<Option<(Vec<u8>, String)>> {
    let read = |source: &Source| {
        fs::read(&source.path).with_context(|| format!("reading {}", source.path.display()))
    };
    let made = match kind {
        Kind::Packets => remux::packets(source, folder, random).map(|bytes| (bytes, extension(&source.path))),
        Kind::Rewrap => remux::rewrap(source, folder, random),
        Kind::Streams => remux::streams(source, other, folder, random),
        Kind::Glued => remux::glued(sources, source, folder, random),
        _ => {
            let mut bytes = read(source)?;
            let done = match kind {
                Kind::Head => bytes::head(&mut bytes, random),
                Kind::Elements => headers::elements(&mut bytes, random),
                Kind::Cut => bytes::cut(&mut bytes, random),
                Kind::Pieces => bytes::pieces(&mut bytes, random),
                Kind::Sizes => headers::sizes(&mut bytes, source.size, random),
                Kind::Keyframes => headers::keyframes(&mut bytes, random),
                _ => headers::parameters(&mut bytes, &read(other)?, random),
            };
            done.map(|()| (bytes, extension(&source.path)))
        }
    };
    Ok(made.map(|(bytes, ending)| (bytes, ending.to_owned())))
}
