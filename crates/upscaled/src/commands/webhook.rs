//! `webhook`: whether deliveries arrive.

use webhooks::{Client, test_message};

use crate::cli::{HttpChoice, WebhookCommand};
use crate::config;
use crate::exit::{Ending, wrong};
use crate::output;
use crate::root::Root;

pub(super) async fn run(what: WebhookCommand) -> anyhow::Result<Ending> {
    let WebhookCommand::Test { number, root } = what;
    let root = Root::new(&root.root)?;
    let listening = config::listening(&HttpChoice::default(), &root.settings_file())?;
    let hooks = config::webhooks(&root, &listening)?;
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
    for (own, hook) in (1..).zip(&hooks).filter(|(own, _)| number.is_none_or(|number| number == *own)) {
        let name = format!("webhook {own}, {}", hook.url);
        match test_message(hook, &client).await {
            Ok(answer) if answer.text.is_empty() => {
                output::say(&format!("{name}: arrived, with {}", answer.status));
            }
            Ok(answer) => {
                let text = output::cut_end(&answer.text, 200);
                output::say(&format!("{name}: arrived, with {}: {text}", answer.status));
            }
            Err(error) => {
                output::say(&format!("{name}: failed: {error}"));
                ending = Ending::Failed;
            }
        }
    }
    Ok(ending)
}
