//! `config`: which settings a server or `up --root` in a folder would have, and where each is from.

use coordinator::socket::connect;

use super::serve::ServerSettings;
use crate::cli::{Config, HttpChoice};
use crate::config::{self, COMMAND_LINE, Effective};
use crate::exit::Ending;
use crate::output::{self, width};
use crate::root::Root;
use crate::terminal;
use crate::words;
use crate::wrap::{GAP, beside, hang};

/// Most columns that values take beside where they are from; longer ones push that to the right.
const VALUES: usize = 40;

pub(super) async fn run(wanted: &Config) -> anyhow::Result<Ending> {
    let root = Root::new(&wanted.root)?;
    let mut all = config::effective(&wanted.choices, &root.settings_file())?;
    all.insert(0, of_root(&root, wanted));
    // What a server would refuse to start with.
    ServerSettings::read(&root, &wanted.choices, &HttpChoice::default()).await?;
    if wanted.json {
        for setting in &all {
            output::json(setting)?;
        }
        return Ok(Ending::Done);
    }
    output::lines(table(&all, terminal::columns(&std::io::stdout())))?;
    // Where none answers, nothing is to be said of one.
    if let Ok(Some(client)) = connect(&root.state()).await {
        words::tell_set(&client.hello);
    }
    Ok(Ending::Done)
}

/// A line for each setting, or several where there is no room in so many columns.
fn table(all: &[Effective], columns: Option<usize>) -> Vec<String> {
    let widest = |of: fn(&Effective) -> &str| all.iter().map(|setting| width(of(setting))).max().unwrap_or(0);
    let keys = widest(|setting| &setting.key);
    // So that where they are from has room beside most of them.
    let room = columns.map_or(VALUES, |columns| {
        columns.saturating_sub(keys + GAP + GAP + widest(|setting| &setting.origin))
    });
    let values = widest(|setting| &setting.value).min(VALUES).min(room);
    let lines = all.iter().flat_map(|Effective { key, value, origin, .. }| {
        let mut lines = hang(&format!("{key:<keys$}  "), value, columns);
        let padding = " ".repeat(values.saturating_sub(width(value)));
        let last = lines.pop().unwrap_or_default();
        lines.extend(beside(&(last + &padding), origin, keys + GAP, columns));
        lines
    });
    lines.collect()
}

/// The folder, which the environment can name too.
fn of_root(root: &Root, wanted: &Config) -> Effective {
    let is_of_environment =
        std::env::var_os("UPSCALED_ROOT").is_some_and(|value| value == *wanted.root.as_os_str());
    let origin = match wanted.root.to_str() {
        _ if is_of_environment => "environment (UPSCALED_ROOT)",
        Some(".") => "default",
        _ => COMMAND_LINE,
    };
    Effective {
        key: "root".into(),
        value: output::path(root.folder()),
        origin: origin.to_owned(),
        line: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{WIDTHS, compare};

    #[test]
    fn settings_look_as_they_were_recorded() {
        let setting = |key: &'static str, value: &str, origin: &str| Effective {
            key: key.into(),
            value: value.to_owned(),
            origin: origin.to_owned(),
            line: None,
        };
        let all = [
            setting(
                "root",
                "/srv/video/a folder with a name that is longer than others",
                "environment (UPSCALED_ROOT)",
            ),
            setting("crf", "16", "default"),
            setting("encoder_options", "{ tune = \"film\", bf = 3, g = 250 }", "upscaled.toml, line 12"),
            setting("segment_frames", "about a minute of work", "default"),
        ];
        let mut shown = String::new();
        for (columns, title) in WIDTHS {
            let lines = table(&all, columns);
            assert!(
                lines.iter().all(|line| columns.is_none_or(|columns| width(line) <= columns)),
                "{lines:?}"
            );
            shown.extend([format!("--- {title}\n"), lines.join("\n"), "\n".to_owned()]);
        }
        compare("config.txt", &shown);
    }
}
