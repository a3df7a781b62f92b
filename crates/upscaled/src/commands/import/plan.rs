//! What becomes of each video that the Python server knew.

use std::path::{Path, PathBuf};

use coordinator::commands::{Adopt, Submit};
use coordinator::{KnownFiles, Look, Output, WatchFolder, WorkerProgram, look_into};
use job::JobId;

use super::gather::{Mention, Unclear};
use super::place::OldFolder;
use super::results;
use super::status::{OldJob, State};
use crate::cli::{Choices, SizeChoice};
use crate::root::Root;
use crate::{choice, command, config, output};

/// The model of a result of which nothing says how it was made.
const UNKNOWN: &str = "unknown";

/// A line of the table.
#[derive(Debug)]
pub(super) struct Entry {
    /// The path of the video by which the server knows it, or what was not understood.
    pub(super) name: String,
    pub(super) path: Option<PathBuf>,
    /// Where it is named.
    pub(super) from: String,
    /// What was said of it there.
    pub(super) was: Option<State>,
    pub(super) fate: Fate,
    /// What people should know of it.
    pub(super) why: Option<String>,
}

/// What becomes of a video.
#[derive(Debug)]
pub(super) enum Fate {
    /// It becomes a job.
    Job(Box<Submit>),
    /// It was done there, which is noted.
    Done(Box<Adopt>),
    /// It is a job already.
    Known(JobId),
    /// Nothing, until a person wants it: by this command.
    Left(String),
    /// Nothing: it was done there, and its video is gone.
    Past,
    /// It was not understood.
    Unclear,
}

impl Fate {
    /// For programs and for people.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Job(_) => "job",
            Self::Done(_) => "done",
            Self::Known(_) => "known",
            Self::Left(_) => "left",
            Self::Past => "past",
            Self::Unclear => "unclear",
        }
    }
}

/// What is needed to decide.
pub(super) struct Planner {
    pub(super) old: OldFolder,
    pub(super) root: Root,
    /// Those of the server, and that of the Python server where the server does not watch it.
    pub(super) folders: Vec<WatchFolder>,
    pub(super) known: KnownFiles,
    pub(super) worker: WorkerProgram,
    pub(super) outputs: results::Outputs,
}

impl Planner {
    /// The folders in which videos lie, among them the watch folder of the Python server: with the settings of all where no server
    /// watches it.
    pub(super) fn folders(mut folders: Vec<WatchFolder>, old: &OldFolder, root: &Root) -> Vec<WatchFolder> {
        let own = folders.first().filter(|_| watched(&folders, &old.input()).is_none()).cloned();
        folders.extend(own.map(|own| WatchFolder {
            input: old.input(),
            output: Output::Into(root.output()),
            ..own
        }));
        folders
    }

    /// What becomes of a video. `None` for a file that is no video and that no person named.
    pub(super) async fn entry(&self, mention: &Mention) -> Option<Entry> {
        let path = watched(&self.folders, &mention.path).unwrap_or_else(|| mention.path.clone());
        let mut submit = self.submit(&path);
        let (made_with, not_here) = self.choose(&mut submit, &mention.job);
        let (fate, why) = match self.known.job_of(&path) {
            Some((id, status)) => (Fate::Known(id), Some(format!("job {id}, {}", status.name()))),
            None => match look_into(&self.worker, &path).await {
                Err(_) if mention.is_guess => return None,
                Err(why) => (self.left(&submit), Some(format!("it cannot be opened as a video: {why}"))),
                Ok(look) if look.is_result && !submit.settings.again => {
                    (self.left(&submit), Some("it is a result of upscaled".to_owned()))
                }
                Ok(look) => self.of_video(mention, &look, submit, made_with).await,
            },
        };
        let state = mention.job.unknown_state.as_ref();
        let state = state.map(|state| format!("its state `{}` is not known", output::one_line(state)));
        // What is made already needs no model.
        let not_here = not_here.into_iter().filter(|_| !matches!(fate, Fate::Done(_)));
        let notes: Vec<String> = state.into_iter().chain(not_here).chain(why).collect();
        Some(Entry {
            name: output::path(&path),
            path: Some(path),
            from: mention.from.clone(),
            was: Some(mention.state),
            fate,
            why: (!notes.is_empty()).then(|| notes.join("; ")),
        })
    }

    /// What becomes of a video that can be opened, and what people should know of that.
    async fn of_video(
        &self,
        mention: &Mention,
        look: &Look,
        mut submit: Submit,
        made_with: Option<String>,
    ) -> (Fate, Option<String>) {
        let job = &mention.job;
        let said = |word: &str| {
            Some(
                job.error
                    .as_ref()
                    .map_or_else(|| word.to_owned(), |error| format!("{word}: {}", output::one_line(error))),
            )
        };
        match mention.state {
            State::Failed => return (self.left(&submit), said("failed there")),
            State::Canceled => return (self.left(&submit), said("canceled there")),
            State::Done | State::Interrupted | State::Waiting => {}
        }
        let (candidates, mut against) =
            (results::candidates(&self.old, &self.outputs, &mention.path, job.result.as_deref()), None);
        for result in candidates {
            let reason = match look_into(&self.worker, &result).await {
                Ok(result) => results::against(look, &result),
                Err(why) => Some(format!("it cannot be opened: {why}")),
            };
            match reason {
                None => {
                    let why = format!("its result is {}", output::path(&self.short(&result)));
                    submit.result = Some(result.into());
                    return (Fate::Done(Box::new(Adopt { submit, made_with })), Some(why));
                }
                Some(reason) => {
                    let name = output::path(&self.short(&result));
                    against.get_or_insert(format!("{name} is not its whole result: {reason}"));
                }
            }
        }
        match (mention.state, against) {
            (State::Done, None) => {
                (self.left(&submit), Some("done there, and its result is not there any more".to_owned()))
            }
            (State::Interrupted, None) => {
                (Fate::Job(Box::new(submit)), Some("interrupted there: it begins anew".to_owned()))
            }
            (_, against) => (Fate::Job(Box::new(submit)), against.or_else(|| look.unfinished.clone())),
        }
    }

