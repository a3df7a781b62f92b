//! Taking a job in as done, whose result another program made.

use std::fs::Metadata;

use job::{FilePath, NewJob};
use ledger::Ledger;

use super::message::{Refusal, Submitted, TakenIn};
use crate::clock::now;

/// Notes that a source has this result, so that no other is made. A source that is a job already, whatever its settings, stays that.
pub(crate) async fn adopt(
    ledger: &Ledger,
    new: &NewJob,
    result: Option<FilePath>,
    made_with: Option<&str>,
) -> Result<Submitted, Refusal> {
    let result = result.ok_or_else(|| Refusal::Failed("no result was named".to_owned()))?;
    let jobs = ledger.of_source(&new.source).await?;
    let is_same = |settings: &job::Settings| settings.part == new.settings.part;
    let known = jobs.iter().find(|job| job.request.stamp == new.stamp && is_same(&job.request.settings));
    if let Some(known) = known {
        return Ok(Submitted { id: known.id, taken: TakenIn::DoneAlready });
    }
    let place = result.clone();
    let measured = tokio::task::spawn_blocking(move || place.metadata().ok().filter(Metadata::is_file));
    let Some(metadata) = measured.await.ok().flatten() else {
        return Err(Refusal::Failed(format!("there is no file `{}`", result.display())));
    };
    match ledger.submit_done(new, &result, metadata.len(), now()).await? {
        Some(id) => {
            if let Some(model) = made_with {
                ledger.note_made_with(id, &job::one_line(model)).await?;
            }
            Ok(Submitted { id, taken: TakenIn::New })
        }
        None => Err(Refusal::Failed(format!("`{}` is the result of another job", result.display()))),
    }
}

#[cfg(test)]
mod tests {
    use job::Settings;
    use job::state::Status;

    use super::*;
    use crate::submit::submit_unless_made;
    use crate::template::NameTemplate;

    #[tokio::test]
    async fn what_another_program_made_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let ledger = Ledger::open(&at("ledger.db")).await.unwrap();
        let new = |source: &str, settings: Settings| NewJob {
            source: at(source).into(),
            fingerprint: source.to_owned(),
            stamp: "now".to_owned(),
            settings,
            output: at("out").into(),
            folder: at(&format!("{source}.job")).into(),
            result: None,
        };
        let first = new("a.mkv", Settings::default());
        let result = || Some(FilePath(at("a_x4.mp4")));
        let refused = adopt(&ledger, &first, result(), None).await.unwrap_err();
        assert!(matches!(&refused, Refusal::Failed(why) if why.contains("there is no file")), "{refused}");
        std::fs::write(at("a_x4.mp4"), "result").unwrap();
        let adopted = adopt(&ledger, &first, result(), Some("other")).await.unwrap();
        assert_eq!(adopted.taken, TakenIn::New);
        let record = ledger.get(adopted.id).await.unwrap().unwrap();
        assert_eq!(record.model(), "other");
        assert_eq!((record.job.status, record.job.result_bytes), (Status::Done, Some(6)));
        let again = adopt(&ledger, &first, result(), None).await.unwrap();
        assert_eq!(again, Submitted { id: adopted.id, taken: TakenIn::DoneAlready });
        // What the inbox finds is that job, whatever the settings of its folder are.
        let other = new("a.mkv", Settings { crf: Some(3), ..Settings::default() });
        let (found, _) = submit_unless_made(&ledger, &other, &NameTemplate::default(), now()).await.unwrap();
        assert_eq!((found.id, found.is_new), (adopted.id, false));
        // One file is the result of one video.
        assert!(adopt(&ledger, &new("b.mkv", Settings::default()), result(), None).await.is_err());
    }
}
