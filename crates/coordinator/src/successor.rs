//! The result of a file that was not whole gives way to that of the whole one.

use std::path::Path;
use std::time::UNIX_EPOCH;

use job::Container;
use job::state::{Event, Status};
use ledger::Record;

use crate::blocking::blocking;
use crate::clock::now;
use crate::error::Error;
use crate::leftovers::discard_work;
use crate::shared::Shared;

/// How much later than its job came to an end a result may have been written, by clocks that count in different steps.
const SLACK_MILLISECONDS: i64 = 1000;

impl Shared {
    /// Takes over the name of an earlier job of the same path, which had other content then: one that was not whole, or that
    /// came to nothing. False where there is none, or where the name has a file that is not that job's result.
    pub(crate) async fn inherit_name(&self, record: &Record, container: Container) -> Result<bool, Error> {
        let ledger = &self.options.ledger;
        let others = ledger.of_source(&record.request.source).await?;
        for earlier in others.into_iter().rev().filter(|earlier| gives_way(earlier, record)) {
            let Some(name) = &earlier.request.result else { continue };
            let is_of_kind = name.extension().is_some_and(|extension| extension == container.extension());
            if !is_of_kind || name.parent() != Some(&*record.request.output) {
                continue;
            }
            let replaced = match &earlier.job.status {
                Status::Done => Some(earlier.clone()),
                _ => self.replaced_by(&earlier).await?,
            };
            let is_free = name.symlink_metadata().is_err()
                || replaced.as_ref().is_some_and(|replaced| is_result_of(replaced, name));
            let replaced = replaced.map(|replaced| replaced.id);
            if is_free && ledger.inherit_result(earlier.id, record.id, name, replaced).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True when the file that has the name of a job's result is the very result that this one's is to replace.
    pub(crate) async fn may_replace(&self, record: &Record, target: &Path) -> Result<bool, Error> {
        let replaced = self.replaced_by(record).await?;
        Ok(replaced.is_some_and(|replaced| is_result_of(&replaced, target)))
    }

    /// Frees what jobs that failed have kept of the same file before it was whole, now that the job of the whole one is done: such
    /// a half can be had again from the whole. What is kept of another content stays, for the user may put that back.
    pub(crate) async fn free_halves(&self, done: &Record) -> Result<(), Error> {
        let ledger = &self.options.ledger;
        for earlier in ledger.of_source(&done.request.source).await? {
            let is_half = earlier.job.facts.as_ref().is_some_and(|facts| facts.cut_off.is_some());
            let is_kept =
                matches!(earlier.job.status, Status::Failed { .. }) && earlier.request.folder.is_dir();
            if !is_kept || !gives_way(&earlier, done) {
                continue;
            }
            let (id, folder) = (earlier.id, earlier.request.folder.clone());
            if is_half {
                ledger.apply(id, Event::Cancel, now()).await?;
                blocking(move || discard_work(&earlier)).await;
                tracing::info!("job {id}: the file is whole now, and what was made of its half is discarded");
            } else {
                tracing::info!(
                    "job {id} keeps what it made of the earlier file in `{}`: `upscaled cancel {id}` frees it",
                    folder.display()
                );
            }
        }
        Ok(())
    }

    /// The job whose result that of this one replaces.
    async fn replaced_by(&self, record: &Record) -> Result<Option<Record>, Error> {
        let Some(id) = record.replaces else { return Ok(None) };
        let replaced = self.options.ledger.get(id).await?;
        Ok(replaced.filter(|replaced| replaced.request.source == record.request.source))
    }
}

/// True when an earlier job has nothing that another of the same path with other content should keep away from.
fn gives_way(earlier: &Record, record: &Record) -> bool {
    let is_of_other_content =
        earlier.id != record.id && earlier.request.fingerprint != record.request.fingerprint;
    // A part of the film and all of it, or another part, are results of their own.
    let is_of_same_part = earlier.request.settings.part == record.request.settings.part;
    let gave_nothing_whole = match earlier.job.status {
        Status::Done => earlier.job.facts.as_ref().is_some_and(|facts| facts.cut_off.is_some()),
        Status::Failed { .. } | Status::Canceled => true,
        _ => false,
    };
    is_of_other_content && is_of_same_part && gave_nothing_whole
}

/// True when a file is the result that a job made, as far as its size and time tell: it has not been written since.
fn is_result_of(job: &Record, file: &Path) -> bool {
    let Ok(found) = file.symlink_metadata() else { return false };
    let written = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    found.is_file()
        && job.job.status == Status::Done
        && Some(found.len()) == job.job.result_bytes
        && written.is_some_and(|time| time.as_millis() as i64 <= job.changed.0 + SLACK_MILLISECONDS)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use job::state::{Effect, Reused, SegmentDigest, Task};
    use job::{Failure, FailureKind, JobId, Millis, NewJob, Settings, SourceFacts};
    use ledger::Ledger;

    use super::*;
    use crate::service::{Existing, Limits, ServiceOptions};
    use crate::task::unpublished_result;

    /// A ledger with an output folder, and what publishes into it.
    struct Fixture {
        folder: tempfile::TempDir,
        ledger: Ledger,
        shared: Arc<Shared>,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
            let limits = Limits {
                workers: 1,
                engine_threads: 1,
                max_disk: None,
                keep_time: false,
                subtitle_files: false,
            };
            let shared = Arc::new(Shared::new(ServiceOptions {
                ledger: ledger.clone(),
                worker: crate::WorkerProgram { path: "worker".into(), unconfined: false },
                limits: tokio::sync::watch::channel(limits).1,
                existing: Existing::NextName,
                folders: tokio::sync::watch::channel(crate::ServerFolders::default()).1,
                gate: crate::SegmentGate::default(),
                taken: Vec::new(),
                owner: crate::Owner::default(),
                wake: crate::Wake::default(),
                words: |notice| notice.text.clone(),
            }));
            Self { folder, ledger, shared }
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.folder.path().join(name)
        }

        /// Takes the film in with some content.
        async fn submit(&self, content: &str) -> JobId {
            let new = NewJob {
                source: self.path("film.mkv").into(),
                fingerprint: content.to_owned(),
                stamp: "s".to_owned(),
                settings: Settings::default(),
                output: self.folder.path().into(),
                folder: self.path(&format!("{content}.job")).into(),
                result: None,
            };
            fs::create_dir(&*new.folder).unwrap();
            self.ledger.submit(&new, now()).await.unwrap().id
        }

        async fn claim(&self, id: JobId) -> Task {
            let event = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
            match self.ledger.apply(id, event, Millis(now().0 + 60_000)).await.unwrap().effects.as_slice() {
                [Effect::Granted(task)] => task.clone(),
                other => panic!("{other:?}"),
            }
        }

        async fn record(&self, id: JobId) -> Record {
            self.ledger.get(id).await.unwrap().unwrap()
        }

        /// Works on a job until its result is to be published, and publishes it unless it is to wait.
        async fn make(&self, id: JobId, cut_off: Option<&str>, result: &str) {
            let apply = async |event| drop(self.ledger.apply(id, event, now()).await.unwrap());
            let task = self.claim(id).await.key();
            let facts = facts(cut_off);
            assert!(self.shared.reserve_name(&self.record(id).await, &facts).await.unwrap().is_ok());
            let (plan, segments) = job::plan(&facts, &Settings::default()).unwrap();
            apply(Event::Indexed { task, facts: Box::new(facts), plan, segments }).await;
            while self.record(id).await.job.phase == job::state::Phase::Segments {
                let task = self.claim(id).await.key();
                let digest = SegmentDigest {
                    file: "seg".to_owned(),
                    bytes: 1,
                    blake3: "x".to_owned(),
                    reused: Reused::default(),
                };
                apply(Event::SegmentDone { task, digest }).await;
            }
            let task = self.claim(id).await.key();
            fs::write(unpublished_result(&self.record(id).await), result).unwrap();
            apply(Event::Joined { task, bytes: result.len() as u64 }).await;
        }

        async fn publish(&self, id: JobId) {
            // A name that is taken costs an attempt.
            for _ in 0..2 {
                let task = self.claim(id).await;
                let event = self.shared.publish(&self.record(id).await, &task).await.unwrap();
                self.ledger.apply(id, event, now()).await.unwrap();
                if self.record(id).await.job.status == Status::Done {
                    return;
                }
            }
            panic!("{:?}", self.record(id).await.job.status);
        }

        /// The names and texts of all results.
        fn results(&self) -> Vec<(String, String)> {
            let names = fs::read_dir(self.folder.path()).unwrap().flatten();
            let names = names.map(|entry| entry.file_name().into_string().unwrap());
            let mut results: Vec<_> = names
                .filter(|name| name.contains("_upscaled"))
                .map(|name| (name.clone(), fs::read_to_string(self.path(&name)).unwrap()))
                .collect();
            results.sort();
            results
        }
    }

    fn facts(cut_off: Option<&str>) -> SourceFacts {
        SourceFacts { cut_off: cut_off.map(str::to_owned), ..SourceFacts::example((64, 36), 65) }
    }

    fn named(results: &[(&str, &str)]) -> Vec<(String, String)> {
        results.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    #[tokio::test]
    async fn the_result_of_half_a_file_gives_way_to_that_of_the_whole_one() {
        let fixture = Fixture::new().await;
        let half = fixture.submit("half").await;
        fixture.make(half, Some("8 s and 4 s"), "of half").await;
        fixture.publish(half).await;
        // A third content came before the second was finished, and the second came to nothing.
        let more = fixture.submit("more").await;
        fixture.make(more, None, "of more").await;
        assert_eq!(fixture.results(), named(&[("film_upscaled.mkv", "of half")]));
        fixture.ledger.apply(more, Event::Cancel, now()).await.unwrap();
        let whole = fixture.submit("whole").await;
        fixture.make(whole, None, "of the whole").await;
        fixture.publish(whole).await;
        assert_eq!(fixture.results(), named(&[("film_upscaled.mkv", "of the whole")]));
        let record = fixture.record(whole).await;
        assert_eq!(
            (record.replaces, record.request.result),
            (Some(half), Some(fixture.path("film_upscaled.mkv").into()))
        );
    }

    #[tokio::test]
    async fn a_whole_result_stays() {
        let fixture = Fixture::new().await;
        for (content, text) in [("one", "of one"), ("two", "of two")] {
            let id = fixture.submit(content).await;
            fixture.make(id, None, text).await;
            fixture.publish(id).await;
        }
        assert_eq!(
            fixture.results(),
            named(&[("film.mkv_upscaled.mkv", "of two"), ("film_upscaled.mkv", "of one")])
        );
    }

    #[tokio::test]
    async fn what_a_person_put_under_the_name_stays() {
        // Before the name is reserved, and after; of another size, and of another time.
        for (is_early, text, later) in [
            (true, "mine, and longer", 0),
            (false, "mine, and longer", 0),
            (true, "my own!", 3600),
            (false, "my own!", 3600),
        ] {
            let fixture = Fixture::new().await;
            let half = fixture.submit("half").await;
            fixture.make(half, Some("8 s and 4 s"), "of half").await;
            fixture.publish(half).await;
            let put = || {
                fs::write(fixture.path("film_upscaled.mkv"), text).unwrap();
                let time = SystemTime::now() + Duration::from_secs(later);
                File::options()
                    .append(true)
                    .open(fixture.path("film_upscaled.mkv"))
                    .unwrap()
                    .set_modified(time)
                    .unwrap();
            };
            let whole = fixture.submit("whole").await;
            if is_early {
                put();
            }
            fixture.make(whole, None, "of the whole").await;
            if !is_early {
                put();
            }
            fixture.publish(whole).await;
            assert_eq!(
                fixture.results(),
                named(&[("film.mkv_upscaled.mkv", "of the whole"), ("film_upscaled.mkv", text)]),
                "{is_early} {later}"
            );
        }
    }

    #[tokio::test]
    async fn a_part_of_a_film_gives_way_to_the_same_part_alone() {
        let fixture = Fixture::new().await;
        let ids = [fixture.submit("half").await, fixture.submit("whole").await];
        fixture.ledger.apply(ids[0], Event::Cancel, now()).await.unwrap();
        let [half, whole] = [fixture.record(ids[0]).await, fixture.record(ids[1]).await];
        let of_part = |record: &Record, micros| {
            let mut record = record.clone();
            record.request.settings.part = job::Part::of(None, Some(job::FilmTime(micros)));
            record
        };
        assert!(gives_way(&half, &whole) && gives_way(&of_part(&half, 7), &of_part(&whole, 7)));
        assert!(!gives_way(&of_part(&half, 7), &whole) && !gives_way(&half, &of_part(&whole, 7)));
        assert!(!gives_way(&of_part(&half, 7), &of_part(&whole, 8)));
    }

    #[tokio::test]
    async fn a_job_that_came_to_nothing_leaves_its_name() {
        let fixture = Fixture::new().await;
        let first = fixture.submit("first").await;
        fixture.make(first, None, "never published").await;
        let task = fixture.claim(first).await.key();
        let failure = Failure { kind: FailureKind::Final, message: "the source was changed".into() };
        fixture.ledger.apply(first, Event::Failed { task, failure }, now()).await.unwrap();
        let second = fixture.submit("second").await;
        fixture.make(second, None, "of the second").await;
        fixture.publish(second).await;
        assert_eq!(fixture.results(), named(&[("film_upscaled.mkv", "of the second")]));
    }

    #[tokio::test]
    async fn what_was_kept_of_half_a_file_goes_and_that_of_another_content_stays() {
        let fixture = Fixture::new().await;
        let fail = async |id| {
            let task = fixture.claim(id).await.key();
            let failure = Failure { kind: FailureKind::Final, message: "the source was changed".into() };
            fixture.ledger.apply(id, Event::Failed { task, failure }, now()).await.unwrap();
        };
        let (half, other) = (fixture.submit("half").await, fixture.submit("other").await);
        fixture.make(half, Some("8 s and 4 s"), "never published").await;
        fail(half).await;
        fixture.make(other, None, "never published").await;
        fail(other).await;
        let whole = fixture.submit("whole").await;
        fixture.make(whole, None, "of the whole").await;
        fixture.publish(whole).await;
        assert!(fixture.path("half.job").exists() && fixture.path("other.job").exists());
        fixture.shared.free_halves(&fixture.record(whole).await).await.unwrap();
        assert!(!fixture.path("half.job").exists() && fixture.path("other.job").exists());
        assert_eq!(fixture.record(half).await.job.status, Status::Canceled);
        assert!(matches!(fixture.record(other).await.job.status, Status::Failed { .. }));
    }
}
