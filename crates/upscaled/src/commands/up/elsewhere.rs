//! A job that the server of a folder works on, and other commands that ask about a job of this one.

use std::sync::Arc;
use std::time::Duration;

use coordinator::commands::{self, JobList, ListFilter, Reply, Selector, Submit, Submitted, TakenIn, Which};
use coordinator::socket::{Hello, Role};
use coordinator::{Handle, JobDetails, Request, Shutdown, Teller, Update, Wake};
use job::JobId;
use ledger::Ledger;
use tokio::task::JoinHandle;

use super::Run;
use crate::commands::serve::answer;
use crate::commands::unexpected;
use crate::exit::Ending;
use crate::output;
use crate::progress::{self, View};
use crate::reach::ask;
use crate::root::Root;

/// Time between looks at a job that a server works on.
const FOLLOW: Duration = Duration::from_millis(500);

impl Run {
    /// Lets the server take the job in that runs in a folder.
    pub(super) async fn submit(&self, root: &Root, request: Request) -> anyhow::Result<JobId> {
        let Request { source, settings, output, result, folder: _ } = request;
        let submit = Submit {
            source: source.into(),
            settings,
            output: output.into(),
            result: result.map(Into::into),
            overwrite: self.up.overwrite,
        };
        match ask(root, commands::Request::Submit(Box::new(submit))).await? {
            Reply::Submitted(submitted) => Ok(told(submitted)),
            _ => Err(unexpected()),
        }
    }

    /// Shows the progress of a job that a server works on.
    pub(super) async fn follow(&self, root: &Root, id: JobId) -> anyhow::Result<Ending> {
        output::say(&format!(
            "a server works here: it takes job {id} in its turn; Ctrl-C stops watching, not the job"
        ));
        let updates = Teller::new();
        let view = if self.up.json { View::Json } else { View::Bar };
        let showing = tokio::spawn(progress::show(updates.updates(), view, None));
        let (mut was_queued, mut told) = (false, None);
        let job = loop {
            let job = look(root, id).await?;
            let mut report = job.view.report.clone();
            let is_queued = report.status == "queued";
            // One that has its turn at once waits for nothing.
            let hold = if is_queued && was_queued { hold(root).await? } else { None };
            was_queued = is_queued;
            if let Some(hold) = &hold {
                report.reason = Some(format!("the server is {hold}").into());
            }
            updates.tell(Update::Job(Arc::new(report)));
            if let Some(hold) = &hold
                && told.as_ref() != Some(hold)
            {
                updates.tell(Update::Note { id, notice: go_on_words(hold, root).into() });
                told = Some(hold.clone());
            }
            if job.view.report.ended.is_some() || self.shutdown.is_requested() {
                break job;
            }
            self.shutdown.sleep(FOLLOW).await;
        };
        drop(updates);
        let (report, is_told) = (&job.view.report, showing.await??);
        if report.ended.is_some() { self.tell(report, &job.folder, is_told) } else { Ok(Ending::Stopped) }
    }
}

/// What keeps segments of a server from beginning, in words.
async fn hold(root: &Root) -> anyhow::Result<Option<String>> {
    let none = ListFilter { limit: Some(0), ..ListFilter::default() };
    match ask(root, commands::Request::List(none)).await? {
        Reply::Listed(JobList { hold, .. }) => Ok(hold),
        _ => Err(unexpected()),
    }
}

fn go_on_words(hold: &str, root: &Root) -> String {
    let folder = output::path(root.folder());
    format!(
        "the server is {hold}: segments begin when that is over, or at once after `upscaled resume --now --root {folder}`"
    )
}

/// Says what was done to take a job in, where that is not what was to be expected; gives its number.
pub(super) fn told(Submitted { id, taken }: Submitted) -> JobId {
    match taken {
        TakenIn::DoneAlready => output::say("this was done already"),
        TakenIn::Resumed => output::say("the job was paused: it goes on"),
        TakenIn::GoesOn => output::say("going on with the unfinished job"),
        TakenIn::New | TakenIn::TriedAgain | TakenIn::BegunAgain => {}
    }
    id
}

/// All about a job of a server.
async fn look(root: &Root, id: JobId) -> anyhow::Result<JobDetails> {
    let request = commands::Request::Show(Which::Named(vec![Selector::number(id)]));
    match ask(root, request).await? {
        Reply::Shown(mut jobs) if jobs.len() == 1 => Ok(jobs.remove(0)),
        _ => Err(unexpected()),
    }
}

/// Answers other commands about the jobs of a folder while this one works there.
pub(super) struct Answering {
    stop: Shutdown,
    task: JoinHandle<()>,
    wake: Wake,
}

impl Answering {
    /// Begins; the lock of the folder is held.
    pub(super) fn begin(root: &Root, ledger: &Ledger) -> anyhow::Result<Self> {
        let stop = Shutdown::new();
        let wake = Wake::default();
        let handle = Handle::new(ledger.clone(), wake.clone(), None);
        let task = answer(root, handle, Hello::new(Role::Command), stop.clone())?;
        Ok(Self { stop, task, wake })
    }

    /// By which the service that works on the job hears of changes.
    pub(super) fn wake(&self) -> Wake {
        self.wake.clone()
    }

    pub(super) async fn end(self) {
        self.stop.request();
        let _ = self.task.await;
    }
}
