//! Why files and folders are passed over, for people.

use std::fmt;
use std::path::PathBuf;

/// The rule by which a file or folder is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// It is hidden.
    Hidden,
    /// The file of an Office program that has a document open.
    OpenDocument,
    /// A backup copy of an editor.
    Backup,
    /// Another program is still writing it, by this ending.
    Unfinished(&'static str),
    /// It is no video, by this ending.
    Ending(&'static str),
    /// A folder of the system, of a storage device or of a program that synchronises.
    System,
    /// A folder that a download program unpacks into, or could not unpack.
    Unpacking,
    /// The folder of an unfinished download.
    Download,
    /// The folder of unfinished work of this program.
    Job,
    /// A sample, and the settings say `skip_samples`.
    Sample,
    /// The settings say so by this pattern.
    Ignored(String),
    /// The settings of the folder exclude it by this pattern.
    Excluded(String),
    /// The settings of the folder include others.
    NotIncluded,
    /// The menus of a DVD.
    Menu,
    /// A later part of the film that begins in this file.
    LaterPart(PathBuf),
    /// A result of this program, made as it says.
    Result(String),
    /// No video can be found in it, for this reason.
    NoVideo(String),
    /// Neither a file nor a folder.
    Special,
    /// It cannot be looked at, for this reason.
    Unreadable(String),
    /// A folder inside so many others.
    TooDeep(usize),
    /// A folder that is looked at under this name.
    Same(PathBuf),
    /// A link to a folder that holds the one that is watched.
    HoldsInput,
    /// A link to a folder that is watched on its own, to one in it or one that holds it.
    Watched(PathBuf),
    /// A link to a folder of results, to one in it or one that holds it.
    Results,
}

impl Rule {
    /// True where a setting says so.
    pub(super) const fn is_of_settings(&self) -> bool {
        matches!(self, Self::Sample | Self::Ignored(_) | Self::Excluded(_) | Self::NotIncluded)
    }

    /// Its name for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::OpenDocument => "open_document",
            Self::Backup => "backup",
            Self::Unfinished(_) => "unfinished",
            Self::Ending(_) => "ending",
            Self::System => "system",
            Self::Unpacking => "unpacking",
            Self::Download => "download",
            Self::Job => "job_folder",
            Self::Sample => "sample",
            Self::Ignored(_) => "ignore",
            Self::Excluded(_) => "exclude",
            Self::NotIncluded => "include",
            Self::Menu => "menu",
            Self::LaterPart(_) => "later_part",
            Self::Result(_) => "result",
            Self::NoVideo(_) => "no_video",
            Self::Special => "special",
            Self::Unreadable(_) => "unreadable",
            Self::TooDeep(_) => "too_deep",
            Self::Same(_) => "same_folder",
            Self::HoldsInput => "holds_input",
            Self::Watched(_) => "watched",
            Self::Results => "results",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden => f.write_str("hidden: its name begins with a dot"),
            Self::OpenDocument => f.write_str("belongs to a document that is open in an Office program"),
            Self::Backup => f.write_str("a backup copy: its name ends in ~"),
            Self::Unfinished(ending) => write!(f, "another program is still writing it: .{ending}"),
            Self::Ending(ending) => write!(f, "no video: .{ending}"),
            Self::System => f.write_str("a folder of the system or of a storage device"),
            Self::Unpacking => f.write_str("a download program unpacks into it"),
            Self::Download => f.write_str("an unfinished download"),
            Self::Job => f.write_str("unfinished work of upscaled"),
            Self::Sample => f.write_str("a sample: skip_samples"),
            Self::Ignored(pattern) => write!(f, "ignore has `{pattern}`"),
            Self::Excluded(pattern) => write!(f, "exclude has `{pattern}`"),
            Self::NotIncluded => f.write_str("no pattern of include stands for it"),
            Self::Menu => f.write_str("the menus of a DVD"),
            Self::LaterPart(first) => {
                let first = first.file_name().unwrap_or_default().to_string_lossy();
                write!(f, "a later part of the film that begins in `{first}`")
            }
            Self::Result(made_by) => write!(f, "a result, made by {made_by}"),
            Self::NoVideo(why) => write!(f, "no video: {why}"),
            Self::Special => f.write_str("neither a file nor a folder"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::TooDeep(most) => write!(f, "deeper than {most} folders"),
            Self::Same(path) => write!(f, "the same folder as `{}`", path.display()),
            Self::HoldsInput => f.write_str("a link to a folder that holds this input folder"),
            Self::Watched(other) => {
                write!(f, "a link to `{}`, which is watched on its own", other.display())
            }
            Self::Results => f.write_str("a link to a folder of results"),
        }
    }
}
