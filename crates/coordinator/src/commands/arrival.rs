//! Taking in what came from elsewhere: bounded before it is read, and checked before anything is done.

use job::FilePath;

use super::message::{Adopt, NewPosition, Refusal, Reply, Request, Submit};
use super::select::{Selector, Which};

/// Most bytes of a request: a command line has two million at most, and numbers of jobs take a few each.
pub const LARGEST_REQUEST: u32 = 1 << 20;
/// Longest name of a video, in bytes: the longest path that Linux takes.
const LONGEST_NAME: usize = 4096;

/// The request in these bytes.
///
/// # Errors
/// When they are too many or no request, or when the request asks for what cannot be.
pub fn understand(bytes: &[u8]) -> Result<Request, Refusal> {
    if bytes.len() > LARGEST_REQUEST as usize {
        return Err(Refusal::TooLong { most: LARGEST_REQUEST });
    }
    let request = serde_json::from_slice(bytes);
    let request: Request = request.map_err(|error| Refusal::NotUnderstood(error.to_string().into()))?;
    check(&request)?;
    Ok(request)
}

/// Looks whether a request asks for what can be.
pub(crate) fn check(request: &Request) -> Result<(), Refusal> {
    match request {
        // What is said of access is checked where it is changed.
        Request::List(_) | Request::Reload | Request::OpenNow | Request::CloseAgain | Request::Access(_) => {
            Ok(())
        }
        Request::Submit(submit) => submitted(submit),
        Request::Adopt(adopt) => {
            let Adopt { submit, made_with } = &**adopt;
            if made_with.as_ref().is_some_and(|model| model.len() > LONGEST_NAME) {
                return Err(Refusal::NotUnderstood("a name is longer than names can be".into()));
            }
            submitted(submit)
        }
        Request::Show(jobs)
        | Request::Cancel(jobs)
        | Request::Remove(jobs)
        | Request::Pause(jobs)
        | Request::Resume(jobs)
        | Request::Forget { jobs, before: _, dry_run: _ }
        | Request::Prioritize { jobs, priority: _ } => which(jobs),
        Request::Retry { jobs, again: _, settings: chosen } => {
            which(jobs)?;
            chosen.as_deref().map_or(Ok(()), settings)
        }
        Request::Move { jobs, to } => {
            selectors(jobs)?;
            match to {
                NewPosition::Before(other) => selectors(std::slice::from_ref(other)),
                NewPosition::First | NewPosition::Last => Ok(()),
            }
        }
    }
}

/// Takes a reply that came as JSON in.
pub(crate) fn take_reply(reply: &mut Reply) {
    match reply {
        Reply::Listed(list) => list.jobs.iter_mut().for_each(|job| job.report.restore_paths()),
        Reply::Shown(jobs) => jobs.iter_mut().for_each(|job| job.view.report.restore_paths()),
        Reply::Submitted(_)
        | Reply::Changed(_)
        | Reply::Moved(_)
        | Reply::Reloaded(_)
        | Reply::Opened(_)
        | Reply::Held(_)
        | Reply::Access(_) => {}
    }
}

fn submitted(submit: &Submit) -> Result<(), Refusal> {
    for path in [&submit.source, &submit.output].into_iter().chain(&submit.result) {
        absolute(path)?;
    }
    settings(&submit.settings)
}

fn which(jobs: &Which) -> Result<(), Refusal> {
    match jobs {
        Which::Named(jobs) => selectors(jobs),
        Which::Failed | Which::All => Ok(()),
    }
}

fn selectors(jobs: &[Selector]) -> Result<(), Refusal> {
    for job in jobs {
        if let Selector::Name { name, path } = job {
            if name.len() > LONGEST_NAME {
                return Err(Refusal::NotUnderstood("a name is longer than names can be".into()));
            }
            path.as_ref().map_or(Ok(()), absolute)?;
        }
    }
    Ok(())
}

fn absolute(path: &FilePath) -> Result<(), Refusal> {
    let bytes = path.as_bytes();
    let is_sound = bytes.first() == Some(&b'/') && bytes.len() <= LONGEST_NAME && !bytes.contains(&0);
    let refused = || Refusal::NotUnderstood(format!("`{}` is no absolute path", path.display()).into());
    if is_sound { Ok(()) } else { Err(refused()) }
}

fn settings(settings: &job::Settings) -> Result<(), Refusal> {
    settings.validate().map_err(|error| Refusal::NotUnderstood(error.into()))
}

#[cfg(test)]
mod tests {
    use job::{JobId, Millis, Priority, Settings};
    use proptest::prelude::*;

