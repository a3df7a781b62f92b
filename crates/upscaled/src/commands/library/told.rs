//! What is said of a library.

use coordinator::{Film, Library};
use job::FilePath;
use serde::Serialize;
use storage::Bytes;

use crate::output::{self, cut_middle, width};
use crate::terminal;
use crate::wrap;

/// A video, for programs.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    path: FilePath,
    width: u32,
    height: u32,
    seconds: Option<f64>,
    bytes: u64,
    /// Of the result.
    result_width: Option<u32>,
    result_height: Option<u32>,
    model: &'a str,
    /// The folder of the result.
    output: FilePath,
    /// By earlier jobs of the same model.
    work_seconds: Option<f64>,
    /// By earlier jobs of the same settings.
    result_bytes: Option<u64>,
}

impl<'a> Line<'a> {
    pub(super) fn of(film: &'a Film) -> Self {
        Self {
            path: film.source.clone().into(),
            width: film.size.0,
            height: film.size.1,
            seconds: film.seconds,
            bytes: film.bytes,
            result_width: film.makes.map(|(width, _)| width),
            result_height: film.makes.map(|(_, height)| height),
            model: film.settings.model.name(),
            output: film.output.clone().into(),
            work_seconds: film.work_seconds,
            result_bytes: film.result_bytes.map(|bytes| bytes as u64),
        }
    }
}

/// Writes a line for each video.
pub(super) fn films(library: &Library) -> anyhow::Result<()> {
    let rows: Vec<[String; 4]> = library.films.iter().map(columns).collect();
    let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or_default();
    let widths = [widest(0), widest(1), widest(2)];
    let terminal = terminal::columns(&std::io::stdout());
    output::lines(rows.iter().map(|[size, length, bytes, path]| {
        let [sizes, lengths, all_bytes] = widths;
        let head = format!("{size:<sizes$}  {length:>lengths$}  {bytes:>all_bytes$}  ");
        let room = terminal.map_or(usize::MAX, |columns| columns.saturating_sub(width(&head)));
        format!("{head}{}", cut_middle(path, room))
    }))
}

fn columns(film: &Film) -> [String; 4] {
    let makes =
        film.makes.map_or_else(|| "too large".to_owned(), |(width, height)| format!("{width}x{height}"));
    [
        format!("{}x{} -> {makes}", film.size.0, film.size.1),
        film.seconds.map_or_else(|| "-".to_owned(), output::duration),
        Bytes(film.bytes).to_string(),
        output::path(&film.source),
    ]
}

/// Says what all of it comes to, and what was left out.
pub(super) fn summary(library: &Library, below: u32) {
    let Library { films, jobs, twins, results, large, unreadable, closed, excluded, left_out } = library;
    let seconds: f64 = films.iter().filter_map(|film| film.seconds).sum();
    let bytes = films.iter().map(|film| film.bytes).sum();
    let videos = if films.len() == 1 { "1 video".to_owned() } else { format!("{} videos", films.len()) };
    wrap::say(&format!(
        "{videos} below {below} rows without an upscaled twin: {} to play, {}",
        output::duration(seconds),
        Bytes(bytes)
    ));
    if let Some(estimate) = estimate(films) {
        wrap::say(&estimate);
    }
    wrap::say(&format!(
        "left out: {large} with {below} rows or more, {jobs} that are jobs, {twins} with a result, {results} results, {excluded} that the settings exclude"
    ));
    for (path, why) in unreadable.iter().chain(closed) {
        wrap::say(&output::one_line(&format!("cannot be read: {}: {why}", output::path(path))));
    }
    if *left_out > 0 {
        wrap::say(&format!("{left_out} more files were not looked into: name a folder of them"));
    }
}

/// What making them would take, as far as earlier jobs tell.
fn estimate(films: &[Film]) -> Option<String> {
    let of = |known: usize| match known {
        known if known == films.len() => String::new(),
        known => format!(" for {known} of them"),
    };
    let work: Vec<f64> = films.iter().filter_map(|film| film.work_seconds).collect();
    let bytes: Vec<f64> = films.iter().filter_map(|film| film.result_bytes).collect();
    let work = (!work.is_empty())
        .then(|| format!("{} of work{}", output::duration(work.iter().sum()), of(work.len())));
    let bytes = (!bytes.is_empty())
        .then(|| format!("{} of results{}", Bytes(bytes.iter().sum::<f64>() as u64), of(bytes.len())));
    let known: Vec<String> = work.into_iter().chain(bytes).collect();
    (!known.is_empty()).then(|| format!("by earlier jobs, making them is about {}", known.join(" and ")))
}
