//! What is known of the files in the folder, and when each is looked at again. No I/O, and the time is passed in.

use std::time::{Duration, Instant};

use job::Millis;
use storage::Stamp;

use super::opening::{Content, Opened};
use super::walk::Found;

/// A file whose size and time held still for so long is complete.
pub(super) const STILL: Duration = Duration::from_secs(3);
/// A video's name on a file that is still for so long and cannot be opened: it is not being copied any more, and becomes a job
/// that fails and says why. Where it is whole later on, that is another job.
const STILL_UNREADABLE: Duration = Duration::from_secs(20);
/// Least and most time between looks for a program that writes to a file, or for the right to read it, and which part of the time
/// since it last changed it is: some programs hold a file open for days.
const HELD: Duration = Duration::from_secs(2);
const HELD_LONG: Duration = Duration::from_mins(1);
const HELD_SHARE: u32 = 10;

/// What a file waits for that has changed a moment ago.
const COPIED: &str = "being copied";

/// A file in the folder.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    /// When it was first seen, for people.
    pub(super) first_seen: Millis,
    /// Since when nothing changed.
    still_since: Instant,
    /// When it is looked at again; `None` when nothing is to be done before it changes.
    due: Option<Instant>,
    /// What it waits for, in words.
    pub(super) reason: String,
    content: Option<Content>,
    control: Option<String>,
    /// A worker looks into it.
    pub(super) is_open: bool,
    /// Which things it waits for have been said.
    told: Vec<&'static str>,
}

impl Entry {
    /// A file that has just been seen; `is_known` when it is a job already.
    pub(super) fn new(found: &Found, is_known: bool, first_seen: Millis, now: Instant) -> Self {
        let mut entry = Self {
            stamp: found.stamp,
            first_seen,
            still_since: now,
            due: None,
            reason: String::new(),
            content: None,
            control: found.control.clone(),
            is_open: false,
            told: Vec::new(),
        };
        if !is_known {
            entry.begin(now);
        }
        entry
    }

    fn begin(&mut self, now: Instant) {
        (self.still_since, self.content) = (now, None);
        let control = self.control.as_ref();
        let controlled = control.map(|control| format!("being downloaded: `{control}` lies beside it"));
        self.wait_until(now + STILL, controlled.unwrap_or_else(|| COPIED.to_owned()));
    }

    fn wait_until(&mut self, due: Instant, reason: String) {
        (self.due, self.reason) = (Some(due), reason);
    }

    /// The file as it is now.
    pub(super) fn update(&mut self, found: &Found, now: Instant) {
        if self.stamp != found.stamp {
            self.stamp = found.stamp;
            self.begin(now);
        }
        if self.control != found.control {
            self.control.clone_from(&found.control);
            // The other program has just finished, or begun.
            if self.due.is_some() {
                self.begin(now);
            }
        }
    }

    /// True when nothing is to be done before it changes.
    pub(super) const fn is_settled(&self) -> bool {
        self.due.is_none()
    }

    /// When it is looked into; `None` while it is looked into, while another program is at it, and when that is not to be.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_open && self.control.is_none())
    }

    /// True when it is time to look into the file, which may have to wait for its turn then.
    pub(super) fn is_ready(&mut self, now: Instant) -> bool {
        if self.due().is_none_or(|due| due > now) {
            return false;
        }
        if self.reason == COPIED {
            "waits to be opened".clone_into(&mut self.reason);
        }
        true
    }

    /// What was found in it before, and whether it is to be taken in whatever is found now.
    pub(super) fn question(&self, settle: Duration, now: Instant) -> (Option<Content>, bool) {
        let still_for = now.saturating_duration_since(self.still_since);
        let enough = match &self.content {
            Some(Content::Unfinished(_)) => settle,
            Some(Content::Unreadable(_)) => unreadable_limit(settle),
            None => return (None, false),
        };
        (self.content.clone(), still_for >= enough)
    }

    /// What came of looking into it when it had this stamp. Gives what is worth a line: each thing that it waits for once.
    pub(super) fn note(
        &mut self,
        opened: Opened,
        stamp: Stamp,
        settle: Duration,
        now: Instant,
    ) -> Option<&str> {
        self.is_open = false;
        if self.stamp != stamp {
            return None;
        }
        let (due, what, why, content) = match opened {
            Opened::TakenIn | Opened::LeftAlone(_) => {
                self.due = None;
                return None;
            }
            Opened::Silent => (now + HELD_LONG, "its disk does not answer", None, None),
            Opened::Held => (now + self.pause(now), "held open by another program", None, None),
            Opened::Forbidden(why) => (now + self.pause(now), "cannot be read", Some(why), None),
            Opened::Waits(Content::Unfinished(why)) => {
                let content = Content::Unfinished(why.clone());
                (self.still_since + settle, "not finished yet", Some(why), Some(content))
            }
            Opened::Waits(Content::Unreadable(why)) => {
                let content = Content::Unreadable(why.clone());
                let due = self.still_since + unreadable_limit(settle);
                (due, "cannot be opened yet", Some(why), Some(content))
            }
        };
        if content.is_some() {
            self.content = content;
        }
        // Something may be found only after the time for it was over.
        let reason = why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"));
        self.wait_until(due.max(now), reason);
        let is_news = !self.told.contains(&what);
        self.told.extend(is_news.then_some(what));
        is_news.then_some(&self.reason)
    }

    /// Time until the next look at what does not change the file itself.
    fn pause(&self, now: Instant) -> Duration {
        (now.saturating_duration_since(self.still_since) / HELD_SHARE).clamp(HELD, HELD_LONG)
    }

    /// Looking into it came to nothing: another time.
    pub(super) fn try_again(&mut self, pause: Duration, now: Instant) {
        self.is_open = false;
        self.due = self.due.map(|_| now + pause);
    }
}

