//! What is left to do and how fast it goes, kept for estimates: nothing is decided by it.

use std::collections::HashMap;

use job::{JobId, Millis, Speed, Work};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use crate::rows::to_json;
use crate::{Error, Ledger};

/// Jobs whose speed is kept: the latest.
const KEPT: u32 = 1000;
/// The latest jobs of a model among which one is searched whose pictures are as large as others.
const LATEST: u32 = 20;

/// What is left to do of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Pixels of a picture of the source.
    pub pixels: f64,
    /// Frames of the film.
    pub frames: f64,
    /// All that is left.
    pub work: Work,
}

/// Jobs with the same model and with pictures of the same size that wait for their turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The name of the model, and pixels of a picture of the source; `None` for jobs of which nothing is known.
    pub kind: Option<(String, f64)>,
    /// How many they are.
    pub jobs: u64,
    /// All that is left to do of them.
    pub work: Work,
}

impl Ledger {
    /// Notes what is left to do of a job with a model of this name, where there is such a job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_forecast(&self, id: JobId, model: &str, forecast: &Forecast) -> Result<(), Error> {
        write_forecast(&mut *self.pool.acquire().await?, id, model, forecast).await
    }

    /// Notes how fast a job with a model of this name goes, and what is left of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_speed(
        &self,
        id: JobId,
        model: &str,
        (speed, forecast): (&Speed, &Forecast),
        now: Millis,
    ) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        write_forecast(&mut transaction, id, model, forecast).await?;
        let statement = "INSERT INTO speed (job, model, pixels, at, measured) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (job) DO UPDATE SET model = $2, pixels = $3, at = $4, measured = $5";
        sqlx::query(statement)
            .bind(id.0)
            .bind(model)
            .bind(forecast.pixels)
            .bind(now.0)
            .bind(to_json(speed)?)
            .execute(&mut *transaction)
            .await?;
        // Numbers of jobs ascend.
        let statement = "DELETE FROM speed WHERE job <= $1 - $2";
        sqlx::query(statement).bind(id.0).bind(i64::from(KEPT)).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// How fast a job went, as it was noted last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn speed_of(&self, id: JobId) -> Result<Option<Speed>, Error> {
        let statement = "SELECT measured FROM speed WHERE job = $1";
        let kept: Option<String> =
            sqlx::query_scalar(statement).bind(id.0).fetch_optional(&self.pool).await?;
        // What another version wrote says nothing.
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// How fast a job with a model of this name went lately: of the latest ones, one whose pictures are of about so many pixels.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn speed_like(&self, model: &str, pixels: Option<f64>) -> Result<Option<Speed>, Error> {
        let statement = "SELECT pixels, measured FROM speed WHERE model = $1 ORDER BY at DESC LIMIT $2";
        let rows = sqlx::query(statement).bind(model).bind(LATEST).fetch_all(&self.pool).await?;
        let mut nearest: Option<(f64, Speed)> = None;
        for row in &rows {
            let of: f64 = row.try_get("pixels")?;
            let distance = pixels.map_or(0.0, |pixels| (of / pixels).log2().abs().round());
            // Of those that are as near, the latest comes first.
            if nearest.as_ref().is_none_or(|(known, _)| distance < *known)
                && let Ok(speed) = serde_json::from_str(row.try_get("measured")?)
            {
                nearest = Some((distance, speed));
            }
        }
        Ok(nearest.map(|(_, speed)| speed))
    }

    /// What is left to do of these jobs, as far as that is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forecasts(&self, ids: &[JobId]) -> Result<HashMap<JobId, Forecast>, Error> {
        let mut forecasts = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(1000) {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM forecast WHERE job IN (");
            let mut listed = query.separated(", ");
            for id in ids {
                listed.push_bind(id.0);
            }
            query.push(")");
            for row in query.build().fetch_all(&self.pool).await? {
                let forecast = Forecast {
                    pixels: row.try_get("pixels")?,
                    frames: row.try_get("frames")?,
                    work: work(&row)?,
                };
                forecasts.insert(JobId(row.try_get("job")?), forecast);
            }
        }
        Ok(forecasts)
    }

    /// The jobs that wait for their turn and have it one day by themselves, by model and size of their pictures.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, Error> {
        let statement =
            "SELECT model, pixels, count(*) AS jobs, total(read) AS read, total(computed) AS computed,
                 total(encoded) AS encoded, total(joined) AS joined
             FROM job LEFT JOIN forecast ON forecast.job = job.id
             WHERE job.runnable = 1 AND job.state != 'running' GROUP BY model, pixels";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        let waiting = |row: &SqliteRow| {
            let (model, pixels): (Option<String>, Option<f64>) =
                (row.try_get("model")?, row.try_get("pixels")?);
            let jobs: i64 = row.try_get("jobs")?;
            Ok(Waiting { kind: model.zip(pixels), jobs: jobs.cast_unsigned(), work: work(row)? })
        };
        rows.iter().map(waiting).collect()
    }
}

fn work(row: &SqliteRow) -> Result<Work, Error> {
    Ok(Work {
        read: row.try_get("read")?,
        computed: row.try_get("computed")?,
        encoded: row.try_get("encoded")?,
        joined: row.try_get("joined")?,
    })
}

async fn write_forecast(
    connection: &mut SqliteConnection,
    id: JobId,
    model: &str,
    Forecast { pixels, frames, work }: &Forecast,
) -> Result<(), Error> {
    let statement = "INSERT INTO forecast (job, model, pixels, frames, read, computed, encoded, joined)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE EXISTS (SELECT 1 FROM job WHERE id = $1)
         ON CONFLICT (job) DO UPDATE
             SET model = $2, pixels = $3, frames = $4, read = $5, computed = $6, encoded = $7, joined = $8";
    sqlx::query(statement)
        .bind(id.0)
        .bind(model)
        .bind(pixels)
        .bind(frames)
        .bind(work.read)
        .bind(work.computed)
        .bind(work.encoded)
        .bind(work.joined)
        .execute(connection)
        .await?;
    Ok(())
}
