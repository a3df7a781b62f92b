//! When segments may begin: in windows of the local time, and while no other program needs the machine. What is under way is
//! finished, and light work goes on at any time.

mod busy;
mod window;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::ZonedDateTime;
use tokio::sync::{Notify, watch};

use self::busy::Others;
pub use self::window::{Window, WindowError};
use crate::blocking::blocking;
use crate::shutdown::Shutdown;
use crate::wake::Wake;

/// Time between two looks, at least.
const LEAST: Duration = Duration::from_secs(1);
/// Time between two looks at other programs.
const BUSY: Duration = Duration::from_secs(30);
/// Most time between two looks at the clock, which may be set and stands still while the machine sleeps.
const CLOCK: Duration = Duration::from_mins(1);

/// When segments may begin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedule {
    /// In one of these windows; at any time where there are none.
    pub windows: Vec<Window>,
    /// Not while a program of one of these names runs.
    pub pause_while: Vec<String>,
    /// Not while other programs keep more cores busy than this, in the mean of half a minute.
    pub most_load: Option<f64>,
}

impl Schedule {
    fn looks_at_others(&self) -> bool {
        !self.pause_while.is_empty() || self.most_load.is_some()
    }

    /// What keeps segments from beginning, as far as the clock tells.
    fn by_clock(&self, now: &ZonedDateTime) -> Option<Hold> {
        if self.windows.is_empty() || self.windows.iter().any(|window| window.end_around(now).is_some()) {
            return None;
        }
        Some(Hold::Schedule { until: self.windows.iter().filter_map(|window| window.next(now)).min() })
    }

    /// When the clock changes what it says, next.
    fn next_change(&self, now: &ZonedDateTime) -> Option<ZonedDateTime> {
        let times = |window: &Window| [window.end_around(now), window.next(now)];
        self.windows.iter().flat_map(times).flatten().filter(|time| time > now).min()
    }
}

/// What keeps segments from beginning.
#[derive(Debug, Clone, PartialEq)]
pub enum Hold {
    /// It is outside of all windows.
    Schedule {
        /// When the next one begins.
        until: Option<ZonedDateTime>,
    },
    /// A program runs.
    Program(String),
    /// Other programs keep so many cores busy.
    Load(f64),
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule { until: Some(until) } => {
                let is_today =
                    until.date() == ZonedDateTime::now().with_time_zone(until.time_zone().clone()).date();
                let form = if is_today { "%H:%M" } else { "%a %H:%M" };
                write!(f, "paused by schedule until {}", until.strftime(form))
            }
            Self::Schedule { until: None } => f.write_str("paused by schedule"),
            Self::Program(name) => write!(f, "paused while {name} runs"),
            Self::Load(_) => f.write_str("paused while other programs keep the machine busy"),
        }
    }
}

/// Whether segments may begin now. Copies are the same gate.
#[derive(Debug, Clone, Default)]
pub struct SegmentGate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    schedule: Mutex<Schedule>,
    /// What keeps segments from beginning, and whether a person said that they may all the same.
    state: watch::Sender<(Option<Hold>, bool)>,
    changed: Notify,
}

impl SegmentGate {
    /// Lets another schedule hold.
    pub fn set(&self, schedule: Schedule) {
        *self.0.schedule.lock().unwrap_or_else(PoisonError::into_inner) = schedule;
        self.0.changed.notify_one();
    }

    /// What keeps segments from beginning; `None` where nothing does.
    pub fn hold(&self) -> Option<Hold> {
        let (hold, is_ignored) = &*self.0.state.borrow();
        hold.clone().filter(|_| !is_ignored)
    }

    /// What would keep segments from beginning, had a person not said that they may.
    pub fn ignored(&self) -> Option<Hold> {
        let (hold, is_ignored) = &*self.0.state.borrow();
        hold.clone().filter(|_| *is_ignored)
    }

    /// Takes back what [`SegmentGate::open_now`] did; gives what keeps segments from beginning now.
    pub fn close_again(&self) -> Option<Hold> {
        self.0.state.send_modify(|(_, is_ignored)| *is_ignored = false);
        self.hold()
    }

    /// Lets segments begin in spite of what keeps them from it, until that is over; gives what it is.
    pub fn open_now(&self) -> Option<Hold> {
        let mut before = None;
        self.0.state.send_modify(|(hold, is_ignored)| {
            before.clone_from(hold);
            *is_ignored = hold.is_some();
        });
        before
    }

    /// Looks once, so that nothing begins before it is known whether it may.
    pub async fn look(&self, wake: &Wake) {
        self.look_at(&mut Others::default(), wake).await;
    }

