//! All hooks of a server: one task each, as the settings have them.

use std::collections::HashMap;
use std::sync::Arc;

use coordinator::{Handle, Shutdown, now};
use job::Notice;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::{Answer, Client, SendError};
use crate::deliver::Delivery;
use crate::hook::Hook;
use crate::message::Message;

/// What deliveries need.
#[derive(Debug)]
pub struct Options {
    /// By which events are read.
    pub handle: Handle,
    /// The hooks, as the settings have them now.
    pub hooks: watch::Receiver<Vec<Hook>>,
    /// What sends.
    pub client: Client,
    /// Reasons in the words of the program.
    pub words: fn(&Notice) -> String,
}

/// Delivers to all hooks.
#[derive(Debug)]
pub struct Webhooks {
    options: Options,
    running: HashMap<Arc<Hook>, (Shutdown, JoinHandle<()>)>,
}

impl Webhooks {
    /// What delivers with these options.
    pub fn new(options: Options) -> Self {
        Self { options, running: HashMap::new() }
    }

    /// Delivers until a shutdown is requested.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            let hooks = self.options.hooks.borrow_and_update().clone();
            self.take_up(hooks).await;
            tokio::select! {
                changed = self.options.hooks.changed() => if changed.is_err() { shutdown.requested().await },
                () = shutdown.requested() => {}
            }
            if shutdown.is_requested() {
                break;
            }
        }
        self.take_up_running(&[]).await;
    }

    /// Lets these hooks be the ones. One that stays as it is goes on.
    async fn take_up(&mut self, hooks: Vec<Hook>) {
        self.take_up_running(&hooks).await;
        // A hook that comes back begins anew, and not where it was long ago.
        let keys: Vec<[u8; 32]> = hooks.iter().map(Hook::key).collect();
        if let Err(error) = self.options.handle.keep_hooks(&keys).await {
            tracing::error!("webhooks that are gone cannot be forgotten: {error}");
        }
        for hook in hooks {
            let hook = Arc::new(hook);
            let Options { handle, client, words, .. } = &self.options;
            self.running.entry(Arc::clone(&hook)).or_insert_with(|| {
                let stop = Shutdown::new();
                let delivery = Delivery {
                    handle: handle.clone(),
                    hook,
                    client: client.clone(),
                    words: *words,
                    stop: stop.clone(),
                };
                (stop, tokio::spawn(delivery.run()))
            });
        }
    }

    /// Stops all others than these, at once.
    async fn take_up_running(&mut self, hooks: &[Hook]) {
        let gone: Vec<Arc<Hook>> =
            self.running.keys().filter(|hook| !hooks.contains(hook)).cloned().collect();
        let stopped: Vec<_> = gone.iter().filter_map(|hook| self.running.remove(hook)).collect();
        for (stop, _) in &stopped {
            stop.request();
        }
        for (_, task) in stopped {
            let _ = task.await;
        }
    }
}

/// Sends a message that says nothing but that it arrives.
///
/// # Errors
/// When it does not.
pub async fn test_message(hook: &Hook, client: &Client) -> Result<Answer, SendError> {
    let message = Message::test(now(), hook.page.as_deref());
    client.send(&hook.url, hook.allow_private, message.request(hook, now())).await
}
