//! How long jobs take that wait, and the whole queue: what is left of each is in the ledger, and how fast jobs like it went.

use std::collections::HashMap;

use job::state::{Job, Phase, Status};
use job::{Film, JobId, Settings, Shape, Speed, Work};
use ledger::{Forecast, Ledger, Record};
use serde::{Deserialize, Serialize};

use crate::status::JobReport;

/// What is left of all jobs that are worked on or wait for their turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// Jobs that are worked on or wait for their turn.
    pub jobs: u64,
    /// Those among them of which it is not known how long they take.
    pub unknown: u64,
    /// Seconds that all others take; `None` where nothing is known of any.
    pub seconds: Option<f64>,
}

/// What is left to do of a job that was indexed.
pub(crate) fn left(job: &Job) -> Option<Forecast> {
    let film = Film::of(job)?;
    let work = match job.phase {
        Phase::Index => film.reading(film.frames.into()) + film.segments_left(0, &[]) + film.join(),
        Phase::Segments => film.segments_left(job.frames_done(), &[]) + film.join(),
        Phase::Join => film.join(),
        Phase::Publish => Work::default(),
    };
    Some(Forecast { pixels: film.pixels as f64, frames: film.frames.into(), work })
}

/// What a job takes by the head of its source: the shape of its pictures, and about how many there are.
pub(crate) fn foreseen(settings: &Settings, shape: Shape, frames: f64) -> Option<Forecast> {
    let (width, height) = settings.target.size(shape).ok()?;
    let pixels = f64::from(shape.width) * f64::from(shape.height);
    let result = f64::from(width) * f64::from(height);
    let computed = if settings.has_network() { frames * pixels } else { 0.0 };
    let work = Work { read: frames * pixels, computed, encoded: frames * result, joined: frames * result };
    (frames > 0.0 && work.encoded.is_finite()).then_some(Forecast { pixels, frames, work })
}

/// How fast jobs went, asked for once for each kind.
#[derive(Debug, Default)]
pub(crate) struct Speeds(HashMap<(String, u64), Option<Speed>>);

impl Speeds {
    /// Seconds that work takes with a model of this name on pictures of so many pixels.
    pub(crate) async fn seconds(
        &mut self,
        ledger: &Ledger,
        (model, pixels): (&str, f64),
        work: Work,
    ) -> Result<Option<f64>, ledger::Error> {
        let kind = (model.to_owned(), pixels.to_bits());
        if !self.0.contains_key(&kind) {
            let speed = ledger.speed_like(model, Some(pixels)).await?;
            self.0.insert(kind.clone(), speed);
        }
        let speed = self.0.get(&kind).and_then(Option::as_ref);
        Ok(speed.and_then(|speed| speed.seconds(work)))
    }
}

/// How long each of these jobs takes that waits, as far as that can be told.
pub(crate) async fn of_waiting(
    ledger: &Ledger,
    records: &[Record],
) -> Result<HashMap<JobId, f64>, ledger::Error> {
    let waits = |record: &&Record| !record.job.status.is_final() && record.job.status != Status::Running;
    let model = |record: &Record| (record.id, record.request.settings.model.name().to_owned());
    of_these(ledger, records.iter().filter(waits).map(model).collect()).await
}

/// Seconds that the work takes that is left of jobs with models of these names, as far as that can be told.
async fn of_these(ledger: &Ledger, jobs: Vec<(JobId, String)>) -> Result<HashMap<JobId, f64>, ledger::Error> {
    let ids: Vec<JobId> = jobs.iter().map(|(id, _)| *id).collect();
    let forecasts = ledger.forecasts(&ids).await?;
    let (mut speeds, mut needed) = (Speeds::default(), HashMap::new());
    for (id, model) in jobs {
        let Some(&Forecast { pixels, work, .. }) = forecasts.get(&id) else { continue };
        if let Some(seconds) = speeds.seconds(ledger, (&model, pixels), work).await? {
            needed.insert(id, seconds);
        }
    }
    Ok(needed)
}

impl Outlook {
    /// What is left of all jobs. Those that are worked on stand so: where their server does not say how long they take, the ledger
    /// tells.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn of(ledger: &Ledger, running: &[JobReport]) -> Result<Self, ledger::Error> {
        let mut outlook = Self::default();
        let by_ledger =
            of_these(ledger, running.iter().map(|job| (job.id, job.model.clone())).collect()).await?;
        for job in running {
            let known = by_ledger.get(&job.id).copied().filter(|_| job.stalled_seconds.is_none());
            outlook.add(1, job.seconds_left.or(known));
        }
        let mut speeds = Speeds::default();
        for ledger::Waiting { kind, jobs, work } in ledger.waiting().await? {
            let seconds = match &kind {
                Some((model, pixels)) => speeds.seconds(ledger, (model, *pixels), work).await?,
                None => None,
            };
            outlook.add(jobs, seconds);
        }
        Ok(outlook)
    }

    /// Adds jobs, and the seconds that they take together.
    fn add(&mut self, jobs: u64, seconds: Option<f64>) {
        self.jobs += jobs;
        match seconds {
            Some(seconds) => self.seconds = Some(self.seconds.unwrap_or(0.0) + seconds),
            None => self.unknown += jobs,
        }
    }
}