fn unreadable_limit(settle: Duration) -> Duration {
    settle.min(STILL_UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::rule::Rule;

    const SETTLE: Duration = Duration::from_mins(10);

    fn found(size: u64) -> Found {
        let stamp = Stamp { size, mtime_ns: 0, device: 0, inode: 0 };
        Found { path: "a.mkv".into(), stamp, control: None }
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// Looks into it at a time, and says what is asked.
    fn ask(entry: &mut Entry, now: Instant) -> Option<(Option<Content>, bool)> {
        entry.is_ready(now).then(|| entry.question(SETTLE, now))
    }

    #[test]
    fn a_file_is_looked_into_once_it_is_still() {
        let start = Instant::now();
        let mut entry = Entry::new(&found(1), false, Millis(0), start);
        assert_eq!((ask(&mut entry, start + seconds(2)), &*entry.reason), (None, "being copied"));
        entry.update(&found(2), start + seconds(2));
        assert_eq!(ask(&mut entry, start + seconds(4)), None);
        assert_eq!(ask(&mut entry, start + seconds(5)), Some((None, false)));
        assert_eq!(entry.reason, "waits to be opened");
        assert_eq!(entry.note(Opened::TakenIn, entry.stamp, SETTLE, start + seconds(5)), None);
        assert!(entry.is_settled());
        entry.update(&found(2), start + seconds(6));
        assert!(entry.is_settled());
        entry.update(&found(3), start + seconds(6));
        assert_eq!(entry.due(), Some(start + seconds(9)));
    }

    #[test]
    fn a_file_that_states_more_waits_and_is_taken_in_in_the_end() {
        let start = Instant::now();
        let mut entry = Entry::new(&found(1), false, Millis(0), start);
        let half = Content::Unfinished("8 s and 4 s".to_owned());
        assert!(entry.is_ready(start + seconds(3)));
        let said = entry.note(Opened::Waits(half.clone()), entry.stamp, SETTLE, start + seconds(4));
        assert_eq!(said, Some("not finished yet: 8 s and 4 s"));
        assert_eq!(ask(&mut entry, start + seconds(599)), None);
        assert_eq!(ask(&mut entry, start + seconds(600)), Some((Some(half), true)));
        // It goes on after all.
        entry.update(&found(2), start + seconds(601));
        assert_eq!(ask(&mut entry, start + seconds(604)), Some((None, false)));
    }

    #[test]
    fn what_cannot_be_opened_is_given_up_sooner() {
        let start = Instant::now();
        let mut entry = Entry::new(&found(1), false, Millis(0), start);
        let bad = Content::Unreadable("no video".to_owned());
        entry.note(Opened::Waits(bad.clone()), entry.stamp, SETTLE, start + seconds(3));
        assert_eq!(ask(&mut entry, start + seconds(19)), None);
        assert_eq!(ask(&mut entry, start + seconds(20)), Some((Some(bad.clone()), true)));
        entry.note(Opened::Waits(bad.clone()), entry.stamp, seconds(5), start + seconds(3));
        assert_eq!(entry.due(), Some(start + seconds(5)));
    }

    #[test]
    fn a_file_that_somebody_holds_waits_as_long_as_that() {
        let start = Instant::now();
        let mut entry = Entry::new(&found(1), false, Millis(0), start);
        for (time, next) in [(3, 5), (5, 7), (100, 110), (100_000, 100_060)] {
            assert!(ask(&mut entry, start + seconds(time)).is_some(), "{time}");
            let said = entry.note(Opened::Held, entry.stamp, SETTLE, start + seconds(time)).is_some();
            assert_eq!((said, &*entry.reason), (time == 3, "held open by another program"));
            assert_eq!(entry.due(), Some(start + seconds(next)));
        }
    }

    #[test]
    fn a_control_file_is_waited_for() {
        let start = Instant::now();
        let beside = Found { control: Some("a.mkv.aria2".to_owned()), ..found(1) };
        let mut entry = Entry::new(&beside, false, Millis(0), start);
        assert_eq!((entry.due(), ask(&mut entry, start + seconds(700))), (None, None));
        assert!(!entry.is_settled() && entry.reason.contains("a.mkv.aria2"), "{}", entry.reason);
        entry.update(&found(1), start + seconds(701));
        assert_eq!(ask(&mut entry, start + seconds(704)), Some((None, false)));
    }

    #[test]
    fn an_answer_about_what_the_file_was_before_does_not_count() {
        let start = Instant::now();
        let mut entry = Entry::new(&found(1), false, Millis(0), start);
        let before = entry.stamp;
        entry.is_open = true;
        entry.update(&found(2), start + seconds(3));
        assert_eq!(entry.due(), None);
        entry.note(Opened::LeftAlone(Rule::Hidden), before, SETTLE, start + seconds(4));
        assert_eq!(entry.due(), Some(start + seconds(6)));
    }
}