    use super::*;
    use crate::access::{AccessRequest, Password};
    use crate::commands::list::tests::queued;
    use crate::commands::{JobList, ListFilter, Submit};
    use crate::view::{JobDetails, JobView};

    fn submit() -> Submit {
        Submit {
            source: FilePath::from_bytes(b"/in/a\xff.mkv".to_vec()),
            settings: Settings::default(),
            output: "/out".into(),
            result: None,
            overwrite: false,
        }
    }

    fn requests() -> Vec<Request> {
        let name = Selector::Name { name: "b/film.mkv".to_owned(), path: Some("/in/b/film.mkv".into()) };
        let some = || Which::Named(vec![Selector::Numbers(JobId(1), JobId(9)), name.clone()]);
        vec![
            Request::List(ListFilter { failed: true, limit: Some(3), ..ListFilter::default() }),
            Request::Show(Which::Named(vec![name.clone()])),
            Request::Submit(Box::new(submit())),
            Request::Adopt(Box::new(Adopt {
                submit: Submit { result: Some("/old/a.mkv".into()), ..submit() },
                made_with: Some("other".to_owned()),
            })),
            Request::Cancel(some()),
            Request::Retry { jobs: Which::Failed, again: true, settings: Some(Box::default()) },
            Request::Remove(Which::All),
            Request::Forget { jobs: some(), before: Some(Millis(9)), dry_run: true },
            Request::Pause(some()),
            Request::Resume(some()),
            Request::Prioritize { jobs: some(), priority: Priority::High },
            Request::Move { jobs: vec![name.clone()], to: NewPosition::Before(name.clone()) },
            Request::Reload,
            Request::OpenNow,
            Request::CloseAgain,
            Request::Access(AccessRequest::SetPassword(Password::new("correct horse".to_owned()))),
        ]
    }

    #[test]
    fn what_is_asked_arrives() {
        for request in requests() {
            let bytes = serde_json::to_vec(&request).unwrap();
            assert_eq!(understand(&bytes), Ok(request));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let relative = Submit { source: "a.mkv".into(), ..submit() };
        let zero = Submit { output: FilePath::from_bytes(b"/a\0".to_vec()), ..submit() };
        let loud = Submit { settings: Settings { grain: 9.0, ..Settings::default() }, ..submit() };
        for submit in [relative, zero, loud] {
            let bytes = serde_json::to_vec(&Request::Submit(Box::new(submit))).unwrap();
            assert!(matches!(understand(&bytes), Err(Refusal::NotUnderstood(_))));
        }
        let name = Selector::Name { name: "x".repeat(5000), path: None };
        let bytes = serde_json::to_vec(&Request::Show(Which::Named(vec![name]))).unwrap();
        assert!(matches!(understand(&bytes), Err(Refusal::NotUnderstood(_))));
        for garbage in ["", "{}", "[]", "null", "\"format_disk\"", "{\"cancel\":{\"named\":[1]}}"] {
            assert!(matches!(understand(garbage.as_bytes()), Err(Refusal::NotUnderstood(_))), "{garbage}");
        }
        let deep = "[".repeat(LARGEST_REQUEST as usize);
        assert!(matches!(understand(deep.as_bytes()), Err(Refusal::NotUnderstood(_))));
        let long = " ".repeat(LARGEST_REQUEST as usize + 1);
        assert_eq!(understand(long.as_bytes()), Err(Refusal::TooLong { most: LARGEST_REQUEST }));
    }

    #[test]
    fn jobs_come_back_as_they_were_whatever_their_paths_are() {
        let now = Millis(1_795_874_712_000);
        let mut record = queued(7);
        record.request.source = FilePath::from_bytes(b"/in/a\xff\n.mkv".to_vec());
        record.request.result = Some(FilePath::from_bytes(b"/out/a\xfe.mkv".to_vec()));
        (record.created, record.changed, record.started) = (now, now, Some(now));
        let view = JobView::of(&record, now);
        let list = JobList { jobs: vec![view, JobView::of(&queued(0), now)], ..JobList::default() };
        let details = JobDetails::of(&record, now);
        for reply in [Reply::Listed(list), Reply::Shown(vec![details])] {
            let text = serde_json::to_string(&reply).unwrap();
            let mut back = serde_json::from_str(&text).unwrap();
            take_reply(&mut back);
            assert_eq!(back, reply, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = understand(&bytes);
        }

        #[test]
        fn a_damaged_request_is_another_one_or_none(
            which in 0..13_usize,
            at in any::<proptest::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = serde_json::to_vec(&requests()[which]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(request) = understand(&bytes) {
                prop_assert!(check(&request).is_ok());
            }
        }
    }
}
