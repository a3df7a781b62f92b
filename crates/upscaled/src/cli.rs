//! The command line. The comments of its items are the text of `--help`.

#![expect(clippy::doc_markdown, reason = "backticks would appear in the help text")]

mod http;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueHint};
use coordinator::NameTemplate;
use coordinator::commands::Selector;
use job::{Crop, Deinterlace, FilmTime, Part, Priority, Scale};

pub(crate) use self::http::{
    HttpChoice, PasswordChange, TokenArguments, TokenCommand, WebhookArguments, WebhookCommand,
};
use crate::choice::{self, CodecName, ContainerName, DiskLimit, EncoderOption, Tonemap};
use crate::clock::Since;
use crate::selector::selector;
use crate::size::PictureSize;
use crate::switch::{Anchor, FillGaps, KeepTime, Reuse, SkipSamples, SubtitleFiles, Switch, Unconfined};

const AFTER_HELP: &str = "\
Exit codes: 0 all done, 1 something failed, 2 wrong usage, 130 stopped by Ctrl-C or a signal (the server: 0).

Try:  upscaled preview holiday.avi --at 12.5   pictures of all models, in holiday_preview/
      upscaled up holiday.avi            the result is holiday_upscaled.mkv, beside it
      upscaled serve                     drop videos into input/, find them in output/";

/// Enlarges videos with Real-ESRGAN, hands off: sound, subtitles, chapters, timing and colours stay, and a crash costs
/// a minute.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Upscale files now
    Up(Up),
    /// Show what models make of single frames, as pictures side by side, before a job takes hours
    ///
    /// Pictures are PNG files: 0-classic is the source enlarged by a classic resampler, the others are numbered in the order
    /// of the models, and the sheet shows all of them from left to right. They are what a job would encode, in 8 bits and in
    /// the video's own transfer curve. They stand upright; where the video's pixels are not square, the files say so.
    Preview(Preview),
    /// Run the server: watch a folder and upscale what appears in it
    Serve(Serve),
    /// List what is in the input folder of a server: what would be taken in, what waits, what is a job already, and what is
    /// passed over and why
    ///
    /// Nothing is taken in or changed, and no server needs to run. New files come first, in the order in which they would be
    /// taken in.
    Scan(Scan),
    /// List the videos of a library that have few rows and no upscaled twin; begin nothing unless told to
    ///
    /// Left out are results, videos that have one (beside them or where it would go), and those that are jobs already. Without
    /// folders, all that a server would watch are looked through.
    Library(LibraryArguments),
    /// Take over the queue, the jobs and the results of the Python server that upscaled replaces
    ///
    /// What waited or was interrupted there becomes jobs in the order of the queue, what was done is noted so that it is not made
    /// again, and what failed is listed with the command that tries it. Nothing in the old folder is changed, and what was taken in
    /// once is not taken in again. It works with a server that runs and without one.
    Import(Import),
    /// List the jobs of a server, and the files that it has seen and waits for
    List(Listing),
    /// Show all about jobs
    Show(Show),
    /// End jobs and throw their unfinished work away, also that of jobs that have failed
    ///
    /// With --all, jobs that have not come to an end; with --failed, those that have failed.
    Cancel(ChosenOrFailed),
    /// Let failed and canceled jobs go on, or make results again
    Retry(Box<Retry>),
    /// Take jobs that have come to their end off the list; their results and videos stay, and they are not made again
    Remove(ChosenOrFailed),
    /// Forget jobs that have come to their end, with their numbers, times and notes; their results and videos stay
    ///
    /// A server does it by itself with jobs whose videos are gone, keep_jobs_days (90) days after their end, or where there are
    /// more than keep_jobs (10000). A job whose video is still there is not forgotten: the server would take
    /// the video in again and make it twice.
    Forget(Forget),
    /// Let jobs wait; a segment that is under way is finished first
    ///
    /// With --outside-hours, the server takes `resume --now` back: no segment begins outside of the schedule, or while other programs
    /// need the machine.
    Pause(Pause),
    /// Let paused jobs go on
    ///
    /// With --now, the server begins segments in spite of the schedule and of other programs, until what keeps it from that is over.
    Resume(Resume),
    /// Make jobs more or less urgent
    Priority(Urgency),
    /// Give a job another place among those of its priority
    Move(Move),
    /// Check this machine: what is installed, which encoders work, which engine runs, how much memory there is
    Doctor(Doctor),
    /// Measure how fast this machine upscales, for each model and size, and how long a film would take
    Bench(Bench),
    /// List the models: the built-in ones and those in models/, with what is wrong with those that cannot be used
    Models(Models),
    /// Show which settings hold, and where each is from: default, upscaled.toml or the command line
    Config(Config),
    /// Let a server that runs read upscaled.toml again, for new jobs; a file with a mistake is refused
    Reload(Reload),
    /// Set or change the owner's password, which the page and the API ask for from then on
    ///
    /// It is asked for twice; where the standard input is no terminal, its first line is the password. All sessions end. A
    /// server that runs takes it up at once.
    Password(PasswordChange),
    /// Make, list and revoke tokens, by which programs use the API
    Token(TokenArguments),
    /// Try the webhooks, by which the server tells what happens to jobs
    Webhook(WebhookArguments),
    /// Write completions for a shell, or manual pages
    Generate(Generate),
}

