//! Taking in what a worker says: bounded before it is read, checked, and cleaned of what could forge a line.

use job::{Failure, Notice, SourceFacts, cut_line};

use super::{
    BenchReport, EncoderFacts, Estimate, Finding, MessageError, ModelFacts, PreviewPicture, Response,
    Sampled, Sandbox, VideoFacts,
};
use crate::report::{FileReport, StreamReport, Verified};

/// Most values of a message that are in lists of numbers: memory follows them.
const MOST_VALUES: usize = 4_000_000;
/// Most quotation marks of a message, two for each text: one takes more memory than a number.
const MOST_QUOTES: usize = 1_000_000;
/// Longest text for people, in characters.
const LONGEST_TEXT: usize = 2000;
/// Longest name that people are shown, in characters.
const LONGEST_LABEL: usize = 200;
/// Most texts of a list; more are cut off.
const MOST_TEXTS: usize = 1000;

/// What a worker says in these bytes, without their length.
///
/// # Errors
/// When the bytes are no such message, hold more than a worker has to say, or what cannot be true.
pub fn understand(bytes: &[u8]) -> Result<Response, MessageError> {
    let (mut values, mut quotes) = (0, 0);
    for byte in bytes {
        match byte {
            b',' => values += 1,
            b'"' => quotes += 1,
            _ => {}
        }
    }
    if values > MOST_VALUES || quotes > MOST_QUOTES {
        return Err(MessageError::TooMuch);
    }
    let mut response: Response = super::decode(bytes)?;
    response.validate()?;
    response.clean();
    Ok(response)
}

fn clean(text: &mut String) {
    *text = cut_line(text, LONGEST_TEXT);
}

fn label(text: &mut String) {
    *text = cut_line(text, LONGEST_LABEL);
}

fn clean_all<T: From<String>>(texts: &mut Vec<T>, text: impl Fn(&mut T) -> &mut String) {
    let more = texts.len().saturating_sub(MOST_TEXTS);
    texts.truncate(MOST_TEXTS);
    texts.iter_mut().map(text).for_each(clean);
    if more > 0 {
        texts.push(format!("and {more} more").into());
    }
}

fn clean_notices(notices: &mut Vec<Notice>) {
    clean_all(notices, |notice| &mut notice.text);
}

impl Response {
    /// Makes all texts such that they can be shown.
    fn clean(&mut self) {
        match self {
            Self::Hello { version } => label(version),
            Self::Confined(Sandbox { lacks, is_complete: _, detail }) => {
                lacks.iter_mut().chain([detail]).for_each(clean);
            }
            Self::Probed { description, columns: _, rows: _, seconds, unfinished, made_by, head: _ } => {
                *seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
                clean(description);
                unfinished.iter_mut().chain(made_by).for_each(clean);
            }
            Self::Indexed(facts) => clean_facts(facts),
            Self::SegmentDone { digest: _, engine } => label(engine),
            Self::Joined { bytes: _, notes, verified } => {
                clean_notices(notes);
                let Verified { source, result, model, checks: _ } = &mut **verified;
                source.clean();
                result.clean();
                model.iter_mut().for_each(label);
            }
            Self::Doctor(findings) => {
                for Finding { subject, ok: _, detail, remedy } in findings {
                    label(subject);
                    clean(detail);
                    remedy.iter_mut().for_each(clean);
                }
            }
            Self::Bench(BenchReport { description, .. }) => clean(description),
            Self::Previewed { pictures, notes, failures } => {
                for PreviewPicture { model, .. } in pictures {
                    model.iter_mut().for_each(label);
                }
                clean_notices(notes);
                clean_notices(failures);
            }
            Self::Looked(facts) => {
                let VideoFacts { codec, unfinished, made_by, .. } = &mut **facts;
                label(codec);
                unfinished.iter_mut().chain(made_by).for_each(clean);
            }
            Self::Sampled(Sampled { notes, .. }) => clean_notices(notes),
            Self::Encoders(encoders) => {
                for EncoderFacts { name, fault } in encoders {
                    label(name);
                    fault.iter_mut().for_each(clean);
                }
            }
            Self::Estimated(estimate) => {
                let Estimate { facts, engine, .. } = &mut **estimate;
                clean_facts(facts);
                label(engine);
            }
            Self::Model(ModelFacts { architecture, checksum, licence, .. }) => {
                label(architecture);
                label(checksum);
                licence.iter_mut().for_each(label);
            }
            Self::Failed(Failure { kind: _, message }) => clean(&mut message.text),
            Self::PieceDone { codecs } => label(codecs),
            Self::Progress { .. }
            | Self::AsksForMemory
            | Self::Admitted { .. }
            | Self::Foreseen(_)
            | Self::Framed { .. }
            | Self::PieceTimes(_)
            | Self::EncoderTried => {}
        }
    }
}

fn clean_facts(facts: &mut SourceFacts) {
    label(&mut facts.codec);
    clean_all(&mut facts.refused, |text| text);
    clean_notices(&mut facts.notes);
    facts.cut_off.iter_mut().for_each(clean);
}

impl FileReport {
    fn clean(&mut self) {
        label(&mut self.format);
        for StreamReport { index: _, kind, codec, language, title } in &mut self.streams {
            label(kind);
            label(codec);
            language.iter_mut().for_each(label);
            title.iter_mut().for_each(clean);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_forge_lines_and_lists_have_an_end() {
        let failed =
            br#"{"failed":{"kind":"transient","message":"bad\n2026 INFO job 9: done\u202e\u001b[2J"}}"#;
        let Response::Failed(failure) = understand(failed).unwrap() else { unreachable!() };
        assert_eq!(failure.message.text, "bad\\n2026 INFO job 9: done\\u{202e}\\u{1b}[2J");
        let notes = vec!["x".repeat(5000); 1500];
        let text = serde_json::json!({ "previewed": { "pictures": [], "notes": notes, "failures": [] } });
        let Response::Previewed { notes, .. } = understand(text.to_string().as_bytes()).unwrap() else {
            unreachable!()
        };
        assert_eq!((notes.len(), notes[0].text.chars().count()), (1001, 2001));
        assert_eq!(notes[1000].text, "and 500 more");
    }

    #[test]
    fn a_message_of_nothing_but_values_is_not_even_read() {
        for (value, count) in [("\"\",", MOST_QUOTES), ("0,", MOST_VALUES), ("[],", MOST_VALUES)] {
            let text = format!("{{\"previewed\":[{}]}}", value.repeat(count + 1));
            assert!(matches!(understand(text.as_bytes()), Err(MessageError::TooMuch)), "{value}");
        }
    }
}
