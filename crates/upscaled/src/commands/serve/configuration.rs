//! The settings of a server as the page and programs see and change them: `upscaled.toml` is written anew only when the server could
//! start with it, and taken up as `upscaled reload` does it.

use std::path::Path;
use std::sync::Arc;

use coordinator::Handle;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use server::{
    Configuration, NotChanged, Origin, Setting, SettingChange, SettingsChanged, Unfit, WebhookTested,
};
use sha2::{Digest as _, Sha256};
use storage::Draft;
use tokio::sync::{Mutex, watch};
use webhooks::{Client, SendError, test_message};

use super::http::check_password;
use super::settings::ServerSettings;
use crate::cli::{Choices, HttpChoice};
use crate::config::{self, COMMAND_LINE, Effective, Mistake};
use crate::exit::InFile;
use crate::root::Root;

/// What the command line of a server says.
#[derive(Debug, Clone)]
pub(super) struct CommandLine {
    pub(super) choices: Choices,
    pub(super) http: HttpChoice,
}

/// The settings of a server that runs.
#[derive(Debug)]
pub(super) struct ServerConfiguration {
    root: Root,
    line: CommandLine,
    /// What held at the start.
    started: Vec<Effective>,
    /// What was taken up last.
    held: watch::Receiver<Vec<Effective>>,
    /// Held while the file is changed.
    changing: Mutex<()>,
}

impl ServerConfiguration {
    pub(super) fn new(root: &Root, line: CommandLine, held: watch::Receiver<Vec<Effective>>) -> Arc<Self> {
        let started = held.borrow().clone();
        Arc::new(Self { root: root.clone(), line, started, held, changing: Mutex::default() })
    }

    fn look(&self) -> server::ServerSettings {
        let path = self.root.settings_file();
        // Where it cannot be read, that is its fault, which is said below.
        let text = config::text_of(&path).unwrap_or_default();
        let held = self.held.borrow().clone();
        let read = config::effective(&self.line.choices, &path);
        let (now, fault) = match read {
            Ok(now) => (now, None),
            Err(error) => (held.clone(), Some(format!("{error:#}"))),
        };
        let file = config::as_json(&text).unwrap_or_default();
        let waits = changes(&self.started, &held).into_iter().filter(|change| change.needs_restart);
        server::ServerSettings {
            path: path.to_string_lossy().into_owned(),
            version: version(&text),
            settings: now.iter().map(|setting| self.setting(setting)).collect(),
            webhooks: config::shown_webhooks(&file),
            file: shown(file),
            fault,
            not_taken_up: changes(&held, &now),
            waits_for_restart: waits.collect(),
        }
    }

    fn setting(&self, setting: &Effective) -> Setting {
        let is_listening = setting.key == "listen" && self.line.has_addresses();
        let origin = match &*setting.origin {
            _ if is_listening => Origin::CommandLine,
            COMMAND_LINE => Origin::CommandLine,
            _ if setting.line.is_some() => Origin::File,
            _ => Origin::Default,
        };
        let value = if is_listening { self.line.addresses() } else { setting.value.clone() };
        Setting {
            key: setting.key.to_string(),
            value,
            usual: config::usual(&setting.key),
            origin,
            line: setting.line.filter(|_| !is_listening),
            fixed: self.line.fixes(&setting.key) || setting.key == UNCONFINED,
            needs_restart: config::needs_restart(&setting.key),
        }
    }

    async fn make(
        &self,
        handle: &Handle,
        wanted: &str,
        asked: &Map<String, Value>,
    ) -> Result<SettingsChanged, NotChanged> {
        let _turn = self.changing.lock().await;
        let path = self.root.settings_file();
        let failed = |error: anyhow::Error| NotChanged::Failed(format!("{error:#}"));
        let text = config::text_of(&path).map_err(|error| not_taken_up(&format!("{error:#}")))?;
        if version(&text) != wanted {
            return Err(NotChanged::OtherVersion);
        }
        self.check_taken_up(&path)?;
        let before = self.held.borrow().clone();
        self.check_keys(&text, asked)?;
        let new = config::checked(&text, asked, &[self.root.models()])
            .map_err(|all| NotChanged::Unfit(all.into_iter().map(unfit).collect()))?;
        if new != text {
            let draft = Draft::write(&path, new.as_bytes()).map_err(|error| not_writable(&error))?;
            self.try_out(handle, draft.path(), &new).await?;
            // It may have taken a while.
            if config::text_of(&path).map_err(failed)? != text {
                return Err(NotChanged::OtherVersion);
            }
            draft.publish().map_err(|error| not_writable(&error))?;
        }
        if let Err(refusal) = handle.reload().await {
            let back = Draft::write(&path, text.as_bytes()).and_then(Draft::publish);
            let back = back.err().map(|error| format!("; the file could not be put back: {error}"));
            return Err(NotChanged::Failed(format!("{refusal}{}", back.unwrap_or_default())));
        }
        let settings = self.look();
        Ok(SettingsChanged { changes: changes(&before, &self.held.borrow()), settings })
    }