#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The videos
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the result (.mp4 or .mkv), or a folder for the results [default: NAME_upscaled.EXT beside the video]
    #[arg(short, long, value_name = "FILE|FOLDER/")]
    pub(crate) output: Option<PathBuf>,
    /// Replace a result that is there already
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Take the videos of folders too, with all below; results in a folder of -o keep the folders
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Leave videos alone whose picture has more rows as it is stored, for example 720
    #[arg(long, value_name = "ROWS", value_parser = choice::side, allow_negative_numbers = true)]
    pub(crate) skip_above: Option<u32>,
    /// Make nothing: say for each video what would be made, how long it would take and how large it would be. Some frames from
    /// all over it are really upscaled for that, and thrown away
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Discard unfinished work on the video and begin anew
    #[arg(long)]
    pub(crate) restart: bool,
    /// Enlarge this video stream of the file, by its number as `ffprobe` has it [default: the default video, else the
    /// longest, else the largest]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) stream: Option<u32>,
    #[command(flatten)]
    pub(crate) part: PartChoice,
    #[command(flatten)]
    pub(crate) choices: Choices,
    /// Keep the job in the ledger of this folder, and look for models there [default: a job folder beside the result,
    /// and models/ in the current folder]
    #[arg(long, value_name = "FOLDER", env = "UPSCALED_ROOT")]
    pub(crate) root: Option<PathBuf>,
    /// Write what happens as lines of JSON to standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be chosen for a job.
