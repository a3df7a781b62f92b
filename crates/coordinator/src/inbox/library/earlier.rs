//! What earlier jobs tell of how large a film's result is.

use std::collections::HashMap;

use job::Settings;
use job::state::Status;
use ledger::{End, Ended, Ledger, Record};

use crate::error::Error;

/// Jobs that are looked at: the latest.
const MOST: u32 = 200;

/// How large the results of each kind of settings were.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Bytes for a pixel of the result and a second of film, by the hash of the settings.
    density: HashMap<String, f64>,
}

impl Earlier {
    pub(super) async fn of(ledger: Option<&Ledger>) -> Result<Self, Error> {
        let Some(ledger) = ledger else { return Ok(Self::default()) };
        let ended =
            ledger.ended(&Ended { how: vec![End::Done], removed: true, ..Ended::default() }, MOST).await?;
        Ok(Self::from(&ended))
    }

    fn from(jobs: &[Record]) -> Self {
        let mut densities = HashMap::<_, Vec<f64>>::new();
        for record in jobs.iter().filter(|record| record.job.status == Status::Done) {
            let settings = &record.request.settings;
            let (Some(facts), Some(plan)) = (&record.job.facts, &record.job.plan) else { continue };
            if facts.seconds <= 0.0 || settings.part.is_some() {
                continue;
            }
            if let Some(bytes) = record.job.result_bytes {
                let shown = pixels((plan.width, plan.height)) * facts.seconds;
                densities.entry(settings.hash()).or_default().push(bytes as f64 / shown);
            }
        }
        Self { density: medians(densities) }
    }

    /// Bytes of a result of so many pixels that plays for so long.
    pub(super) fn result_bytes(&self, settings: &Settings, size: (u32, u32), seconds: f64) -> Option<f64> {
        self.density.get(&settings.hash()).map(|density| density * pixels(size) * seconds)
    }
}

fn pixels((width, height): (u32, u32)) -> f64 {
    f64::from(width.max(1)) * f64::from(height.max(1))
}

/// The one in the middle of each: a film of one picture says nothing of others.
fn medians(all: HashMap<String, Vec<f64>>) -> HashMap<String, f64> {
    let median = |(key, mut values): (String, Vec<f64>)| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).map(|middle| (key, *middle))
    };
    all.into_iter().filter_map(median).collect()
}

#[cfg(test)]
mod tests {
    use job::Model;

    use super::*;

    #[test]
    fn the_middle_of_several_counts() {
        let all = HashMap::from([("a".to_owned(), vec![900.0, 1.0, 2.0]), ("b".to_owned(), vec![])]);
        assert_eq!(medians(all), HashMap::from([("a".to_owned(), 2.0)]));
    }

    #[test]
    fn nothing_is_known_of_other_settings() {
        let settings = Settings::default();
        let earlier = Earlier { density: HashMap::from([(settings.hash(), 0.25)]) };
        assert_eq!(earlier.result_bytes(&settings, (40, 8), 3.0), Some(240.0));
        let other = Settings { model: Model::None, ..Settings::default() };
        assert_eq!(earlier.result_bytes(&other, (40, 8), 3.0), None);
    }
}
