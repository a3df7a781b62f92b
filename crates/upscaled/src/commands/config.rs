//! `config`: which settings a server or `up --root` in a folder would have, and where each is from.

use super::serve::ServerSettings;
use crate::cli::Config;
use crate::config::{self, Effective};
use crate::exit::Ending;
use crate::output;
use crate::root::Root;

pub(super) async fn run(wanted: &Config) -> anyhow::Result<Ending> {
    let root = Root::new(&wanted.root)?;
    let mut all = config::effective(&wanted.choices, &root.settings_file())?;
    all.insert(0, of_root(&root, wanted));
    // What a server would refuse to start with.
    ServerSettings::read(&root, &wanted.choices).await?;
    if wanted.json {
        for setting in &all {
            output::json(setting)?;
        }
        return Ok(Ending::Done);
    }
    let widest =
        |of: fn(&Effective) -> &str| all.iter().map(|setting| output::width(of(setting))).max().unwrap_or(0);
    let keys = widest(|setting| setting.key);
    let values = widest(|setting| &setting.value).min(40);
    output::lines(all.iter().map(|Effective { key, value, origin, .. }| {
        let padding = " ".repeat(values.saturating_sub(output::width(value)));
        format!("{key:<keys$}  {value}{padding}  {origin}")
    }))?;
    Ok(Ending::Done)
}

/// The folder, which the environment can name too.
fn of_root(root: &Root, wanted: &Config) -> Effective {
    let is_of_environment =
        std::env::var_os("UPSCALED_ROOT").is_some_and(|value| value == *wanted.root.as_os_str());
    let origin = match wanted.root.to_str() {
        _ if is_of_environment => "environment (UPSCALED_ROOT)",
        Some(".") => "default",
        _ => "command line",
    };
    Effective { key: "root", value: output::path(root.folder()), origin: origin.to_owned(), line: None }
}