#[derive(Debug, Default, Clone, PartialEq, Args)]
pub(crate) struct Choices {
    /// Model: a built-in one (realesr-general-x4v3, realesr-animevideov3), one in models/, a file, or `none` for a
    /// classic resampler without a network [default: realesr-general-x4v3]
    #[arg(short, long, value_name = "NAME|FILE")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) size: SizeChoice,
    #[command(flatten)]
    pub(crate) post_processing: PostProcessingChoices,
    /// Strength of the denoising, 0 to 1; less than 1 needs the model's WDN weights in models/ [default: 1]
    #[arg(long, value_name = "0..1", value_parser = choice::denoise, allow_negative_numbers = true)]
    pub(crate) denoise: Option<f32>,
    /// Format of the video: h264, hevc, av1, prores or ffv1 [default: h264; hevc for more than 8 bits, HDR, and results
    /// wider or higher than 4096]
    #[arg(long, value_name = "NAME")]
    pub(crate) codec: Option<CodecName>,
    /// Encoder, by FFmpeg's name, for example h264_nvenc [default: the first that works of NVENC, QSV, VA-API,
    /// AMF and the one that needs no hardware]
    #[arg(long, value_name = "NAME", value_parser = choice::encoder)]
    pub(crate) encoder: Option<String>,
    /// Quality on the encoder's own scale, where less is better, for libx264 0 (lossless) to 51 [default: high; 16 for
    /// libx264, 18 for libx265]
    #[arg(long, value_name = "NUMBER", value_parser = choice::crf, allow_negative_numbers = true)]
    pub(crate) crf: Option<u8>,
    /// Speed of the encoder, for libx264 ultrafast to veryslow: slower makes smaller files [default: veryfast]
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// Another option of the encoder, for example tune=film; several may be given
    #[arg(long = "encoder-option", value_name = "NAME=VALUE")]
    pub(crate) encoder_options: Vec<EncoderOption>,
    /// Kind of file: mp4 or mkv [default: that of the source where it holds everything, else mkv]
    #[arg(long, value_name = "NAME")]
    pub(crate) container: Option<ContainerName>,
    /// Bring HDR to the range of usual screens (sdr: BT.709, 8 bits) [default: HDR stays HDR]
    #[arg(long, value_name = "TO")]
    pub(crate) tonemap: Option<Tonemap>,
    /// Enlarge even what is a result of upscaled already
    #[arg(long)]
    pub(crate) again: bool,
    /// Frames of a segment: what a crash may cost [default: about a minute of work]
    #[arg(long, value_name = "NUMBER", value_parser = choice::frames, allow_negative_numbers = true)]
    pub(crate) segment_frames: Option<u32>,
    /// Count samples that changed by at most so many levels of 255 as unchanged: what did not change is not computed
    /// again [default: 0, which changes no bit of the result]
    #[arg(long, value_name = "0..255", value_parser = choice::levels, allow_negative_numbers = true)]
    pub(crate) reuse_tolerance: Option<u8>,
    #[command(flatten)]
    pub(crate) reuse: Switch<Reuse>,
    #[command(flatten)]
    pub(crate) fill_gaps: Switch<FillGaps>,
    /// Interlaced video: auto does what the film needs, off takes the frames as they are, frame makes a frame of each frame,
    /// field one of each field (twice as many), telecine finds the frames of a film in 29.97 frames [default: auto]
    #[arg(long, value_name = "auto|off|frame|field|telecine", value_parser = choice::deinterlace)]
    pub(crate) deinterlace: Option<Deinterlace>,
    /// Cut something off before the picture is upscaled: auto takes black bars that all frames have, WIDTH:HEIGHT:LEFT:TOP
    /// leaves that part of the picture as it is stored, rounded inward to where its colour samples lie [default: off]
    #[arg(long, value_name = "auto|off|W:H:X:Y", value_parser = choice::crop)]
    pub(crate) crop: Option<Crop>,
    /// Threads of the engine [default: one a core]
    #[arg(long, value_name = "NUMBER", value_parser = choice::threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<u32>,
    /// Workers that make segments at the same time, 1 to 16: they divide the threads among them [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = choice::workers, allow_negative_numbers = true)]
    pub(crate) workers: Option<u32>,
    /// Disk that a job may take, for example 20GB: for its segments and the result, which are there together for a while,
    /// so about twice the result. A job that needs more fails early and says how much [default: what is free]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_disk: Option<DiskLimit>,
    #[command(flatten)]
    pub(crate) keep_time: Switch<KeepTime>,
    /// Name results by a template without an extension: {stem} is the name of the video, {height} and {width} are the size of
    /// the result, {scale} is how many times larger it is, {model} and {codec} what made it. A name that the result of
    /// another video has gets a number [default: {stem}_upscaled]
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) name: Option<NameTemplate>,
    #[command(flatten)]
    pub(crate) subtitle_files: Switch<SubtitleFiles>,
    #[command(flatten)]
    pub(crate) skip_samples: Switch<SkipSamples>,
    #[command(flatten)]
    pub(crate) unconfined: Switch<Unconfined>,
}

/// Which part of the film is made.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Args)]
pub(crate) struct PartChoice {
    /// Make only a part of the film, to try settings on: from then on, in seconds, MM:SS or HH:MM:SS with decimals from its
    /// beginning. Sound, subtitles and chapters are cut to it, and the part is in the result's name [default: the beginning]
    #[arg(long, value_name = "TIME", value_parser = choice::film_time, allow_hyphen_values = true)]
    pub(crate) from: Option<FilmTime>,
    /// Make only what is shown before then; what comes after it is not read [default: the end]
    #[arg(long, value_name = "TIME", value_parser = choice::film_time, allow_hyphen_values = true)]
    pub(crate) to: Option<FilmTime>,
}

impl PartChoice {
    /// What was chosen, in place of what there was.
    pub(crate) fn over(self, base: Option<Part>) -> Option<Part> {
        let base = base.unwrap_or_default();
        Part::of(self.from.or(base.from), self.to.or(base.to))
    }
}

