//! `forget`: removes jobs that have come to their end from the ledger.

use coordinator::commands::{Became, Outcome, Reply, Request, Which};

use super::unexpected;
use crate::cli::{Forget, Forgotten};
use crate::clock::Clock;
use crate::exit::Ending;
use crate::output;
use crate::reach::ask;
use crate::root::Root;
use crate::words::{Called, tell};

/// Seconds of a day.
const DAY: i64 = 86_400;

pub(super) async fn run(Forget { which, dry_run, root }: Forget) -> anyhow::Result<Ending> {
    let Forgotten { jobs, older_than, all } = which;
    let before = older_than.map(|days| Clock::system().now.plus(-1000 * DAY * i64::from(days)));
    let is_named = !all && before.is_none();
    let jobs = if is_named { Which::Named(jobs) } else { Which::All };
    let request = Request::Forget { jobs, before, dry_run };
    let Reply::Changed(mut outcomes) = ask(&Root::new(&root.root)?, request).await? else {
        return Err(unexpected());
    };
    let done = if dry_run { "ready to be forgotten" } else { "forgotten" };
    let called = Called { done, refused: "cannot be forgotten" };
    if is_named {
        return Ok(tell(&outcomes, called));
    }
    let all = outcomes.len();
    outcomes.retain(|Outcome { became, .. }| !is_obstacle(became));
    let ending = if outcomes.is_empty() && all > 0 { Ending::Done } else { tell(&outcomes, called) };
    if all > outcomes.len() {
        let stay = all - outcomes.len();
        let jobs = if stay == 1 { "1 job stays".to_owned() } else { format!("{stay} jobs stay") };
        output::say(&format!(
            "{jobs}: for a video that is still there, finished frames, or an end a moment ago; `upscaled forget JOB` says for what"
        ));
    }
    Ok(ending)
}

/// True for what keeps a job from being one of all that can be forgotten.
const fn is_obstacle(became: &Became) -> bool {
    matches!(
        became,
        Became::SourceThere { .. }
            | Became::SourceAway { .. }
            | Became::KeepsWork { .. }
            | Became::NotEnded { .. }
            | Became::StillNeeded
    )
}
