//! What is tried when a container does not take a stream.

use std::collections::BTreeMap;

use super::listen::listen;
use super::words::{self, moved};
use super::{Rehearsal, Rehearsed, others};
use crate::frame_list::Ends;
use crate::join::sound::{Formats, widest};
use crate::join::streams::name;
use crate::raw::input::Input;
use crate::raw::stream::{Kind, Stream};
use crate::survey::Survey;
use crate::{Carry, Container, Error, JoinReport, Shift, StreamChange};

/// The steps so far.
pub(super) struct Ladder<'a> {
    rehearsal: &'a Rehearsal<'a>,
    survey: &'a Survey,
    input: Input,
    film: usize,
    pub(super) container: Container,
    pub(super) carry: Carry,
    /// Formats of sound that was decoded to know them.
    heard: BTreeMap<usize, Formats>,
    /// What is said whichever steps follow.
    said: Vec<String>,
    /// What was said of single streams in this container.
    of_streams: BTreeMap<usize, String>,
    /// What was said of streams that another container may hold.
    left_out: BTreeMap<usize, String>,
}

impl<'a> Ladder<'a> {
    /// The first step: what the survey found, in the container that was chosen.
    pub(super) fn new(
        rehearsal: &'a Rehearsal<'a>,
        survey: &'a Survey,
        progress: &mut dyn FnMut(),
    ) -> Result<Self, Error> {
        let (input, film) = others(rehearsal.source)?;
        let mut ladder = Self {
            rehearsal,
            survey,
            input,
            film,
            container: rehearsal.container,
            carry: Carry::default(),
            heard: BTreeMap::new(),
            said: Vec::new(),
            of_streams: BTreeMap::new(),
            left_out: BTreeMap::new(),
        };
        ladder.begin(progress)?;
        // Plain samples keep all of a sound that changes, and MPEG-4 has no place for them here.
        let changes = ladder.heard.iter().find(|(_, formats)| formats.len() > 1).map(|(index, _)| *index);
        if let Some(index) = changes.filter(|_| ladder.may_change_container()) {
            let reason = "its sound changes, and MP4 files have no place for plain samples".to_owned();
            ladder.change_container(Some(index), &reason, progress)?;
        }
        Ok(ladder)
    }