    /// Refuses a file that says something else than what holds: the change would take the rest of it up unseen, and lose what it no longer
    /// has.
    fn check_taken_up(&self, path: &Path) -> Result<(), NotChanged> {
        let now = config::effective(&self.line.choices, path)
            .map_err(|error| not_taken_up(&format!("it cannot be taken up: {error:#}")))?;
        let changes = config::differences(&self.held.borrow(), &now);
        if changes.is_empty() {
            return Ok(());
        }
        let gone = if path.exists() { "" } else { "it is gone; " };
        Err(not_taken_up(&format!("{gone}{}", changes.join(", "))))
    }

    /// Refuses what is changed at the machine alone.
    fn check_keys(&self, text: &str, asked: &Map<String, Value>) -> Result<(), NotChanged> {
        let before = config::as_json(text).unwrap_or_default();
        let stays = |key: &String, value: &Value| before.get(key).unwrap_or(&Value::Null) == value;
        for (key, _) in asked.iter().filter(|(key, value)| !stays(key, value)) {
            let words = if key == UNCONFINED {
                "it decides whether videos are opened without protection: a person at the machine sets it in upscaled.toml".to_owned()
            } else if self.line.fixes(key) {
                "the command line of the server decides about it, whatever upscaled.toml says: start the server without that option to change it here".to_owned()
            } else {
                continue;
            };
            return Err(NotChanged::Fixed { key: key.clone(), words });
        }
        Ok(())
    }

    /// Reads settings as a start would.
    async fn try_out(&self, handle: &Handle, file: &Path, text: &str) -> Result<(), NotChanged> {
        let root = self.root.with_settings_file(file);
        let read = ServerSettings::read(&root, &self.line.choices, &self.line.http).await;
        let one = |key: Option<String>, words: String| NotChanged::Unfit(vec![Unfit { key, words }]);
        let settings = read.map_err(|error| match error.downcast_ref::<InFile>() {
            Some(InFile { line, words, .. }) => {
                one(line.and_then(|line| config::key_at(text, line)), words.clone())
            }
            None => one(None, format!("{error:#}")),
        })?;
        let allowed = check_password(&settings.listening, &self.root, handle.access()).await;
        allowed.map_err(|error| one(Some("listen".to_owned()), format!("{error:#}")))
    }

    async fn test(&self, number: usize) -> Result<Option<WebhookTested>, String> {
        let hooks = config::listening(&self.line.http, &self.root.settings_file())
            .and_then(|listening| config::webhooks(&self.root, &listening));
        let hooks = hooks.map_err(|error| format!("{error:#}"))?;
        let Some(hook) = number.checked_sub(1).and_then(|at| hooks.get(at)) else { return Ok(None) };
        let sent = test_message(hook, &Client::new(env!("CARGO_PKG_VERSION"))).await;
        // What an address answers is for those at the machine: it may be one of the neighbourhood.
        let (arrived, detail) = match sent {
            Ok(answer) => (true, format!("it arrived, with {}", answer.status)),
            Err(SendError::Status { status, .. }) => (false, format!("it answers {status}")),
            Err(error) => (false, error.to_string()),
        };
        Ok(Some(WebhookTested { arrived, detail }))
    }
}

/// What opens videos without protection is set by a person at the machine.
const UNCONFINED: &str = "unconfined";

impl CommandLine {
    /// Whether the command line decides about a setting, whatever the file says.
    fn fixes(&self, key: &str) -> bool {
        config::is_fixed(&self.choices, key) || key == "listen" && self.has_addresses()
    }

    fn has_addresses(&self) -> bool {
        self.http.no_http || !self.http.listen.is_empty()
    }

    fn addresses(&self) -> String {
        let all: Vec<String> = self.http.listen.iter().map(|address| format!("\"{address}\"")).collect();
        format!("[{}]", all.join(", "))
    }
}

impl Configuration for ServerConfiguration {
    fn show(&self) -> BoxFuture<'_, server::ServerSettings> {
        Box::pin(async { self.look() })
    }

    fn change<'a>(
        &'a self,
        handle: &'a Handle,
        version: &'a str,
        changes: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<SettingsChanged, NotChanged>> {
        Box::pin(self.make(handle, version, changes))
    }

    fn test_webhook(&self, number: usize) -> BoxFuture<'_, Result<Option<WebhookTested>, String>> {
        Box::pin(self.test(number))
    }
}

/// What of a file is told as it is: webhooks hold secrets.
fn shown(mut file: Map<String, Value>) -> Map<String, Value> {
    file.remove("webhooks");
    file
}

fn version(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unfit(Mistake { key, words }: Mistake) -> Unfit {
    Unfit { key, words }
}

fn not_taken_up(why: &str) -> NotChanged {
    NotChanged::NotTakenUp(format!(
        "upscaled.toml is not what the server has taken up ({why}): put it in order, let `upscaled reload` take it up, and make the change anew"
    ))
}

fn not_writable(error: &storage::Error) -> NotChanged {
    NotChanged::NotWritable(format!("upscaled.toml cannot be written: {error}"))
}

fn changes(before: &[Effective], after: &[Effective]) -> Vec<SettingChange> {
    let changed = config::changed_settings(before, after).into_iter();
    let change = |(key, before, after): (String, String, String)| {
        let needs_restart = config::needs_restart(&key);
        SettingChange { key, before, after, needs_restart }
    };
    changed.map(change).collect()
}
