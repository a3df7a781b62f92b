//! Of which formats streams of sound are: only decoding shows it.

use std::collections::BTreeMap;

use crate::frame_list::Ends;
use crate::join::sound::{Formats, Listener};
use crate::probe::video_stream;
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::survey::Limit;
use crate::{Error, Source};

/// Decodes streams of sound to see of which formats they are; those that cannot be decoded are not among them.
pub(super) fn listen(
    source: &Source,
    streams: &[usize],
    ends: Ends,
    progress: &mut dyn FnMut(),
) -> Result<BTreeMap<usize, Formats>, Error> {
    let mut input = Input::open(source)?;
    let (film, _) = video_stream(&input)?;
    let mut listeners = BTreeMap::new();
    for &index in streams {
        if let Some(stream) = input.stream(index)
            && let Some(listener) = Listener::open(stream)?
        {
            listeners.insert(index, listener);
        }
    }
    if listeners.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut limit = Limit::set(&mut input, film, ends, |index| listeners.contains_key(&index));
    let mut packet = RawPacket::new()?;
    while !limit.is_reached() && input.read(&mut packet)? {
        if let Some(stream) = input.stream(packet.stream()) {
            limit.note(stream, &packet);
        }
        if let Some(listener) = listeners.get_mut(&packet.stream()) {
            listener.hear(Some(&mut packet))?;
        }
        progress();
    }
    for listener in listeners.values_mut() {
        listener.hear(None)?;
    }
    Ok(listeners.into_iter().map(|(index, listener)| (index, listener.formats)).collect())
}
