//! The limit on the disk that a job takes, with several lanes at work on it: what they write at once does not go beyond it.

use job::FailureKind;
use job::JobId;
use job::state::Event;
use ledger::Record;

use super::Dispatcher;
use crate::admission;
use crate::choice::Kind;
use crate::error::Error;

impl Dispatcher {
    /// Bytes that a lane may write for the next segment of a job, `Some(None)` where there is no limit; `None` where the other
    /// lanes at work on it are to end first.
    pub(super) async fn promise(&self, lane: usize, id: JobId) -> Result<Option<Option<u64>>, Error> {
        let limits = self.shared.limits();
        let Some(most) = limits.max_disk.filter(|_| self.lanes[lane].kind == Kind::Heavy) else {
            return Ok(Some(None));
        };
        let at_work = self.lanes.iter().filter_map(|lane| lane.busy.as_ref());
        let at_work = at_work.filter(|busy| busy.job() == Some(id));
        let promised: Vec<u64> = at_work.filter_map(|busy| busy.most_bytes).collect();
        let Some(record) = self.shared.options.ledger.get(id).await? else { return Ok(Some(None)) };
        let is_undivided = self.undivided.contains(&id);
        if is_undivided && !promised.is_empty() {
            return Ok(None);
        }
        let lanes = if is_undivided { 1 } else { limits.workers };
        Ok(admission::promise(&record.job, most, &promised, lanes).map(Some))
    }

    /// True where a segment failed that had only a share of what the limit leaves: it is made again with all of it, when no other
    /// is under way.
    pub(super) fn is_for_a_share(&mut self, event: &Event, most_bytes: Option<u64>, record: &Record) -> bool {
        let (Some(promised), Some(most)) = (most_bytes, self.shared.limits().max_disk) else { return false };
        let is_final = matches!(event, Event::Failed { failure, .. } if failure.kind == FailureKind::Final);
        let had_share = is_final && promised < admission::left(&record.job, most);
        if had_share {
            self.undivided.insert(record.id);
        }
        had_share
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use job::Failure;
    use job::Settings;
    use job::state::{Reused, SegmentDigest, Status};
    use ledger::Ledger;
    use protocol::message::{Request as Question, Response};
    use storage::SegmentName;
    use tokio::sync::watch;

    use super::super::storm::answer;
    use super::super::tests::options;
    use super::*;
    use crate::executor::{Doing, Executor, Tell, Work};
    use crate::process::WorkerError;
    use crate::service::{Ending, Limits, ServiceOptions};
    use crate::shared::Shared;
    use crate::shutdown::Shutdown;
    use crate::submit::submit;
    use crate::{Wake, now};

    const KIB: u64 = 1 << 10;

    /// What workers write, and may write.
    #[derive(Debug, Default)]
    struct Disk {
        sizes: Vec<u64>,
        limit: u64,
        finished: u64,
        /// What those may write that are at work.
        promised: Vec<u64>,
        at_once: usize,
        failed: usize,
    }

    /// A worker that writes segments of given sizes, and keeps to what it may write.
    struct Writer(Arc<Mutex<Disk>>);

    impl Executor for Writer {
        fn perform<'a>(
            &'a mut self,
            work: &'a Work,
            _: Tell<'a>,
        ) -> Doing<'a, Result<Response, WorkerError>> {
            Box::pin(async move {
                let Question::Segment(request) = &work.request else { return Ok(answer(work)) };
                let most = request.most_bytes.unwrap();
                {
                    let mut disk = self.0.lock().unwrap();
                    disk.promised.push(most);
                    disk.at_once = disk.at_once.max(disk.promised.len());
                    let all = disk.finished + disk.promised.iter().sum::<u64>();
                    assert!(all <= disk.limit, "{disk:?}");
                }
                // The first one waits for another.
                while request.index == 0 && self.0.lock().unwrap().at_once < 2 {
                    tokio::task::yield_now().await;
                }
                let mut disk = self.0.lock().unwrap();
                let place = disk.promised.iter().position(|&promised| promised == most).unwrap();
                disk.promised.remove(place);
                let bytes = disk.sizes[request.index as usize];
                if bytes > most {
                    disk.failed += 1;
                    let message = "more than the limit leaves".to_owned();
                    return Ok(Response::Failed(Failure {
                        kind: FailureKind::Final,
                        message: message.into(),
                    }));
                }
                disk.finished += bytes;
                let file = SegmentName { index: request.index, epoch: request.epoch.into() }.file();
                std::fs::write(request.folder.join(&file), vec![0; bytes as usize]).unwrap();
                let (blake3, reused) = (String::new(), Reused::default());
                let digest = SegmentDigest { file, bytes, blake3, reused };
                Ok(Response::SegmentDone { digest, engine: "none".to_owned() })
            })
        }

        fn let_go(&mut self) -> Doing<'_, ()> {
            Box::pin(async {})
        }
    }

    /// Makes a film of segments of these sizes with so many workers.
    async fn made(sizes: &[u64], limit: u64, workers: u32) -> (Status, Disk) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("film.mkv");
        std::fs::write(&source, "film").unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let settings = Settings { segment_frames: Some(60 / sizes.len() as u32), ..Settings::default() };
        let output = folder.path().to_owned();
        let request = crate::Request { source, settings, output, result: None, folder: None };
        let id = submit(&ledger, request, now()).await.unwrap().id;
        let limits = Limits {
            workers,
            engine_threads: 1,
            max_disk: Some(limit),
            keep_time: false,
            subtitle_files: false,
        };
        let options =
            ServiceOptions { limits: watch::channel(limits).1, ..options(&ledger, Wake::default()) };
        let disk = Arc::new(Mutex::new(Disk { sizes: sizes.to_vec(), limit, ..Disk::default() }));
        let shared = Arc::clone(&disk);
        let executors = move |_: &str| -> Box<dyn Executor> { Box::new(Writer(Arc::clone(&shared))) };
        let mut dispatcher = Dispatcher::new(Arc::new(Shared::new(options)), Some(id), Box::new(executors));
        assert_eq!(dispatcher.work_off(&Shutdown::new()).await.unwrap(), Ending::Final);
        drop(dispatcher);
        let disk = std::mem::take(&mut *disk.lock().unwrap());
        (ledger.get(id).await.unwrap().unwrap().job.status, disk)
    }

    #[tokio::test]
    async fn what_lanes_may_write_at_once_is_within_the_limit() {
        let (status, disk) = made(&[200 * KIB; 6], 4096 * KIB, 2).await;
        assert_eq!((status, disk.finished, disk.at_once, disk.failed), (Status::Done, 1200 * KIB, 2, 0));
    }

    #[tokio::test]
    async fn a_segment_that_is_larger_than_a_share_is_made_alone() {
        // The last one, so that the others do not seem to become as large.
        let with = |last: u64| [KIB, KIB, KIB, KIB, KIB, last];
        let (status, disk) = made(&with(3200 * KIB), 8192 * KIB, 3).await;
        assert_eq!((status, disk.failed), (Status::Done, 1));
        let two = [KIB, KIB, KIB, KIB, KIB, KIB, KIB, KIB, KIB, KIB, 3000 * KIB, 3000 * KIB];
        let (status, disk) = made(&two, 20_000 * KIB, 8).await;
        assert_eq!(status, Status::Done);
        assert!((1..=2).contains(&disk.failed), "{}", disk.failed);
        let (status, disk) = made(&with(9000 * KIB), 8192 * KIB, 3).await;
        assert!(matches!(status, Status::Failed { .. }), "{status:?}");
        assert_eq!(disk.failed, 2);
    }
}
