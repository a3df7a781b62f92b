//! The pictures of a film as FFmpeg shows them, from the first on: nothing is ever sought.

use std::iter;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;
use std::time::Duration;

use super::compare::picture::{is_gray, is_rgb};
use super::media::{Frame, Stream, ratio};
use crate::tool;

/// Planes of a picture.
pub(super) const PLANES: usize = 3;
/// Samples around the edge of a fitted part that are not compared: where it lies to the sample is not stated.
const EDGE: usize = 3;

/// What pictures are brought to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Parts are fitted with bars around them; else every picture fills the canvas.
    pub(super) fits: bool,
    /// Width of a sample for its height.
    pub(super) pixel: f64,
    /// Pictures are turned upright first.
    pub(super) is_turned: bool,
    /// Range or matrix change inside the source.
    pub(super) changes: bool,
}

impl Canvas {
    /// Samples of a plane.
    pub(super) const fn samples(&self) -> usize {
        self.width * self.height
    }

    /// The filters for a stream. Levels become those of YCbCr in limited range: each file's own range is what its tags
    /// say, and RGB goes through the matrix of BT.709.
    fn filter(&self, stream: &Stream, is_source: bool) -> String {
        let Self { width, height, pixel, .. } = self;
        // A palette is resolved before anything is scaled.
        let (before, matrix) =
            if is_rgb(&stream.pix_fmt) { ("format=gbrp,", ":out_color_matrix=bt709") } else { ("", "") };
        let mut colors = format!("flags=area:in_range={}:out_range=tv{matrix}", range(stream));
        if self.changes && is_source {
            // Each frame by its own word, and all as the first one.
            let first = if stream.color_space == "bt709" { "bt709" } else { "bt601" };
            colors = format!(
                "flags=area:in_range=auto:out_range=tv:in_color_matrix=auto:out_color_matrix={first}"
            );
        }
        if self.fits && is_source {
            let w = format!("max(2\\,round(min({width}\\,{height}*dar/{pixel})))");
            let h = format!("max(2\\,round(min({height}\\,{width}*{pixel}/dar)))");
            let pad = format!("pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:black:eval=frame");
            return format!("{before}scale=w={w}:h={h}:eval=frame:{colors},format=yuv444p,{pad}");
        }
        format!("{before}scale={width}:{height}:{colors},format=yuv444p")
    }

    /// The samples of a plane to compare where a frame of the source lies in it.
    pub(super) fn spans(&self, frame: Option<&Frame>) -> Vec<Range<usize>> {
        let place = frame.filter(|_| self.fits).and_then(|frame| self.place(frame));
        let Some((columns, rows)) = place else { return iter::once(0..self.samples()).collect() };
        let is_near = |at: usize, edges: &Range<usize>, end: usize| {
            let near = |edge: usize| edge > 0 && edge < end && at + EDGE >= edge && at < edge + EDGE;
            near(edges.start) || near(edges.end)
        };
        let mut spans: Vec<Range<usize>> = Vec::new();
        for row in (0..self.height).filter(|&row| !is_near(row, &rows, self.height)) {
            for column in (0..self.width).filter(|&column| !is_near(column, &columns, self.width)) {
                let at = row * self.width + column;
                match spans.last_mut() {
                    Some(last) if last.end == at => last.end = at + 1,
                    _ => spans.push(at..at + 1),
                }
            }
        }
        spans
    }

    /// Columns and rows that a frame fills.
    fn place(&self, frame: &Frame) -> Option<(Range<usize>, Range<usize>)> {
        let (mut width, mut height) = (f64::from(frame.width), f64::from(frame.height));
        width *= ratio(&frame.sample_aspect_ratio, ':').unwrap_or(1.0);
        if self.is_turned && frame.rotation().rem_euclid(180) == 90 {
            (width, height) = (height, width);
        }
        let shape = (width > 0.0 && height > 0.0).then(|| width / height)?;
        let (all_columns, all_rows) = (self.width as f64, self.height as f64);
        let columns = (all_rows * shape / self.pixel).min(all_columns).round() as usize;
        let rows = (all_columns * self.pixel / shape).min(all_rows).round() as usize;
        let (left, top) = ((self.width - columns) / 2, (self.height - rows) / 2);
        Some((left..left + columns, top..top + rows))
    }
}

fn range(stream: &Stream) -> &'static str {
    let is_full = match stream.color_range.as_str() {
        "pc" => true,
        "tv" => false,
        _ => is_rgb(&stream.pix_fmt) || is_gray(&stream.pix_fmt) || stream.pix_fmt.starts_with("yuvj"),
    };
    if is_full { "pc" } else { "tv" }
}

/// Starts decoding a film; the pictures come plane after plane.
pub(super) fn decode<'scope>(
    scope: &'scope Scope<'scope, '_>,
    (path, stream, is_source): (&'scope Path, &Stream, bool),
    canvas: Canvas,
    limit: Duration,
) -> Receiver<Vec<u8>> {
    let (send, receive) = sync_channel(2);
    let (filter, index) = (canvas.filter(stream, is_source), stream.index);
    scope.spawn(move || run(path, index, (&filter, canvas), &send, limit));
    receive
}

/// Sends the pictures of a stream; stops when the receiver is gone.
fn run(
    path: &Path,
    stream: usize,
    (filter, canvas): (&str, Canvas),
    pictures: &SyncSender<Vec<u8>>,
    limit: Duration,
) {
    let mut command = tool::ffmpeg(if canvas.is_turned { &[] } else { &["-noautorotate"] }, path);
    command.args(["-map", &format!("0:{stream}"), "-vf", filter, "-fps_mode", "passthrough"]);
    command.args(["-f", "rawvideo", "-"]);
    // A file that cannot be decoded gives no pictures, which the other side notices.
    let _ = tool::run_with(&mut command, limit, |mut pipe| {
        let mut picture = vec![0; canvas.samples() * PLANES];
        while pipe.read_exact(&mut picture).is_ok() && pictures.send(picture.clone()).is_ok() {}
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_of_a_fitted_part_is_not_compared() {
        let canvas =
            Canvas { width: 32, height: 24, fits: true, pixel: 1.0, is_turned: false, changes: false };
        let frame = |width, height| Frame { width, height, ..Frame::default() };
        assert_eq!(canvas.spans(Some(&frame(64, 48))), canvas.spans(None), "it fills the canvas");
        assert_eq!(canvas.place(&frame(24, 32)), Some((7..25, 0..24)));
        let spans = canvas.spans(Some(&frame(24, 32)));
        assert_eq!(spans[..3], [0..4, 10..22, 28..36], "bars and the inner part");
        let whole = Canvas { fits: false, ..canvas };
        assert_eq!(whole.spans(Some(&frame(24, 32))), canvas.spans(None));
    }
}