    /// Decides for all streams anew, in the container.
    fn begin(&mut self, progress: &mut dyn FnMut()) -> Result<(), Error> {
        self.carry = Carry::default();
        self.of_streams.clear();
        self.left_out.clear();
        let streams: Vec<(usize, Stream<'_>)> = self.input.streams().enumerate().collect();
        let (film, container) = (self.film, self.container);
        let others = streams.iter().filter(|(index, _)| *index != film);
        let mut to_hear = Vec::new();
        for &(index, stream) in others {
            let Some(surveyed) = self.survey.streams.get(index) else { continue };
            if let Some(reason) = unknown(stream, surveyed.packets) {
                self.carry.streams.insert(index, StreamChange::LeaveOut);
                let name = name(index, &stream.codec());
                self.of_streams.insert(index, format!("{name} {reason}: it was left out"));
            } else if stream.kind() == Kind::Audio
                && surveyed.packets > 0
                && (surveyed.may_change() || !container.holds(stream))
            {
                to_hear.push(index);
            }
        }
        let unheard: Vec<usize> =
            to_hear.iter().copied().filter(|index| !self.heard.contains_key(index)).collect();
        if !unheard.is_empty() {
            self.heard.extend(listen(
                self.rehearsal.source,
                &unheard,
                self.rehearsal.index.ends(),
                progress,
            )?);
        }
        let is_carried = |index: usize| {
            let way = self.carry.streams.get(&index);
            let stream = self.input.stream(index);
            way != Some(&StreamChange::LeaveOut)
                && stream.is_some_and(|stream| stream.kind() == Kind::Audio || container.holds(stream))
        };
        let index = self.rehearsal.index;
        let film = index.pts.first().map(|&pts| (index.time_base, pts));
        self.carry.shift = match index.ends() {
            // A part begins with its first frame, and not with what was heard before.
            Ends { begin: Some(begin), time_base, .. } => Shift { ticks: begin.saturating_neg(), time_base },
            _ => self.survey.shift(film, is_carried),
        };
        for index in to_hear {
            self.convert_if_needed(index);
        }
        Ok(())
    }

    /// Converts sound that changes, or that the container does not hold.
    fn convert_if_needed(&mut self, index: usize) {
        let Some(stream) = self.input.stream(index) else { return };
        let Some(formats) = self.heard.get(&index) else { return };
        let changes = formats.len() > 1;
        let Some(widest) = widest(formats).filter(|_| changes || !self.container.holds(stream)) else {
            return;
        };
        let name = name(index, &stream.codec());
        let what = if changes {
            let changes = words::changes(formats, stream.time_base(), self.carry.shift);
            format!("{changes}: it was converted to {}", words::target(self.container, &widest, formats))
        } else {
            words::CONVERTED[usize::from(self.container == Container::Mp4)].to_owned()
        };
        self.of_streams.insert(index, format!("{name}: {what}"));
        self.carry.streams.insert(index, StreamChange::Convert(widest));
    }

    fn may_change_container(&self) -> bool {
        !self.rehearsal.is_forced && self.container == Container::Mp4
    }

    fn change_container(
        &mut self,
        culprit: Option<usize>,
        reason: &str,
        progress: &mut dyn FnMut(),
    ) -> Result<(), Error> {
        let culprit = culprit.map_or_else(|| "the video".to_owned(), |index| self.name(index));
        self.said
            .push(format!("the result is a Matroska file, since MP4 files do not take {culprit} ({reason})"));
        self.container = Container::Matroska;
        self.begin(progress)
    }

    /// The next thing to try after a failure, for which a known stream is to blame or an unknown one.
    pub(super) fn step(
        &mut self,
        culprit: Option<usize>,
        failure: Error,
        progress: &mut dyn FnMut(),
    ) -> Result<(), Error> {
        let reason = match &failure {
            Error::StreamNotHeld { reason, .. } | Error::Ffmpeg { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        if self.may_change_container() {
            return self.change_container(culprit, &reason, progress);
        }
        let Some((index, stream)) = culprit.and_then(|index| Some((index, self.input.stream(index)?))) else {
            return Err(failure);
        };
        let name = self.name(index);
        let is_converted = !self.container.holds(stream)
            || matches!(self.carry.streams.get(&index), Some(StreamChange::Convert(_)));
        let is_last = self.carry.streams.get(&index) == Some(&StreamChange::LeaveOut);
        if is_last {
            return Err(failure);
        }
        if stream.kind() == Kind::Audio && !is_converted {
            if !self.heard.contains_key(&index) {
                self.heard.extend(listen(
                    self.rehearsal.source,
                    &[index],
                    self.rehearsal.index.ends(),
                    progress,
                )?);
            }
            if let Some(format) = self.heard.get(&index).and_then(widest) {
                let target = words::KINDS[usize::from(self.container == Container::Mp4)];
                let note = format!(
                    "{name}: its sound was converted to {target}, since the result cannot hold it as it is ({reason})"
                );
                self.of_streams.insert(index, note);
                self.carry.streams.insert(index, StreamChange::Convert(format));
                return Ok(());
            }
        }
        let note = format!("{name} was left out: the result cannot hold it ({reason})");
        if self.container == Container::Mp4 && self.rehearsal.is_forced {
            self.of_streams.remove(&index);
            self.left_out.insert(index, note);
        } else {
            self.of_streams.insert(index, note);
        }
        self.carry.streams.insert(index, StreamChange::LeaveOut);
        Ok(())
    }

    fn name(&self, index: usize) -> String {
        name(index, &self.input.stream(index).map(Stream::codec).unwrap_or_default())
    }

    /// The streams that are carried over so far.
    pub(super) fn carried(&self) -> Vec<usize> {
        let streams = self.input.streams().enumerate();
        let is_carried = |index: &usize| {
            *index != self.film && self.carry.streams.get(index) != Some(&StreamChange::LeaveOut)
        };
        streams.map(|(index, _)| index).filter(is_carried).collect()
    }

    /// What is done so far with one stream, without all others.
    pub(super) fn only(&self, stream: usize) -> Carry {
        let mut carry = self.carry.clone();
        for other in self.carried().into_iter().filter(|other| *other != stream) {
            carry.streams.insert(other, StreamChange::LeaveOut);
        }
        carry
    }

    /// All that was decided and is to be said.
    pub(super) fn finish(self, report: JoinReport) -> Rehearsed {
        let mut notes = self.said;
        let is_of_part = self.rehearsal.index.ends().begin.is_some();
        if self.carry.shift != Shift::NONE && !is_of_part {
            notes.push(moved(self.carry.shift));
        }
        notes.extend(self.of_streams.into_values());
        notes.extend(report.notes);
        let left_out = self.left_out.into_values().collect();
        let other_bytes = self.survey.bytes;
        Rehearsed { container: self.container, carry: self.carry, notes, left_out, other_bytes }
    }
}

/// Why a stream cannot be described to any container; `None` where it can.
fn unknown(stream: Stream<'_>, packets: u64) -> Option<&'static str> {
    let is_known = match stream.kind() {
        Kind::Audio => stream.has_sound(),
        Kind::Video => stream.is_picture() || stream.size().pixels() > 0,
        Kind::Subtitle | Kind::Attachment | Kind::Data => true,
    };
    match (is_known, packets, stream.kind()) {
        (true, ..) => None,
        (false, 0, _) => Some("is empty"),
        (false, _, Kind::Audio) => Some("does not say how many channels it has, or their rate"),
        (false, ..) => Some("does not say how large its pictures are"),
    }
}
