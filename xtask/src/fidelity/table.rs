//! The table: a line a file.

use std::path::Path;

use serde_json::{Value, json};

use super::compare::Compared;
use super::{Row, Verdict};

/// Letters of a file's name that are shown.
const NAME: usize = 28;

#[expect(clippy::print_stdout, reason = "the table is what the command is run for")]
pub(super) fn head() {
    println!(
        "{:NAME$}  {:>9}  {:>5} {:>5} {:>5}  {:>5} {:>4} {:>5} {:>4}  {:>7} {:>4} {:>5}  {:>5} {:>4}  verdict",
        "file",
        "frames",
        "time",
        "sync",
        "last",
        "strm",
        "chap",
        "tags",
        "col",
        "pixel",
        "rot",
        "bits",
        "level",
        "dB"
    );
}

/// A line, and what the program said below it.
#[expect(clippy::print_stdout, reason = "the table is what the command is run for")]
pub(super) fn line(row: &Row) {
    let cells = row.compared.as_ref().map_or_else(|| format!("{:84}", ""), cells);
    println!("{:NAME$}  {cells}  {}", name(&row.file), verdict(&row.verdict));
    for note in &row.notes {
        println!("{:NAME$}    said: {}", "", printable(note));
    }
}

fn cells(compared: &Compared) -> String {
    let of = |(kept, all): (usize, usize)| format!("{kept}/{all}");
    let frames = match compared.frames {
        (source, result) if source == result => source.to_string(),
        (source, result) => format!("{source}>{result}"),
    };
    let bits = match compared.bits {
        (source, result) if source == result => source.to_string(),
        (source, result) => format!("{source}>{result}"),
    };
    let (level, psnr) = compared.levels.map_or((String::new(), String::new()), |(level, psnr)| {
        (format!("{level:.2}"), format!("{psnr:.0}"))
    });
    format!(
        "{frames:>9}  {:>5.2} {:>5.2} {:>5.1}  {:>5} {:>4} {:>5} {:>4}  {:>7} {:>4} {bits:>5}  {level:>5} {psnr:>4}",
        compared.time_error,
        compared.sync_error,
        compared.last_error,
        of(compared.streams),
        of(compared.chapters),
        of(compared.tags),
        of(compared.colors),
        compared.pixel,
        compared.rotation,
    )
}

fn verdict(verdict: &Verdict) -> String {
    let (word, reasons) = match verdict {
        Verdict::Good(changes) if changes.is_empty() => return "good".to_owned(),
        Verdict::Good(changes) => ("good: converted", changes.join("; ")),
        Verdict::Refused(reason) => ("refused:", reason.clone()),
        Verdict::Bad(faults) => ("BAD:", faults.join("; ")),
    };
    printable(&format!("{word} {reasons}"))
}

/// The end of a path that fits; the rest says too little.
fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    let name = printable(&name.to_string_lossy());
    if name.chars().count() <= NAME {
        return name;
    }
    let cut: String = name.chars().take(NAME - 2).collect();
    format!("{cut}..")
}

/// A text on one line.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// How many files of each kind there are.
#[expect(clippy::print_stdout, reason = "the table is what the command is run for")]
pub(super) fn sum(rows: &[Row]) {
    let count = |is: fn(&Verdict) -> bool| rows.iter().filter(|row| is(&row.verdict)).count();
    println!(
        "{} files: {} good, {} refused, {} BAD (times in ms; tags and streams kept/all; levels of 255)",
        rows.len(),
        count(|verdict| matches!(verdict, Verdict::Good(_))),
        count(|verdict| matches!(verdict, Verdict::Refused(_))),
        count(|verdict| matches!(verdict, Verdict::Bad(_))),
    );
}

/// All rows, for programs.
pub(super) fn json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let (verdict, reasons) = match &row.verdict {
            Verdict::Good(changes) => ("good", changes.clone()),
            Verdict::Refused(reason) => ("refused", vec![reason.clone()]),
            Verdict::Bad(faults) => ("bad", faults.clone()),
        };
        let compared = row.compared.as_ref().map(|compared| {
            json!({
                "frames": compared.frames,
                "time_error_ms": compared.time_error,
                "sync_error_ms": compared.sync_error,
                "last_duration_error_ms": compared.last_error,
                "streams": compared.streams,
                "chapters": compared.chapters,
                "tags": compared.tags,
                "colors": compared.colors,
                "captions": compared.captions,
                "sample_aspect_ratio": compared.pixel,
                "rotation": compared.rotation,
                "bits": compared.bits,
                "level_error": compared.levels.map(|levels| levels.0),
                "psnr": compared.levels.map(|levels| levels.1),
            })
        });
        json!({
            "file": row.file.to_string_lossy(),
            "verdict": verdict,
            "reasons": reasons,
            "notes": row.notes,
            "seconds": row.seconds,
            "compared": compared,
        })
    };
    rows.iter().map(row).collect()
}