    /// The job of a video with the settings that the server has for it.
    fn submit(&self, path: &Path) -> Submit {
        let folder = self.folders.iter().find(|folder| path.starts_with(&folder.input));
        let settings = folder.or(self.folders.first()).map(|folder| folder.settings.clone());
        let output = folder.map_or_else(|| self.root.output(), |folder| folder.output_of(path));
        Submit {
            source: path.into(),
            settings: settings.unwrap_or_default(),
            output: output.into(),
            result: None,
            overwrite: false,
        }
    }

    /// Takes over the model and the size of a job of the Python server; gives the model of its result, where that is not the one of the
    /// settings, and what cannot be.
    fn choose(&self, submit: &mut Submit, job: &OldJob) -> (Option<String>, Vec<String>) {
        let mut notes = Vec::new();
        let models = [self.root.models()];
        let mut take = |choices: Result<Choices, String>, what: &str, word: &str| {
            let changed = choices.and_then(|choices| {
                config::changed(submit.settings.clone(), &choices, &models)
                    .map_err(|error| format!("{error:#}"))
            });
            match changed {
                Ok(settings) => {
                    submit.settings = settings;
                    return true;
                }
                Err(_) => notes.push(format!(
                    "its {what} `{}` is not there: that of the server is taken",
                    output::one_line(word)
                )),
            }
            false
        };
        let mut made_with = Some(UNKNOWN.to_owned());
        if let Some(model) = &job.model {
            let name = model_name(model);
            let is_here =
                take(Ok(Choices { model: Some(name.clone()), ..Choices::default() }), "model", model);
            made_with = (!is_here).then(|| output::one_line(&name));
        }
        if let Some(scale) = &job.scale {
            let number = scale.trim().trim_matches(['x', 'X']);
            let size =
                choice::scale(number).map(|scale| SizeChoice { scale: Some(scale), ..SizeChoice::default() });
            take(size.map(|size| Choices { size, ..Choices::default() }), "scale", scale);
        }
        (made_with, notes)
    }

    /// Nothing, and the command that makes it.
    fn left(&self, submit: &Submit) -> Fate {
        // With a slash at its end, it is a folder also before it is made.
        let output = submit.output.join("");
        Fate::Left(command::up(&submit.source, &submit.settings, Some(&output), Some(self.root.folder())))
    }

    /// A path within the old folder.
    fn short(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.old.path()).unwrap_or(path).to_owned()
    }
}

/// The name by which a server knows a file in a folder that it watches.
fn watched(folders: &[WatchFolder], path: &Path) -> Option<PathBuf> {
    folders.iter().find_map(|folder| {
        let inside = path.strip_prefix(storage::real_place(&folder.input)).ok()?;
        Some(folder.input.join(inside)).filter(|place| inside != Path::new("") || place.is_dir())
    })
}

/// The name of a model here. The Python server named files, and both models by parts of their names.
fn model_name(word: &str) -> String {
    let file = word.trim().rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = [".pth", ".pt", ".onnx", ".param", ".bin", ".safetensors", ".engine"]
        .iter()
        .find_map(|ending| file.strip_suffix(ending))
        .unwrap_or(file);
    let lower = stem.to_lowercase().replace('_', "-");
    let base = lower.trim_end_matches("-x2").trim_end_matches("-x3").trim_end_matches("-x4");
    match base.strip_prefix("realesr-").unwrap_or(base) {
        "general-x4v3" | "general" => "realesr-general-x4v3".to_owned(),
        "animevideov3" | "anime" | "animevideo" => "realesr-animevideov3".to_owned(),
        _ => stem.to_owned(),
    }
}

impl From<Unclear> for Entry {
    fn from(Unclear { from, given, why, is_past }: Unclear) -> Self {
        let (fate, why) = if is_past {
            (Fate::Past, "done there, and its video is gone".to_owned())
        } else {
            (Fate::Unclear, why)
        };
        Self { name: given, path: None, from, was: None, fate, why: Some(output::one_line(&why)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_models_are_known_by_all_their_names() {
        for name in [
            "realesr-general-x4v3",
            "realesr-general-x4v3.pth",
            "models/realesr-general-x4v3.pth",
            "general-x4v3",
            "General",
        ] {
            assert_eq!(model_name(name), "realesr-general-x4v3", "{name}");
        }
        for name in [
            "animevideov3",
            "realesr-animevideov3-x4",
            "C:\\m\\realesr-animevideov3.pth",
            "realesr_animevideov3",
            "anime",
        ] {
            assert_eq!(model_name(name), "realesr-animevideov3", "{name}");
        }
        assert_eq!(model_name("../../etc/RealESRGAN_x4plus.pth"), "RealESRGAN_x4plus");
    }
}
