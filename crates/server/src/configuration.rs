//! The settings of the whole server, which the program keeps that the server is a part of.

use std::fmt::Debug;

use coordinator::Handle;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::offer::Unfit;

/// Tells the settings of the server and changes them.
pub trait Configuration: Debug + Send + Sync {
    /// The settings that hold, and what the file has.
    fn show(&self) -> BoxFuture<'_, ServerSettings>;

    /// Changes the file where it is of this version, and lets the server take it up by `handle`. Either all of it holds at the end, or the
    /// file is as it was.
    fn change<'a>(
        &'a self,
        handle: &'a Handle,
        version: &'a str,
        changes: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<SettingsChanged, NotChanged>>;

    /// Sends a test to the webhook of this number, from 1 on; `None` where there is none.
    fn test_webhook(&self, number: usize) -> BoxFuture<'_, Result<Option<WebhookTested>, String>>;
}

/// The settings of the server, and where each is from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ServerSettings {
    /// The file.
    pub path: String,
    /// The version of its content, which `If-Match` must have for a change.
    pub version: String,
    /// Each setting as it holds.
    pub settings: Vec<Setting>,
    /// What the file says, by the keys that it has there.
    #[schema(value_type = Object)]
    pub file: Map<String, Value>,
    /// The webhooks that the file has, without what is secret of them.
    pub webhooks: Vec<Webhook>,
    /// What is wrong with the file, where it was changed by hand and cannot be taken up; null where it can.
    pub fault: Option<String>,
    /// What was changed in the file by hand and is not taken up yet.
    pub not_taken_up: Vec<SettingChange>,
    /// What holds from the next start on.
    pub waits_for_restart: Vec<SettingChange>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Setting {
    /// Its name in the file; that of a table, and a dot, go before: `schedule.windows`, `folders.1.path`.
    pub key: String,
    /// What holds, as the file would have it, or in words.
    pub value: String,
    /// What holds where nothing is set, in the same way; null for what is in a table.
    pub usual: Option<&'static str>,
    /// Where the value is from.
    pub origin: Origin,
    /// The line of the file.
    pub line: Option<usize>,
    /// It cannot be changed over HTTP, since the command line or a person at the machine decides.
    pub fixed: bool,
    /// A change holds from the next start on.
    pub needs_restart: bool,
}

/// A webhook as the file has it. What is not set there is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Webhook {
    /// Its address without the path, which may be a secret; null where it has none that can be.
    #[schema(example = "https://ntfy.sh/…")]
    pub url: Option<String>,
    /// The events that are told.
    pub events: Option<Vec<String>>,
    /// What is sent: `json` or `ntfy`.
    pub format: Option<String>,
    /// A secret is set, which is never told.
    pub has_secret: bool,
    /// The file that has the secret.
    pub secret_file: Option<String>,
    /// It may lie on this machine or in its neighbourhood.
    pub allow_private: Option<bool>,
    /// Where people find the page.
    pub page: Option<String>,
}

/// What became of a test of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookTested {
    /// It was taken.
    pub arrived: bool,
    /// The status that came back, or why nothing did.
    pub detail: String,
}

/// Where a setting is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nothing is set.
    Default,
    /// It is in the file.
    File,
    /// It is on the server's own command line.
    CommandLine,
}

/// A setting that has another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettingChange {
    /// Its name.
    pub key: String,
    /// What held, in words.
    pub before: String,
    /// What holds or will hold, in words.
    pub after: String,
    /// It holds from the next start on.
    pub needs_restart: bool,
}

/// Settings that were changed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SettingsChanged {
    /// What changed.
    pub changes: Vec<SettingChange>,
    /// All of them now.
    pub settings: ServerSettings,
}

/// Why settings were not changed; the file is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotChanged {
    /// The file has another version.
    OtherVersion,
    /// The file says something else than what holds, and was not read again: what, and what to do.
    NotTakenUp(String),
    /// Values that cannot be: one at least.
    Unfit(Vec<Unfit>),
    /// The command line or a person at the machine decides.
    Fixed {
        /// The key.
        key: String,
        /// Why.
        words: String,
    },
    /// The file cannot be written.
    NotWritable(String),
    /// Something else failed.
    Failed(String),
}
