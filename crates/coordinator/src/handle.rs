//! The handle of the coordinator: everything that people do with jobs, by whatever program.

mod hooks;
mod videos;

use std::collections::HashMap;
use std::sync::Arc;

use job::state::Numbered;
use job::{FilePath, JobId, Millis, Priority, Settings};
use ledger::{Events, Ledger, Record};
use tokio::sync::{Mutex, MutexGuard, mpsc, oneshot, watch};

use crate::access::Access;
use crate::clock::now;
use crate::commands::{
    self, Adopt, Change, Counts, JobList, ListFilter, Moved, NewPosition, Outcome, Page, PageQuery, Refusal,
    Reply, Request, Retry, Selector, Submit, Submitted, Which,
};
use crate::folders::ServerFolders;
use crate::inbox::{NameRules, Rule};
use crate::outlook::{self, Outlook};
use crate::schedule::SegmentGate;
use crate::status::JobReport;
use crate::submit::{self, describe_for, look_at};
use crate::view::{JobDetails, JobView, Seen};
use crate::viewer::{
    self, Asked, FoundFrame, FoundPart, OpenSource, Parts, Previewer, Side, ViewError, Viewer,
};
use crate::wake::Wake;

/// Events that a reader gets at once.
pub const MOST_EVENTS: u32 = 1000;
/// Segments that a reader gets at once.
pub const MOST_SEGMENTS: u32 = 5000;

/// Does what people ask for. Copies are cheap, and are the same handle.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Inner>, Looks, Option<OfServer>);

/// What shows pictures.
#[derive(Debug, Clone, Default)]
struct Looks {
    viewer: Option<Viewer>,
    previewer: Option<Previewer>,
}

/// What only a server has.
#[derive(Debug, Clone)]
struct OfServer {
    folders: watch::Receiver<ServerFolders>,
    /// Which names the inbox passes over.
    names: watch::Receiver<NameRules>,
    gate: SegmentGate,
}

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    access: Access,
    /// Wakes the service that works on the jobs; `None` where there is none.
    wake: Option<Wake>,
    /// Who reads the settings of the server again.
    reload: Option<mpsc::Sender<ReloadWish>>,
    /// Held by a change: the next one finds what it made of the jobs and of their folders.
    changing: Mutex<()>,
}

/// A person's wish that the settings of the server be read again.
#[derive(Debug)]
pub struct ReloadWish(oneshot::Sender<Result<Vec<String>, String>>);

impl ReloadWish {
    /// Says which settings changed, or what is wrong with the new ones.
    pub fn answer(self, answer: Result<Vec<String>, String>) {
        // The one who asked may have gone.
        let _ = self.0.send(answer);
    }
}

impl Handle {
    /// A handle on jobs that a service works on which waits for this wake.
    pub fn new(ledger: Ledger, wake: Wake, reload: Option<mpsc::Sender<ReloadWish>>) -> Self {
        Self::of(ledger, Some(wake), reload)
    }

    /// A handle on jobs that no service works on: the caller holds the ledger's lock.
    pub fn alone(ledger: Ledger) -> Self {
        Self::of(ledger, None, None)
    }

    fn of(ledger: Ledger, wake: Option<Wake>, reload: Option<mpsc::Sender<ReloadWish>>) -> Self {
        let access = Access::new(ledger.clone());
        Self(
            Arc::new(Inner { ledger, access, wake, reload, changing: Mutex::new(()) }),
            Looks::default(),
            None,
        )
    }

    /// Who may use the server over HTTP.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// As this one, with frames to look at.
    #[must_use]
    pub fn with_viewer(self, viewer: Viewer) -> Self {
        Self(self.0, Looks { viewer: Some(viewer), ..self.1 }, self.2)
    }

    /// As this one, with looks at videos that are no jobs.
    #[must_use]
    pub fn with_previewer(self, previewer: Previewer) -> Self {
        Self(self.0, Looks { previewer: Some(previewer), ..self.1 }, self.2)
    }

    /// As this one, for a server of these folders, whose segments begin where the gate lets them: nothing is taken in whose result
    /// would lie where nothing may be written.
    #[must_use]
    pub fn of_server(
        self,
        folders: watch::Receiver<ServerFolders>,
        names: watch::Receiver<NameRules>,
        gate: SegmentGate,
    ) -> Self {
        Self(self.0, self.1, Some(OfServer { folders, names, gate }))
    }

