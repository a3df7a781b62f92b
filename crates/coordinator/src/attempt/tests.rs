use job::state::IndexMethod;
use job::{Millis, Settings};
use ledger::Ledger;

use super::*;
use crate::dispatcher::tests::options;
use crate::executor::{Doing, Work};
use crate::progress::Progress;
use crate::shutdown::Shutdown;
use crate::submit::{Request, submit};

/// An executor that holds a worker.
struct Holding(bool);

impl Executor for Holding {
    fn perform<'a>(&'a mut self, _: &'a Work, _: Tell<'a>) -> Doing<'a, Result<Response, WorkerError>> {
        Box::pin(std::future::pending())
    }

    fn let_go(&mut self) -> Doing<'_, ()> {
        Box::pin(async { self.0 = false })
    }
}

#[tokio::test]
async fn an_attempt_that_is_given_up_while_it_looks_lets_its_worker_go() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.mkv");
    std::fs::write(&source, "film").unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    let output = folder.path().to_owned();
    let request = Request { source, settings: Settings::default(), output, result: None, folder: None };
    let id = submit(&ledger, request, Millis(0)).await.unwrap().id;
    let given = Given {
        record: Arc::new(ledger.get(id).await.unwrap().unwrap()),
        task: Task::Index { epoch: 1, method: IndexMethod::Demux },
        threads: 1,
        most_bytes: None,
        progress: Progress::default(),
        stop: Shutdown::new(),
    };
    given.stop.request();
    let shared = Arc::new(Shared::new(options(&ledger, crate::Wake::default())));
    let mut executor = Holding(true);
    let (stamp, mut tell) = (String::new(), |_| {});
    let attempt = Attempt {
        shared: &shared,
        given: &given,
        executor: &mut executor,
        tell: &mut tell,
        is_gone: false,
        stamp,
    };
    assert!(matches!(attempt.run().await, Outcome::Stopped));
    assert!(!executor.0, "the dispatcher takes the worker for gone");
}