/// How large results are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Args)]
#[group(multiple = false)]
pub(crate) struct SizeChoice {
    /// Enlarge so many times, 1 to 8, for example 2 or 1.5 [default: 4]
    #[arg(short, long, value_name = "TIMES", value_parser = choice::scale, allow_negative_numbers = true)]
    pub(crate) scale: Option<Scale>,
    /// Enlarge to so many rows of the picture as it is stored, for example 1080; the width follows
    #[arg(long, value_name = "ROWS", value_parser = choice::side, allow_negative_numbers = true)]
    pub(crate) height: Option<u32>,
    /// Enlarge to so many columns of the picture as it is stored, for example 1920; the height follows
    #[arg(long, value_name = "COLUMNS", value_parser = choice::side, allow_negative_numbers = true)]
    pub(crate) width: Option<u32>,
    /// Enlarge to what a screen of this size shows whole, for example 1920x1080: as large as can be, in the shape that
    /// players show, turned pictures and wide pixels included
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) fit: Option<PictureSize>,
}

/// How results look.
#[derive(Debug, Default, Clone, Copy, PartialEq, Args)]
pub(crate) struct PostProcessingChoices {
    /// Share of the network, 0 to 1: less is softer and closer to the source, and 0 is a classic resampler, without running
    /// the network [default: 1]
    #[arg(long, value_name = "0..1", value_parser = choice::strength, allow_negative_numbers = true)]
    pub(crate) strength: Option<f32>,
    #[command(flatten)]
    pub(crate) anchor: Switch<Anchor>,
    /// Add film grain, 0 to 1, strongest in mid-tones: 0.1 is faint, 0.3 is that of a coarse film. Files become much larger,
    /// and every frame is encoded anew, even one that repeats the last [default: 0]
    #[arg(long, value_name = "0..1", value_parser = choice::grain, allow_negative_numbers = true)]
    pub(crate) grain: Option<f32>,
}

#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// The video
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// When the frame is shown, from the video's beginning: seconds, MM:SS or HH:MM:SS, with decimals; can be given several
    /// times
    #[arg(long = "at", required = true, value_name = "TIME", value_parser = moment)]
    pub(crate) times: Vec<f64>,
    /// The video stream, by its number as `ffprobe` has it [default: as for up]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) stream: Option<u32>,
    /// Models, by name or file as for up [default: the built-in ones and those in models/]
    #[arg(short, long = "model", value_name = "NAME|FILE", num_args = 1..)]
    pub(crate) models: Vec<String>,
    /// A folder for the pictures; those of the same name are replaced [default: NAME_preview/ beside the video]
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) size: SizeChoice,
    #[command(flatten)]
    pub(crate) post_processing: PostProcessingChoices,
    /// Strength of the denoising, 0 to 1, for the model that has WDN weights in models/; others are shown as they are
    /// [default: 1]
    #[arg(long, value_name = "0..1", value_parser = choice::denoise, allow_negative_numbers = true)]
    pub(crate) denoise: Option<f32>,
    /// Cut something off first, as for up; auto looks at some frames of the film [default: off]
    #[arg(long, value_name = "auto|off|W:H:X:Y", value_parser = choice::crop)]
    pub(crate) crop: Option<Crop>,
    /// Threads of the engine [default: one a core]
    #[arg(long, value_name = "NUMBER", value_parser = choice::threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) unconfined: Switch<Unconfined>,
    /// Take settings from upscaled.toml in this folder, and look for models there [default: models/ in the current folder]
    #[arg(long, value_name = "FOLDER", env = "UPSCALED_ROOT")]
    pub(crate) root: Option<PathBuf>,
    /// Write JSON, a line a picture
    #[arg(long)]
    pub(crate) json: bool,
}

