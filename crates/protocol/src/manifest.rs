//! What a job was asked for, noted in its folder, so that it can be taken in again when the ledger is lost.

use std::path::Path;

use job::{NewJob, SettingsError};
use serde::{Deserialize, Serialize};

/// The form that is written. Manifests of this one do not name it.
const FORM: u32 = 1;

/// The name of a server, by which it knows the folders of its jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerId {
    /// Empty for a command that works alone: its ledger lies in the folder itself.
    pub id: String,
}

/// The note in a job's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// What was asked for.
    #[serde(flatten)]
    pub job: NewJob,
    /// The server that works here.
    pub owner: ServerId,
    /// Of the folder: a copy belongs to the server that finds it.
    pub inode: u64,
    /// The form that a later version wrote, where it is another one.
    #[serde(default = "first_form", skip_serializing_if = "is_first_form")]
    form: u32,
}

/// A manifest that no job is made of.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ManifestError {
    /// A worker may write there, and must not lead the server to other folders.
    #[error("it belongs elsewhere")]
    Elsewhere,
    /// Of a version that is not known.
    #[error("a later version of upscaled wrote it, in form {0}: use that version")]
    LaterForm(u32),
    /// Settings that cannot be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

const fn first_form() -> u32 {
    FORM
}

// serde hands a reference over.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_first_form(form: &u32) -> bool {
    *form == FORM
}

impl Manifest {
    /// The manifest of a job whose folder has this inode.
    pub const fn new(job: NewJob, owner: ServerId, inode: u64) -> Self {
        Self { job, owner, inode, form: FORM }
    }

    /// Checks what it says, as one that was found in this folder, with its paths as the ledger found them.
    ///
    /// # Errors
    /// It is of a later form, speaks of another folder, or has settings that cannot be.
    pub fn validate(&self, folder: &Path) -> Result<(), ManifestError> {
        if self.form != FORM {
            return Err(ManifestError::LaterForm(self.form));
        }
        let (output, result) = (&*self.job.output, self.job.result.as_ref());
        let is_of_folder = *self.job.folder == *folder
            && folder.parent() == Some(output)
            && result.is_none_or(|result| result.parent() == Some(output));
        if !is_of_folder {
            return Err(ManifestError::Elsewhere);
        }
        Ok(self.job.settings.validate()?)
    }
}

#[cfg(test)]
mod tests {
    use job::{FilePath, Settings};

    use super::*;

    fn manifest() -> Manifest {
        let job = NewJob {
            source: "/in/a.mp4".into(),
            fingerprint: "f".to_owned(),
            stamp: "s".to_owned(),
            settings: Settings::default(),
            output: "/out".into(),
            folder: "/out/a.mp4.job".into(),
            result: Some("/out/a_upscaled.mp4".into()),
        };
        Manifest::new(job, ServerId { id: "me".to_owned() }, 7)
    }

    #[test]
    fn it_comes_back_and_its_first_form_has_no_name() {
        let value = serde_json::to_value(manifest()).unwrap();
        assert_eq!(value.get("form"), None);
        assert_eq!((&value["owner"]["id"], &value["inode"]), (&"me".into(), &7.into()));
        assert_eq!(serde_json::from_value::<Manifest>(value.clone()).unwrap(), manifest());
        let mut later = value;
        later["form"] = 2.into();
        let later: Manifest = serde_json::from_value(later).unwrap();
        assert_eq!(later.validate(&later.job.folder), Err(ManifestError::LaterForm(2)));
    }

    #[test]
    fn it_leads_nowhere_else() {
        let right = manifest();
        let folder = right.job.folder.0.clone();
        right.validate(&folder).unwrap();
        let job = &right.job;
        for wrong in [
            NewJob { folder: "/home".into(), ..job.clone() },
            NewJob { output: "/etc".into(), ..job.clone() },
            NewJob { result: Some("/etc/passwd".into()), ..job.clone() },
            NewJob { result: Some(FilePath("/out/../x.mp4".into())), ..job.clone() },
            NewJob { settings: Settings { crf: Some(99), ..Settings::default() }, ..job.clone() },
        ] {
            let wrong = Manifest { job: wrong, ..right.clone() };
            assert!(wrong.validate(&folder).is_err(), "{wrong:?}");
        }
    }
}
