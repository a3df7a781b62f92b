//! What became of the mutants: a line a kind.

use serde_json::{Value, json};

use super::Row;
use super::judge::Ended;
use super::kind::Kind;

/// Outcomes, as the columns of the table.
const COLUMNS: [&str; 4] = ["done", "with note", "refused", "BAD"];

/// A mutant that ended badly, told at once.
#[expect(clippy::print_stdout, reason = "the table is what the command is run for")]
pub(super) fn bad(row: &Row) {
    if let Ended::Bad(what) = &row.ended {
        println!("BAD {} ({} of {}): {what}", row.number, row.kind.name(), row.file);
    }
}

/// How many of each kind ended in each way.
#[expect(clippy::print_stdout, reason = "the table is what the command is run for")]
pub(super) fn sum(rows: &[Row]) {
    let line = |name: &str, is: &dyn Fn(&Row) -> bool| {
        let counts = count(rows, is);
        let cells: Vec<String> = counts.iter().map(|count| format!("{count:>9}")).collect();
        println!("{name:26} {} {:>9}", cells.join(" "), counts.iter().sum::<usize>());
    };
    let columns: Vec<String> = COLUMNS.iter().map(|name| format!("{name:>9}")).collect();
    println!("{:26} {} {:>9}", "mutation", columns.join(" "), "all");
    for kind in Kind::ALL {
        line(kind.name(), &|row| row.kind == kind);
    }
    line("all", &|_| true);
}

fn count(rows: &[Row], is: &dyn Fn(&Row) -> bool) -> [usize; 4] {
    let mut counts = [0; 4];
    rows.iter().filter(|row| is(row)).for_each(|row| counts[row.ended.column()] += 1);
    counts
}

/// All rows, for programs.
pub(super) fn json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let reason = match &row.ended {
            Ended::Refused(reason) | Ended::Bad(reason) => reason.as_str(),
            Ended::Done | Ended::DoneWithNote => "",
        };
        json!({
            "number": row.number,
            "mutation": row.kind.name(),
            "file": row.file,
            "ended": COLUMNS[row.ended.column()],
            "reason": reason,
            "twice": row.twice,
        })
    };
    rows.iter().map(row).collect()
}
