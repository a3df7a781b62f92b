//! The settings of a server, and how new ones are taken up while it runs.

use coordinator::{
    Inbox, InboxOptions, Limits, NameRules, ReloadWish, Schedule, SegmentGate, ServerFolders, Shutdown,
    WatchFolder,
};
use job::Settings;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};
use webhooks::Hook;

use super::configuration::CommandLine;
use super::outputs::make_outputs;
use crate::cli::{Choices, HttpChoice};
use crate::commands::ask;
use crate::config::{self, Effective, Listening, Watching};
use crate::root::Root;

/// What `upscaled.toml` and the command line say together.
pub(crate) struct ServerSettings {
    pub(super) choices: Choices,
    pub(super) job: Settings,
    /// The folders that are watched, the server's own one first.
    pub(super) folders: Vec<WatchFolder>,
    pub(super) watching: Watching,
    pub(super) schedule: Schedule,
    pub(super) listening: Listening,
    pub(super) hooks: Vec<Hook>,
    /// All of them in words.
    pub(super) effective: Vec<Effective>,
}

impl ServerSettings {
    /// Reads the file and checks all that can be checked, with the options of the command line over it.
    pub(crate) async fn read(root: &Root, line: &Choices, http: &HttpChoice) -> anyhow::Result<Self> {
        let file = root.settings_file();
        let (choices, job) = config::complete(line, &file, &[root.models()])?;
        ask::try_encoder_of(&job, line, &file).await?;
        let (watching, effective) = (config::watching(line, &file)?, config::effective(line, &file)?);
        let listening = config::listening(http, &file)?;
        let folders = config::watch_folders(line, root)?;
        ask::try_encoders_of(&folders, &file).await?;
        let schedule = config::schedule(&file)?;
        let hooks = config::webhooks(root, &listening)?;
        Ok(Self { choices, job, folders, watching, schedule, listening, hooks, effective })
    }
}

/// Where new settings come from while the server runs, and where those go that are not of single jobs.
pub(super) struct News {
    pub(super) root: Root,
    /// What the command line says, which goes over the file.
    pub(super) line: CommandLine,
    pub(super) hang_up: Option<Signal>,
    /// What `upscaled reload` asks for.
    pub(super) wishes: mpsc::Receiver<ReloadWish>,
    /// The settings that hold, in words.
    pub(super) held: watch::Sender<Vec<Effective>>,
    pub(super) limits: watch::Sender<Limits>,
    pub(super) folders: watch::Sender<ServerFolders>,
    /// Which names are passed over.
    pub(super) names: watch::Sender<NameRules>,
    /// The settings of jobs that choose nothing.
    pub(super) usual: watch::Sender<Settings>,
    pub(super) gate: SegmentGate,
    pub(super) hooks: watch::Sender<Vec<Hook>>,
}

impl News {
    /// Watches the folders until a person asks to stop, with new settings whenever a person asks for them and they are
    /// sound. `options` has what never changes.
    pub(super) async fn watch_input(mut self, mut options: InboxOptions, shutdown: &Shutdown) {
        loop {
            let stop = Shutdown::new();
            let inbox = Inbox::new(options.clone());
            let mut watching = std::pin::pin!(inbox.run(&stop));
            let new = tokio::select! {
                () = &mut watching => return,
                () = shutdown.requested() => None,
                new = self.next() => Some(new),
            };
            stop.request();
            watching.await;
            let Some(new) = new else { return };
            let name = new.choices.name.unwrap_or_default();
            let (output, state) = (self.root.output(), self.root.state());
            let folders = ServerFolders::new(new.folders, &output, name, &state);
            if let Err(error) = make_outputs(&self.root, &folders, &options.ledger).await {
                tracing::error!("{error:#}");
            }
            self.folders.send_replace(folders.clone());
            options.folders = folders;
            options.wake.changed();
            let Watching { settle, rules, keep } = new.watching;
            self.names.send_replace(rules.clone());
            (options.settle, options.rules, options.keep) = (settle, rules, keep);
        }
    }

    /// The next settings that a person asks for and that are sound.
    async fn next(&mut self) -> ServerSettings {
        loop {
            let wish = self.asked().await;
            let read = ServerSettings::read(&self.root, &self.line.choices, &self.line.http).await;
            let told = match &read {
                Ok(settings) => Ok(self.take_up(settings)),
                Err(error) => {
                    tracing::error!("the settings stay as they are: {error:#}");
                    Err(format!("{error:#}"))
                }
            };
            if let Some(wish) = wish {
                wish.answer(told);
            }
            if let Ok(settings) = read {
                return settings;
            }
        }
    }

    /// Lets settings hold; gives what changed.
    fn take_up(&mut self, settings: &ServerSettings) -> Vec<String> {
        let changes = config::differences(&self.held.borrow(), &settings.effective);
        let told = if changes.is_empty() { "none".to_owned() } else { changes.join(", ") };
        tracing::info!("the settings were read again; changed: {told}");
        self.held.send_replace(settings.effective.clone());
        self.limits.send_replace(config::limits(&settings.choices));
        self.usual.send_replace(settings.job.clone());
        self.gate.set(settings.schedule.clone());
        self.hooks.send_replace(settings.hooks.clone());
        changes
    }

    /// Waits until SIGHUP comes, or a person asks who wants an answer.
    async fn asked(&mut self) -> Option<ReloadWish> {
        let hang_up = &mut self.hang_up;
        let signal = async {
            match hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = signal => None,
            Some(wish) = self.wishes.recv() => Some(wish),
        }
    }
}