    /// The rule by which nothing would become of a file of this name in the server's input folder.
    pub fn passed_over(&self, name: &str) -> Option<Rule> {
        self.2.as_ref()?.names.borrow().against_upload(name)
    }

    /// What keeps segments from beginning, in words; `None` where nothing does.
    pub fn hold(&self) -> Option<String> {
        self.2.as_ref()?.gate.hold().map(|hold| hold.to_string())
    }

    /// What would keep segments from beginning, in words, had a person not said that they may; `None` where nothing would.
    pub fn ignored_hold(&self) -> Option<String> {
        self.2.as_ref()?.gate.ignored().map(|hold| hold.to_string())
    }

    /// Takes back what [`Handle::open_now`] did; gives what keeps segments from beginning now.
    ///
    /// # Errors
    /// When no server runs.
    pub fn close_again(&self) -> Result<Option<String>, Refusal> {
        let server = self.2.as_ref().ok_or(Refusal::NoServer)?;
        let hold = server.gate.close_again();
        self.0.wake.iter().for_each(Wake::changed);
        if let Some(hold) = &hold {
            tracing::info!("no segment begins, as asked for: {hold}");
        }
        Ok(hold.map(|hold| hold.to_string()))
    }

    /// Lets segments begin in spite of the schedule and of other programs until what keeps them from it is over; gives what that is.
    ///
    /// # Errors
    /// When no server runs.
    pub fn open_now(&self) -> Result<Option<String>, Refusal> {
        let server = self.2.as_ref().ok_or(Refusal::NoServer)?;
        let hold = server.gate.open_now();
        self.0.wake.iter().for_each(Wake::changed);
        if let Some(hold) = &hold {
            tracing::info!("segments begin again, as asked for, in spite of this: {hold}");
        }
        Ok(hold.map(|hold| hold.to_string()))
    }

    /// Does what a request asks for.
    ///
    /// # Errors
    /// When nothing was done, with the reason.
    pub async fn perform(&self, request: Request) -> Result<Reply, Refusal> {
        commands::check(&request)?;
        Ok(match request {
            Request::List(filter) => Reply::Listed(self.list(filter).await?),
            Request::Show(jobs) => Reply::Shown(self.show(&jobs).await?),
            Request::Submit(submit) => Reply::Submitted(self.submit(*submit).await?),
            Request::Adopt(submit) => Reply::Submitted(self.adopt(*submit).await?),
            Request::Cancel(jobs) => Reply::Changed(self.cancel(&jobs).await?),
            Request::Retry { jobs, again, settings } => {
                Reply::Changed(self.retry(&jobs, again, settings.as_deref()).await?)
            }
            Request::Remove(jobs) => Reply::Changed(self.remove(&jobs).await?),
            Request::Forget { jobs, before, dry_run } => {
                Reply::Changed(self.forget(&jobs, before, dry_run).await?)
            }
            Request::Pause(jobs) => Reply::Changed(self.pause(&jobs).await?),
            Request::Resume(jobs) => Reply::Changed(self.resume(&jobs).await?),
            Request::Prioritize { jobs, priority } => Reply::Changed(self.prioritize(&jobs, priority).await?),
            Request::Move { jobs, to } => Reply::Moved(self.set_position(&jobs, &to).await?),
            Request::Reload => Reply::Reloaded(self.reload().await?),
            Request::OpenNow => Reply::Opened(self.open_now()?),
            Request::CloseAgain => Reply::Held(self.close_again()?),
            Request::Access(request) => Reply::Access(self.0.access.perform(request, now()).await?),
        })
    }

