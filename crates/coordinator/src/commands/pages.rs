//! Replies in parts: one may hold thousands of jobs, and no message is without a bound.

use super::list::JobList;
use super::message::Reply;
use crate::outlook::Outlook;

/// Most jobs of a part.
pub(crate) const PAGE: usize = 500;

/// The parts of a reply, which [`append`] puts together again: at most so many jobs or files in each, and one part at least.
pub(crate) fn pages(reply: Reply, most: usize) -> Vec<Reply> {
    match reply {
        Reply::Listed(JobList { jobs, unfinished, left_out, seen, removed, outlook, hold }) => {
            let jobs = cut(jobs, most).into_iter().map(|jobs| JobList { jobs, ..JobList::default() });
            let seen = cut(seen, most).into_iter().map(|seen| JobList { seen, ..JobList::default() });
            let counts = JobList { unfinished, left_out, removed, outlook, hold, ..JobList::default() };
            jobs.chain(seen).chain([counts]).map(Reply::Listed).collect()
        }
        Reply::Shown(jobs) => some(cut(jobs, most), Reply::Shown),
        Reply::Changed(outcomes) => some(cut(outcomes, most), Reply::Changed),
        whole @ (Reply::Submitted(_)
        | Reply::Moved(_)
        | Reply::Reloaded(_)
        | Reply::Opened(_)
        | Reply::Held(_)
        | Reply::Access(_)) => {
            vec![whole]
        }
    }
}

fn some<T>(parts: Vec<Vec<T>>, reply: impl Fn(Vec<T>) -> Reply) -> Vec<Reply> {
    if parts.is_empty() { vec![reply(Vec::new())] } else { parts.into_iter().map(reply).collect() }
}

fn cut<T>(items: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut items = items.into_iter().peekable();
    let mut parts = Vec::new();
    while items.peek().is_some() {
        parts.push(items.by_ref().take(most).collect());
    }
    parts
}

/// Puts the next part of a reply to those that came before. False where it is none of the same reply.
pub(crate) fn append(reply: &mut Reply, next: Reply) -> bool {
    match (reply, next) {
        (Reply::Listed(list), Reply::Listed(next)) => {
            list.jobs.extend(next.jobs);
            list.seen.extend(next.seen);
            list.unfinished += next.unfinished;
            list.left_out += next.left_out;
            list.removed += next.removed;
            if next.outlook != Outlook::default() {
                list.outlook = next.outlook;
            }
            list.hold = list.hold.take().or(next.hold);
        }
        (Reply::Shown(jobs), Reply::Shown(next)) => jobs.extend(next),
        (Reply::Changed(outcomes), Reply::Changed(next)) => outcomes.extend(next),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use job::{JobId, Millis};

    use super::*;
    use crate::commands::list::tests::queued;
    use crate::commands::{Became, Outcome};
    use crate::view::{JobDetails, JobView, Seen};

    #[test]
    fn parts_come_together_again() {
        let now = Millis(99);
        let seen = |number: i64| Seen {
            path: "/in/a".into(),
            size: 1,
            modified: now,
            since: Millis(number),
            reason: String::new(),
        };
        let outcome = |id| Outcome { id: JobId(id), became: Became::Done };
        for count in [0, 1, 4, 5, 13] {
            let list = JobList {
                jobs: (0..count).map(|id| JobView::of(&queued(id), now)).collect(),
                unfinished: 3,
                left_out: 2,
                removed: 7,
                outlook: Outlook { jobs: 4, unknown: 1, seconds: Some(5.0) },
                hold: Some("paused".to_owned()),
                seen: (0..count).map(seen).collect(),
            };
            let shown = (0..count).map(|id| JobDetails::of(&queued(id), now)).collect();
            for reply in [
                Reply::Listed(list),
                Reply::Shown(shown),
                Reply::Changed((0..count).map(outcome).collect()),
                Reply::Reloaded(Vec::new()),
            ] {
                let mut parts = pages(reply.clone(), 4).into_iter();
                let mut whole = parts.next().unwrap();
                for part in parts {
                    assert!(append(&mut whole, part));
                }
                assert_eq!(whole, reply);
            }
        }
        assert!(!append(&mut Reply::Changed(Vec::new()), Reply::Shown(Vec::new())));
    }
}
