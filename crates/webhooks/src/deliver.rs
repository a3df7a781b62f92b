//! One hook: reads the events, delivers what it wants, and tries again where that fails.

use std::sync::Arc;
use std::time::Duration;

use coordinator::commands::{Selector, Which};
use coordinator::{Handle, HookCursor, JobEvent, JobReport, Shutdown, What, now};
use job::{Millis, Notice};

use crate::client::Client;
use crate::event::Event;
use crate::hook::Hook;
use crate::message::Message;

/// Events that are read at once.
const AT_ONCE: u32 = 64;
/// After so many events of no interest it is noted how far the hook is.
const NOTED_AFTER: i64 = 256;
/// The first pause after a failure; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// An event is given up after so long, in milliseconds: a day.
const GIVEN_UP_AFTER: i64 = 24 * 3600 * 1000;
/// The pause after the ledger has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// What a delivery that is under way has left when the server stops.
const LAST_CHANCE: Duration = Duration::from_secs(3);

/// What delivers to a hook.
pub(crate) struct Delivery {
    pub(crate) handle: Handle,
    pub(crate) hook: Arc<Hook>,
    pub(crate) client: Client,
    pub(crate) words: fn(&Notice) -> String,
    pub(crate) stop: Shutdown,
}

/// The server stops, or the hook is not wanted any more.
struct Stopped;

impl Delivery {
    /// Delivers until it is stopped.
    pub(crate) async fn run(self) {
        let Ok(mut cursor) = self.begin().await else { return };
        let _ = self.keep_up(&mut cursor).await;
        // What was passed over is not looked at again, with other wishes perhaps.
        self.note(&cursor).await;
    }

    /// How far the hook is.
    async fn begin(&self) -> Result<HookCursor, Stopped> {
        loop {
            match self.handle.hook_cursor(&self.hook.key()).await {
                Ok(cursor) => return Ok(cursor),
                Err(error) => self.after_failure(&error.to_string()).await?,
            }
        }
    }

    async fn keep_up(&self, cursor: &mut HookCursor) -> Result<(), Stopped> {
        let mut noted = cursor.after;
        loop {
            let read = tokio::select! {
                read = self.handle.next_events(cursor.after, AT_ONCE) => read,
                () = self.stop.requested() => return Err(Stopped),
            };
            let events = match read {
                Ok(events) => events,
                Err(error) => {
                    self.after_failure(&error.to_string()).await?;
                    continue;
                }
            };
            if events.missed > 0 {
                tracing::warn!("{} missed {} events, which are not kept any more", self.hook, events.missed);
            }
            for event in &events.events {
                if let Some(wanted) = self.wanted(event).await? {
                    self.tell(event, wanted, cursor).await?;
                    cursor.after = event.number;
                    self.note(cursor).await;
                    noted = event.number;
                }
                cursor.after = event.number;
            }
            if cursor.after - noted >= NOTED_AFTER {
                self.note(cursor).await;
                noted = cursor.after;
            }
        }
    }

    /// What an event is to this hook; `None` where it is of no interest.
    async fn wanted(&self, event: &JobEvent) -> Result<Option<Event>, Stopped> {
        let Some(what) = Event::of(&event.what).filter(|what| self.hook.events.contains(what)) else {
            return Ok(None);
        };
        if !matches!(event.what, What::Changed { .. }) {
            return Ok(Some(what));
        }
        loop {
            match self.handle.event_before(event).await {
                // It has that status for longer.
                Ok(Some(before)) if Event::of(&before) == Some(what) => return Ok(None),
                // It was taken in as done, as a result that was there already.
                Ok(Some(What::Added)) if what == Event::DONE => return Ok(None),
                Ok(_) => return Ok(Some(what)),
                Err(error) => self.after_failure(&error.to_string()).await?,
            }
        }
    }

    /// Delivers an event, as often as it takes, or gives it up.
    async fn tell(&self, event: &JobEvent, what: Event, cursor: &mut HookCursor) -> Result<(), Stopped> {
        if is_over(event.at, cursor.failing, now()) {
            tracing::warn!("event {} is given up for {}, which fails for a day", event.number, self.hook);
            return Ok(());
        }
        let message = self.message(event, what).await;
        let mut pause = FIRST_PAUSE;
        loop {
            let request = message.request(&self.hook, now());
            let sending = self.client.send(&self.hook.url, self.hook.allow_private, request);
            let Some(sent) = self.last_chance(sending).await else { return Err(Stopped) };
            let Err(error) = sent else {
                if cursor.failing.take().is_some() {
                    tracing::info!("{} works again", self.hook);
                }
                return Ok(());
            };
            if cursor.failing.is_none() {
                tracing::warn!(
                    "{} fails with {}: {error}; it is tried again for a day",
                    self.hook,
                    message.shown()
                );
                cursor.failing = Some(now());
                self.note(cursor).await;
            }
            if is_over(event.at, cursor.failing, now()) {
                tracing::error!("{} is given up for {} after a day: {error}", message.shown(), self.hook);
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.requested() => return Err(Stopped),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for a delivery; after the stop, a little while. `None` where it is not over by then.
    async fn last_chance<T>(&self, sending: impl Future<Output = T>) -> Option<T> {
        let mut sending = std::pin::pin!(sending);
        tokio::select! {
            sent = &mut sending => Some(sent),
            () = self.stop.requested() => tokio::time::timeout(LAST_CHANCE, sending).await.ok(),
        }
    }

    /// What is told of an event.
    async fn message(&self, event: &JobEvent, what: Event) -> Message {
        let which = Which::Named(vec![Selector::number(event.job)]);
        // It may have been forgotten meanwhile.
        let shown = self.handle.show(&which).await.unwrap_or_default();
        let report: Option<JobReport> = shown.into_iter().next().map(|details| details.view.report);
        let reason = report.as_ref().and_then(|report| report.reason.as_ref()).map(self.words);
        let page = self.hook.page.as_deref();
        Message::of_event(event.number, (what, event.job, event.at), report.as_ref(), reason, page)
    }

    /// Notes how far the hook is. Where that fails, some is told twice after a restart.
    async fn note(&self, cursor: &HookCursor) {
        if let Err(error) = self.handle.note_hook(&self.hook.key(), cursor).await {
            tracing::warn!("how far {} is cannot be noted: {error}", self.hook);
        }
    }

    async fn after_failure(&self, error: &str) -> Result<(), Stopped> {
        tracing::error!("{}: {error}; trying again", self.hook);
        tokio::select! {
            () = tokio::time::sleep(AFTER_FAILURE) => Ok(()),
            () = self.stop.requested() => Err(Stopped),
        }
    }
}

/// True where an event is too old and the hook has failed for too long.
fn is_over(at: Millis, failing: Option<Millis>, now: Millis) -> bool {
    let since = failing.map_or(now.0, |failing| failing.0.max(at.0));
    now.0 - since > GIVEN_UP_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_given_up_after_a_day_of_failures() {
        let day = GIVEN_UP_AFTER;
        let over = |at, failing: Option<i64>, now| is_over(Millis(at), failing.map(Millis), Millis(now));
        assert!(!over(0, None, 9 * day), "the server was off: nothing was tried yet");
        assert!(!over(0, Some(0), day) && over(0, Some(0), day + 1));
        // It happened while the hook failed: it has a day of its own.
        assert!(!over(day, Some(0), 2 * day) && over(day, Some(0), 2 * day + 1));
        assert!(!over(0, Some(5 * day), 6 * day));
    }
}
