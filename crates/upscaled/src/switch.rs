//! Settings that are on or off: one option of the command line sets each, another one unsets it, and the last one holds.

use std::marker::PhantomData;

use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// A setting that is on or off.
pub(crate) trait OnOff {
    /// The option that sets it, without its dashes.
    const ON: &'static str;
    /// The option that unsets it.
    const OFF: &'static str;
    /// True where it is on unless it is switched off.
    const IS_USUAL: bool;
    /// What the option says that changes what is usual: the text of `--help`.
    const HELP: &'static str;
    /// An option that cannot stand beside the one that unsets it.
    const NOT_WHEN_OFF: Option<&'static str>;
}

/// What is said of a setting: on, off, or nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Switch<S>(Option<bool>, PhantomData<S>);

impl<S> Switch<S> {
    pub(crate) const fn new(chosen: Option<bool>) -> Self {
        Self(chosen, PhantomData)
    }

    /// What was chosen; `None` where nothing was.
    pub(crate) fn chosen(&self) -> Option<bool> {
        self.0
    }

    /// True where it was set.
    pub(crate) fn is_on(&self) -> bool {
        self.0 == Some(true)
    }

    /// True where it was unset.
    pub(crate) fn is_off(&self) -> bool {
        self.0 == Some(false)
    }

    /// What was chosen, else this.
    pub(crate) fn or(self, other: Option<bool>) -> Self {
        Self::new(self.0.or(other))
    }
}

impl<S: OnOff> Args for Switch<S> {
    fn augment_args(command: Command) -> Command {
        let option = |name: &'static str| {
            Arg::new(name).long(name).action(ArgAction::SetTrue).overrides_with_all([S::ON, S::OFF])
        };
        let mut off = option(S::OFF);
        if let Some(other) = S::NOT_WHEN_OFF {
            off = off.conflicts_with(other);
        }
        // A line of the help has both, which is not broken between these words.
        let on = option(S::ON).hide(S::IS_USUAL).help(format!("{} [off:\u{a0}--{}]", S::HELP, S::OFF));
        let off = off.hide(!S::IS_USUAL).help(format!("{} [on:\u{a0}--{}]", S::HELP, S::ON));
        command.arg(on).arg(off)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: OnOff> FromArgMatches for Switch<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self::new(match (matches.get_flag(S::ON), matches.get_flag(S::OFF)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?.or(self.0);
        Ok(())
    }
}

/// Makes a setting of a name: its option, whether it is usual, its help, and what cannot stand beside its being off.
macro_rules! on_off {
    ($setting:ident, $option:literal, $usual:literal, $not_when_off:expr, $help:literal) => {
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $setting;

        impl OnOff for $setting {
            const ON: &'static str = $option;
            const OFF: &'static str = concat!("no-", $option);
            const IS_USUAL: bool = $usual;
            const HELP: &'static str = $help;
            const NOT_WHEN_OFF: Option<&'static str> = $not_when_off;
        }
    };
}

on_off!(
    Anchor,
    "anchor",
    false,
    None,
    "Keep the colours of wide areas as the source has them, where a network shifts them"
);
on_off!(
    Reuse,
    "reuse",
    true,
    Some("reuse_tolerance"),
    "Compute every frame whole, even one that repeats the last"
);
on_off!(
    FillGaps,
    "fill-gaps",
    false,
    None,
    "Take damaged files too: where frames are missing, show the picture before, so that sound and timing hold, and say which they are; else such a job fails and names the frames"
);
on_off!(KeepTime, "keep-time", false, None, "Give results the time at which their videos were modified");
on_off!(
    SubtitleFiles,
    "subtitle-files",
    true,
    None,
    "Leave the subtitle files beside a video where they are: film.srt and film.en.forced.srt beside film.mkv are else copied beside its result"
);
on_off!(
    Unconfined,
    "unconfined",
    false,
    None,
    "Open videos even where this system cannot confine the process that does (`upscaled doctor` shows whether it can): only for videos that you trust"
);
on_off!(
    SkipSamples,
    "skip-samples",
    false,
    None,
    "Pass over sample.mkv, *-sample.mkv and folders named Sample where folders are searched"
);