/// A time within a video, in seconds.
fn moment(text: &str) -> Result<f64, String> {
    choice::film_time(text).map(FilmTime::seconds)
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The folder with input/, output/, models/, logs/, state/ and upscaled.toml
    #[arg(long, value_name = "FOLDER", default_value = ".", env = "UPSCALED_ROOT")]
    pub(crate) root: PathBuf,
    #[command(flatten)]
    pub(crate) http: HttpChoice,
    #[command(flatten)]
    pub(crate) choices: Choices,
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) root: RootArgument,
    /// Write JSON, a line a file or folder
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LibraryArguments {
    /// The folders, with all below [default: input/ and the folders in upscaled.toml]
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folders: Vec<PathBuf>,
    /// Videos with so many rows or more, as they are stored, are left alone
    #[arg(long, value_name = "ROWS", default_value = "720", value_parser = choice::side)]
    pub(crate) below: u32,
    /// Make jobs of all that is listed; a server works on them
    #[arg(long)]
    pub(crate) start: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
    /// Write JSON, a line a video
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The folder that the Python server ran in, with queue.txt, status.json, input/ and output/
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Say what would be taken in, and take nothing in
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
    /// Write JSON, a line a video
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Listing {
    #[command(flatten)]
    pub(crate) kinds: Kinds,
    /// Only jobs that were added, went on or ended since then: a span as 30m, 2h, 3d or 1w, or a date as 2026-11-28 or
    /// 2026-11-28T14:00
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Since>,
    /// So many jobs at most: the first ones
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<u32>,
    /// Show whole paths, and where the results are
    #[arg(short, long)]
    pub(crate) long: bool,
    /// Draw the list anew every 2 seconds, until Ctrl-C
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
    /// Write JSON, a line a job, and a line a file that is no job yet
    #[arg(long)]
    pub(crate) json: bool,
}

/// Kinds of jobs; all where none is chosen.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[derive(Debug, Default, Clone, Copy, Args)]
pub(crate) struct Kinds {
    /// Jobs that are worked on
    #[arg(long)]
    pub(crate) running: bool,
    /// Jobs that wait for their turn, for space, or for a person, and files that are no jobs yet
    #[arg(long)]
    pub(crate) waiting: bool,
    /// Jobs that a person lets wait
    #[arg(long)]
    pub(crate) paused: bool,
    /// Jobs that failed
    #[arg(long)]
    pub(crate) failed: bool,
    /// Jobs that are done
    #[arg(long)]
    pub(crate) done: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The jobs: numbers, ranges such as 3-9, or names or ends of the paths of their videos
    #[arg(required = true, value_name = "JOB", value_parser = selector)]
    pub(crate) jobs: Vec<Selector>,
    #[command(flatten)]
    pub(crate) root: RootArgument,
    /// Write JSON, a line a job
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// The jobs: numbers, ranges such as 3-9, or names or ends of the paths of their videos
    #[arg(required_unless_present = "all", value_name = "JOB", value_parser = selector)]
    pub(crate) jobs: Vec<Selector>,
    /// All jobs of which this can be asked
    #[arg(long, conflicts_with = "jobs")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The jobs: numbers, ranges such as 3-9, or names or ends of the paths of their videos
    #[arg(value_name = "JOB", value_parser = selector)]
    pub(crate) jobs: Vec<Selector>,
    /// All jobs of which this can be asked
    #[arg(long, conflicts_with = "jobs")]
    pub(crate) all: bool,
    /// Begin no segment outside of the schedule in upscaled.toml, after `resume --now`
    #[arg(long)]
    pub(crate) outside_hours: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The jobs: numbers, ranges such as 3-9, or names or ends of the paths of their videos
    #[arg(value_name = "JOB", value_parser = selector)]
    pub(crate) jobs: Vec<Selector>,
    /// All jobs of which this can be asked
    #[arg(long, conflicts_with = "jobs")]
    pub(crate) all: bool,
    /// Begin segments now, whatever the schedule in upscaled.toml says
    #[arg(long)]
    pub(crate) now: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
}

/// As [`Chosen`], for what can be asked of failed jobs.
#[derive(Debug, Args)]
pub(crate) struct ChosenOrFailed {
    /// The jobs: numbers, ranges such as 3-9, or names or ends of the paths of their videos
    #[arg(required_unless_present_any = ["all", "failed"], value_name = "JOB", value_parser = selector)]
    pub(crate) jobs: Vec<Selector>,
    /// All jobs of which this can be asked
    #[arg(long, conflicts_with_all = ["jobs", "failed"])]
    pub(crate) all: bool,
    /// All jobs that have failed
    #[arg(long, conflicts_with = "jobs")]
    pub(crate) failed: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Forget {
    #[command(flatten)]
    pub(crate) which: Forgotten,
    /// Forget nothing: say which jobs would be
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Forgotten {
    /// The jobs: numbers, ranges such as 3-9, or names or ends of the paths of their videos
    #[arg(value_name = "JOB", value_parser = selector)]
    pub(crate) jobs: Vec<Selector>,
    /// All jobs that ended more than so many days ago and can be forgotten
    #[arg(long, value_name = "DAYS", value_parser = choice::days, allow_negative_numbers = true)]
    pub(crate) older_than: Option<u32>,
    /// All jobs that have ended and can be forgotten
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[command(mut_arg("again", |argument| {
    argument.help("Make finished jobs again too, with other settings where some are given; earlier results stay")
}))]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) chosen: ChosenOrFailed,
    #[command(flatten)]
    pub(crate) part: PartChoice,
    #[command(flatten)]
    pub(crate) choices: Choices,
}

#[derive(Debug, Args)]
pub(crate) struct Urgency {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// low, normal or high: high goes before all others from the next segment on, and low gets a twentieth of the segments
    /// at least
    #[arg(long, value_name = "PRIORITY", value_parser = priority)]
    pub(crate) to: Priority,
}

fn priority(text: &str) -> Result<Priority, String> {
    let found = Priority::ALL.into_iter().find(|priority| priority.name() == text);
    found.ok_or_else(|| "choose low, normal or high".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Move {
    /// The jobs: numbers, ranges such as 3-9, or names or ends of the paths of their videos
    #[arg(required = true, value_name = "JOB", value_parser = selector)]
    pub(crate) jobs: Vec<Selector>,
    #[command(flatten)]
    pub(crate) to: NewPosition,
    #[command(flatten)]
    pub(crate) root: RootArgument,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct NewPosition {
    /// Before all others
    #[arg(long)]
    pub(crate) first: bool,
    /// Before this one
    #[arg(long, value_name = "JOB", value_parser = selector)]
    pub(crate) before: Option<Selector>,
    /// After all others
    #[arg(long)]
    pub(crate) last: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) root: RootArgument,
    /// Write JSON, a line a finding
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Models {
    #[command(flatten)]
    pub(crate) root: RootArgument,
    /// Write JSON, a line a model
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    /// The folder with upscaled.toml and models/
    #[arg(long, value_name = "FOLDER", default_value = ".", env = "UPSCALED_ROOT")]
    pub(crate) root: PathBuf,
    #[command(flatten)]
    pub(crate) choices: Choices,
    /// Write JSON, a line a setting
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) root: RootArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    #[command(subcommand)]
    pub(crate) what: Generated,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Generated {
    /// Write the completions for a shell to standard output
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder, which is made when it is not there
        #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Models, by name or file as for up [default: the built-in ones and those in models/]
    #[arg(short, long = "model", value_name = "NAME|FILE", num_args = 1..)]
    pub(crate) models: Vec<String>,
    /// Sizes of the pictures before they are upscaled
    #[arg(long = "size", value_name = "WIDTHxHEIGHT", num_args = 1.., default_values = ["320x180", "640x360", "1280x720"])]
    pub(crate) sizes: Vec<PictureSize>,
    /// Threads of the engine [default: one a core]
    #[arg(long, value_name = "NUMBER", value_parser = choice::threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<u32>,
    /// Kind of engine
    #[arg(long, value_name = "KIND", default_value = job::ENGINES[0], value_parser = PossibleValuesParser::new(job::ENGINES))]
    pub(crate) engine: String,
    /// Measure each case for so long, and for two frames at least
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) seconds: f64,
    #[command(flatten)]
    pub(crate) root: RootArgument,
    /// Write JSON, a line a case
    #[arg(long)]
    pub(crate) json: bool,
}

/// A time to measure: a number of seconds, a day at most.
fn seconds(text: &str) -> Result<f64, String> {
    let is_in_range = |seconds: &f64| (0.0..=86_400.0).contains(seconds);
    let seconds = text.parse().ok().filter(is_in_range);
    seconds.ok_or_else(|| "choose a number of seconds from 0 to 86400".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct RootArgument {
    /// The server's folder
    #[arg(long, value_name = "FOLDER", default_value = ".", env = "UPSCALED_ROOT")]
    pub(crate) root: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        for (text, seconds) in [
            ("12.5", 12.5),
            ("0", 0.0),
            ("90", 90.0),
            ("1:02", 62.0),
            ("00:00:12.480", 12.48),
            ("1:02:03.5", 3723.5),
        ] {
            assert_eq!(moment(text), Ok(seconds), "{text}");
        }
        for text in
            ["", "-1", "+1", "x", "NaN", "inf", "1:", ":1", "1:60", "1:60:00", "1:-1", "1:2:3:4", "1.5:00"]
        {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
