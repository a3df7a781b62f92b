//! `webhook`: whether deliveries arrive.

use webhooks::{Client, test_message};

use crate::cli::WebhookCommand;
use crate::config::{self, Listening};
use crate::exit::{Ending, wrong};
use crate::output;
use crate::root::Root;

pub(super) async fn run(what: WebhookCommand) -> anyhow::Result<Ending> {
    let WebhookCommand::Test { number, root } = what;
    let root = Root::new(&root.root)?;
    // Where the server listens is said on its own command line, perhaps: a test names no page but one that was chosen.
    let hooks = config::webhooks(&root, &Listening::default())?;
    let count = hooks.len();
    if count == 0 {
        return Err(wrong(format!(
            "there is no webhook in `{}`: write [[webhooks]] into it, and url = \"https://example.org/hook\" below",
            root.settings_file().display()
        )));
    }
    if let Some(number) = number.filter(|number| !(1..=count).contains(number)) {
        return Err(wrong(format!("there is no webhook {number}: there are {count}, numbered from 1 on")));
    }
    let client = Client::new(env!("CARGO_PKG_VERSION"));
    let mut ending = Ending::Done;
    for hook in hooks.iter().filter(|hook| number.is_none_or(|number| number == hook.number)) {
        match test_message(hook, &client).await {
            Ok(answer) if answer.text.is_empty() => {
                output::say(&format!("{hook}: arrived, with {}", answer.status));
            }
            Ok(answer) => {
                let text = output::cut_end(&answer.text, 200);
                output::say(&format!("{hook}: arrived, with {}: {text}", answer.status));
            }
            Err(error) => {
                output::say(&format!("{hook}: failed: {error}"));
                ending = Ending::Failed;
            }
        }
    }
    Ok(ending)
}