    /// The jobs of these kinds, and the files that are no jobs yet.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn list(&self, filter: ListFilter) -> Result<JobList, Refusal> {
        let ((mut records, left_out), seen) = (
            commands::listed(&self.0.ledger, &filter).await?,
            commands::waiting_files(&self.0.ledger).await?,
        );
        self.end_leases(&mut records);
        let needed = outlook::of_waiting(&self.0.ledger, &records).await?;
        let mut list = blocking(move || JobList::choose(&filter, records, seen, now())).await?;
        add_needed(&mut list.jobs, &needed);
        list.outlook = self.outlook().await?;
        list.left_out += left_out;
        list.hold = self.hold();
        if list.jobs.is_empty() {
            list.removed = self.0.ledger.count_removed().await?;
        }
        Ok(list)
    }

    /// A page of the list.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn page(&self, query: &PageQuery) -> Result<Page, Refusal> {
        let (mut records, next, total) = commands::page(&self.0.ledger, query).await?;
        self.end_leases(&mut records);
        let needed = outlook::of_waiting(&self.0.ledger, &records).await?;
        let views = move || records.iter().map(|record| JobView::of(record, now())).collect();
        let mut jobs: Vec<JobView> = blocking(views).await?;
        add_needed(&mut jobs, &needed);
        Ok(Page { jobs, next, total })
    }

    /// How many jobs of each kind there are on the list.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn counts(&self) -> Result<Counts, Refusal> {
        commands::counts(&self.0.ledger).await
    }

    /// The files in the input folder that are no jobs yet, those that changed last first.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn files(&self) -> Result<Vec<Seen>, Refusal> {
        commands::files(&self.0.ledger).await
    }

    /// The segments of a job from a number on, in order, so many at most. There are none before the job has a plan, and none
    /// any more once it is done.
    ///
    /// # Errors
    /// When there is no such job, or the ledger fails.
    pub async fn segments(&self, id: JobId, from: u32, limit: u32) -> Result<Vec<Numbered>, Refusal> {
        let segments = self.0.ledger.segments(id, from, limit.min(MOST_SEGMENTS)).await?;
        if segments.is_empty() && self.0.ledger.get(id).await?.is_none() {
            return Err(Refusal::NoJob(id));
        }
        Ok(segments)
    }

    /// Finds a frame of a job, by its number from 0 on; as wide as it is, or narrower.
    ///
    /// # Errors
    /// When there is no such frame, it is not made yet, or what it is taken from is gone.
    pub async fn frame(
        &self,
        id: JobId,
        number: u32,
        side: Side,
        most_width: Option<u32>,
    ) -> Result<FoundFrame, ViewError> {
        let viewer = self.1.viewer.as_ref().ok_or(ViewError::NoViewer)?;
        viewer::find(&self.0.ledger, viewer, id, Asked::Frame { number, side, most_width }).await
    }

    /// Finds a small picture of a job's source.
    ///
    /// # Errors
    /// When there is no such job, or its source is gone.
    pub async fn thumbnail(&self, id: JobId) -> Result<FoundFrame, ViewError> {
        let viewer = self.1.viewer.as_ref().ok_or(ViewError::NoViewer)?;
        viewer::find(&self.0.ledger, viewer, id, Asked::Thumbnail).await
    }

    /// Opens the source of a job, so that it can be played beside what was made of it.
    ///
    /// # Errors
    /// When there is no such job, or its source is gone, is another one by now, or lies in several files.
    pub async fn source(&self, id: JobId) -> Result<OpenSource, ViewError> {
        viewer::open_source(&self.0.ledger, id).await
    }

    /// What of a job can be played while the rest is made, from a segment on, so many segments at most as [`MOST_SEGMENTS`] says.
    ///
    /// # Errors
    /// When there is no such job, browsers do not play what it makes, or too many others look at frames.
    pub async fn parts(&self, id: JobId, from: u32) -> Result<Parts, ViewError> {
        let viewer = self.1.viewer.as_ref().ok_or(ViewError::NoViewer)?;
        viewer::list_parts(&self.0.ledger, viewer, id, from).await
    }

    /// Finds a finished segment to be played.
    ///
    /// # Errors
    /// As for [`Handle::parts`], and when the segment is not finished.
    pub async fn part(&self, id: JobId, segment: u32) -> Result<FoundPart, ViewError> {
        let viewer = self.1.viewer.as_ref().ok_or(ViewError::NoViewer)?;
        viewer::find_part(&self.0.ledger, viewer, id, segment).await
    }

    /// All about jobs, in the order of their numbers.
    ///
    /// # Errors
    /// When a selector means none, or the ledger fails.
    pub async fn show(&self, jobs: &Which) -> Result<Vec<JobDetails>, Refusal> {
        let mut records = commands::chosen(&self.0.ledger, jobs, false, |_| true).await?;
        self.end_leases(&mut records);
        let needed = outlook::of_waiting(&self.0.ledger, &records).await?;
        let details = move || records.iter().map(|record| JobDetails::of(record, now())).collect();
        let mut details: Vec<JobDetails> = blocking(details).await?;
        for details in &mut details {
            details.view.report.seconds_needed = needed.get(&details.view.report.id).copied();
        }
        Ok(details)
    }

    /// How long all jobs take that are worked on or wait for their turn, as far as that can be told.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn outlook(&self) -> Result<Outlook, Refusal> {
        let mut records = self.0.ledger.running().await?;
        self.end_leases(&mut records);
        let reports = move || records.iter().map(|record| JobView::of(record, now()).report).collect();
        let running: Vec<JobReport> = blocking(reports).await?;
        Ok(Outlook::of(&self.0.ledger, &running).await?)
    }

    /// What happened to jobs after the event of a number, 0 for all: so many events at most, and never more than
    /// [`MOST_EVENTS`]. A reader that fell behind is told how many it missed.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn events(&self, after: i64, limit: u32) -> Result<Events, Refusal> {
        Ok(self.0.ledger.events(after, limit.min(MOST_EVENTS)).await?)
    }

    /// As [`Handle::events`]; where there is none, waits for the next, without asking the ledger again and again.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn next_events(&self, after: i64, limit: u32) -> Result<Events, Refusal> {
        Ok(self.0.ledger.next_events(after, limit.clamp(1, MOST_EVENTS)).await?)
    }

    /// The number of the latest event, for readers that begin now; 0 before the first.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn last_event(&self) -> Result<i64, Refusal> {
        Ok(self.0.ledger.last_event().await?)
    }

    /// Takes a job in, or goes on with it.
    ///
    /// # Errors
    /// When the source is not there, another job has the name of the result, or the ledger fails.
    pub async fn submit(&self, wanted: Submit) -> Result<Submitted, Refusal> {
        let Submit { source, settings, output, result, overwrite } = wanted;
        let folders = self.2.as_ref().map(|server| server.folders.borrow().clone()).unwrap_or_default();
        let place = result.as_ref().unwrap_or(&output).clone();
        let protecting = move || folders.protects(&place).map(FilePath::from);
        if let Some(folder) = blocking(protecting).await? {
            return Err(Refusal::ReadOnly { folder });
        }
        let request = submit::Request {
            source: source.0,
            settings,
            output: output.0,
            result: result.map(|result| result.0),
            folder: None,
        };
        look_at(&request.source).await;
        let _turn = self.turn().await;
        let new = describe_for(&self.0.ledger, request).await?;
        let submitted = commands::take_in(&self.0.ledger, &new, overwrite).await?;
        if self.2.is_some() && submitted.taken == commands::TakenIn::New {
            tracing::info!("job {}: `{}` is added", submitted.id, new.source.display());
        }
        Ok(submitted)
    }

    /// Takes a job in as done, whose result another program made; a source that is a job already stays that.
    ///
    /// # Errors
    /// When the source or the result is not there, another job has the name of the result, or the ledger fails.
    pub async fn adopt(&self, wanted: Adopt) -> Result<Submitted, Refusal> {
        let Submit { source, settings, output, result, overwrite: _ } = wanted.submit;
        let request =
            submit::Request { source: source.0, settings, output: output.0, result: None, folder: None };
        look_at(&request.source).await;
        let _turn = self.turn().await;
        let new = describe_for(&self.0.ledger, request).await?;
        commands::adopt(&self.0.ledger, &new, result, wanted.made_with.as_deref()).await
    }

    /// Ends jobs and discards their unfinished work, also that of jobs that have failed. The work on those that are worked on
    /// goes as soon as their worker has let go of it.
    ///
    /// # Errors
    /// When none is meant, or the ledger fails; then nothing has changed.
    pub async fn cancel(&self, jobs: &Which) -> Result<Vec<Outcome>, Refusal> {
        self.change(jobs, Change::Cancel).await
    }

    /// Lets failed and canceled jobs go on, or makes results `again`.
    ///
    /// # Errors
    /// As for [`Handle::cancel`], and when settings are others and nothing was to be made again.
    pub async fn retry(
        &self,
        jobs: &Which,
        again: bool,
        settings: Option<&Settings>,
    ) -> Result<Vec<Outcome>, Refusal> {
        let Inner { ledger, wake, changing, .. } = &*self.0;
        let retried = commands::retry(ledger, jobs, Retry { again, settings }, changing).await;
        wake.iter().for_each(Wake::changed);
        retried
    }

    /// Takes jobs that have come to their end off the list.
    ///
    /// # Errors
    /// As for [`Handle::cancel`].
    pub async fn remove(&self, jobs: &Which) -> Result<Vec<Outcome>, Refusal> {
        let _turn = self.turn().await;
        commands::set_removed(&self.0.ledger, jobs).await
    }

    /// Forgets jobs that have come to their end, of these only those that ended `before`: their results and videos stay. With
    /// `dry_run`, only says what would become of them.
    ///
    /// # Errors
    /// When none is meant, or the ledger fails.
    pub async fn forget(
        &self,
        jobs: &Which,
        before: Option<Millis>,
        dry_run: bool,
    ) -> Result<Vec<Outcome>, Refusal> {
        let _turn = self.turn().await;
        let how = commands::Forgetting { before, dry_run, is_alone: self.0.wake.is_none() };
        commands::forget(&self.0.ledger, jobs, how).await
    }

    /// Lets jobs wait.
    ///
    /// # Errors
    /// As for [`Handle::cancel`].
    pub async fn pause(&self, jobs: &Which) -> Result<Vec<Outcome>, Refusal> {
        self.change(jobs, Change::Pause).await
    }

    /// Lets paused jobs go on.
    ///
    /// # Errors
    /// As for [`Handle::cancel`].
    pub async fn resume(&self, jobs: &Which) -> Result<Vec<Outcome>, Refusal> {
        self.change(jobs, Change::Resume).await
    }

    /// Makes jobs more or less urgent.
    ///
    /// # Errors
    /// As for [`Handle::cancel`].
    pub async fn prioritize(&self, jobs: &Which, priority: Priority) -> Result<Vec<Outcome>, Refusal> {
        self.change(jobs, Change::Prioritize(priority)).await
    }

    async fn change(&self, jobs: &Which, change: Change) -> Result<Vec<Outcome>, Refusal> {
        let _turn = self.turn().await;
        commands::change(&self.0.ledger, jobs, change, self.0.wake.is_none()).await
    }

    /// Gives jobs other places among those of their priority; they keep their order.
    ///
    /// # Errors
    /// When one of them cannot have the place, or the ledger fails.
    pub async fn set_position(&self, jobs: &[Selector], to: &NewPosition) -> Result<Moved, Refusal> {
        let _turn = self.turn().await;
        commands::set_position(&self.0.ledger, jobs, to).await
    }

    /// Lets the server read its settings again; says which changed.
    ///
    /// # Errors
    /// When no server runs, or the settings have a mistake.
    pub async fn reload(&self) -> Result<Vec<String>, Refusal> {
        let Some(reload) = &self.0.reload else { return Err(Refusal::NoServer) };
        let (answer, answered) = oneshot::channel();
        reload.send(ReloadWish(answer)).await.map_err(|_| Refusal::NoServer)?;
        answered.await.map_err(|_| Refusal::NoServer)?.map_err(Refusal::Settings)
    }

    /// Lets leases be over where no service works: the one that held them is gone, even where they last a while yet.
    fn end_leases(&self, records: &mut [Record]) {
        if self.0.wake.is_none() {
            for record in records {
                record.job.lease_until = Millis(0);
            }
        }
    }

    /// Waits until other changes are made. The service is woken when this one is.
    async fn turn(&self) -> Turn<'_> {
        Turn { _changing: self.0.changing.lock().await, wake: self.0.wake.as_ref() }
    }
}

/// The time of a change.
struct Turn<'a> {
    _changing: MutexGuard<'a, ()>,
    wake: Option<&'a Wake>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(wake) = self.wake {
            wake.changed();
        }
    }
}

/// Does what reads files, which may take long.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::Failed("the work on the answer broke off".to_owned()))
}

/// Adds how long jobs take that wait.
fn add_needed(jobs: &mut [JobView], needed: &HashMap<JobId, f64>) {
    for JobView { report, .. } in jobs {
        report.seconds_needed = needed.get(&report.id).copied();
    }
}