    /// Keeps up with the time and with other programs until the shutdown is requested; `wake` tells the service.
    pub async fn keep(self, wake: Wake, shutdown: Shutdown) {
        let mut others = Others::default();
        while !shutdown.is_requested() {
            let pause = self.look_at(&mut others, &wake).await;
            tokio::select! {
                () = shutdown.sleep(pause) => {}
                () = self.0.changed.notified() => {}
            }
        }
    }

    /// Looks at the time and at other programs; gives the time until that is to be done again.
    async fn look_at(&self, others: &mut Others, wake: &Wake) -> Duration {
        let schedule = self.0.schedule.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = ZonedDateTime::now();
        let mut hold = schedule.by_clock(&now);
        // What was read long ago says nothing of now.
        let mut known = std::mem::take(others);
        if hold.is_none() && schedule.looks_at_others() {
            let asked = schedule.clone();
            (hold, *others) = blocking(move || (known.hold(&asked), known)).await;
        }
        self.tell(hold.as_ref(), wake);
        let until = schedule.next_change(&now).map(|time| now.duration_until(&time).unsigned_abs());
        let pause = if schedule.looks_at_others() { BUSY } else { CLOCK };
        until.map_or(pause, |until| until.min(pause)).max(LEAST)
    }

    fn tell(&self, hold: Option<&Hold>, wake: &Wake) {
        let is_news = self.0.state.send_if_modified(|(before, is_ignored)| {
            // How busy the others are is no news.
            let is_same = match (before.as_ref(), hold) {
                (Some(Hold::Load(_)), Some(Hold::Load(_))) => true,
                (before, hold) => before == hold,
            };
            *before = hold.cloned();
            // What a person said was of that, and not of what came in its place.
            *is_ignored &= is_same && hold.is_some();
            !is_same
        });
        if is_news {
            if let Some(hold) = hold {
                tracing::info!("no segment begins: {hold}");
            } else {
                tracing::info!("segments begin again");
            }
            wake.changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(windows: &[&str]) -> Schedule {
        Schedule {
            windows: windows.iter().map(|text| text.parse().unwrap()).collect(),
            ..Schedule::default()
        }
    }

    #[test]
    fn a_person_goes_on_in_spite_of_one_hold_and_not_of_the_next() {
        let (gate, wake) = (SegmentGate::default(), Wake::default());
        let night = Hold::Schedule { until: None };
        gate.tell(Some(&night), &wake);
        assert_eq!((gate.open_now(), gate.hold()), (Some(night.clone()), None));
        gate.tell(Some(&night), &wake);
        assert_eq!((gate.hold(), gate.ignored()), (None, Some(night.clone())));
        assert_eq!(gate.close_again(), Some(night.clone()));
        assert_eq!((gate.hold(), gate.ignored()), (Some(night.clone()), None));
        gate.open_now();
        let program = Hold::Program("player".to_owned());
        gate.tell(Some(&program), &wake);
        assert_eq!(gate.hold(), Some(program));
        gate.tell(Some(&Hold::Load(2.0)), &wake);
        gate.open_now();
        gate.tell(Some(&Hold::Load(3.0)), &wake);
        assert_eq!(gate.hold(), None);
        gate.tell(None, &wake);
        gate.tell(Some(&Hold::Load(3.0)), &wake);
        assert_eq!(gate.hold(), Some(Hold::Load(3.0)));
    }

    #[test]
    fn the_clock_says_until_when() {
        let now: ZonedDateTime = "2026-11-30T12:00[Europe/Berlin]".parse().unwrap();
        assert_eq!(schedule(&[]).by_clock(&now), None);
        assert_eq!(schedule(&["11:00-13:00"]).by_clock(&now), None);
        let hold = schedule(&["22:00-07:00", "sun 00:00-24:00"]).by_clock(&now);
        let until: ZonedDateTime = "2026-11-30T22:00[Europe/Berlin]".parse().unwrap();
        assert_eq!(hold, Some(Hold::Schedule { until: Some(until.clone()) }));
        assert_eq!(schedule(&["22:00-07:00"]).next_change(&now), Some(until));
    }

    #[tokio::test]
    async fn a_person_may_open_it_until_the_reason_is_over() {
        let (gate, wake) = (SegmentGate::default(), Wake::default());
        assert_eq!(gate.open_now(), None);
        let hold = Hold::Program("a".to_owned());
        gate.tell(Some(&hold), &wake);
        assert_eq!(gate.hold(), Some(hold.clone()));
        assert_eq!((gate.open_now(), gate.hold()), (Some(hold.clone()), None));
        gate.tell(Some(&hold), &wake);
        assert_eq!(gate.hold(), None);
        gate.tell(None, &wake);
        gate.tell(Some(&hold), &wake);
        assert_eq!(gate.hold(), Some(hold));
    }
}
