//! What is delivered: an object for programs, which is signed, or a message for ntfy.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coordinator::{JobReport, rfc3339};
use hmac::{Hmac, KeyInit as _, Mac as _};
use job::{JobId, Millis};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::event::Event;
use crate::hook::{Format, Hook};

/// The version of the object.
const VERSION: u32 = 1;
/// What a test is in place of an event.
const TEST: &str = "test";
/// Longest reason that ntfy gets, in characters.
const LONGEST_REASON: usize = 500;

/// What is told to a hook.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    version: u32,
    /// The same in every try: by it, a delivery that came twice is known.
    id: String,
    event: &'static str,
    time: String,
    /// No job is behind it.
    test: bool,
    job: JobTold,
}

/// A job, as far as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct JobTold {
    /// `null` in a test.
    id: Option<i64>,
    /// The name of its video; with all the rest `null` where the job was forgotten meanwhile.
    name: Option<String>,
    status: Option<String>,
    /// Why it failed or what it waits for.
    reason: Option<String>,
    /// The path of the result.
    result: Option<String>,
    /// From the beginning of the work to its end.
    seconds: Option<f64>,
    /// Where people see it.
    page: Option<String>,
}

impl Message {
    /// What is told of an event of the ledger.
    pub(crate) fn of_event(
        number: i64,
        (event, job, at): (Event, JobId, Millis),
        report: Option<&JobReport>,
        reason: Option<String>,
        page: Option<&str>,
    ) -> Self {
        let digest = Sha256::digest(format!("{number} {} {} {}", job.0, at.0, event.name()));
        let id = digest.iter().take(16).fold(String::new(), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        let name = |path: &std::path::Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let result =
            report.filter(|report| report.status == "done").and_then(|report| report.result.as_ref());
        Self {
            version: VERSION,
            id,
            event: event.name(),
            time: rfc3339(at),
            test: false,
            job: JobTold {
                id: Some(job.0),
                name: report.and_then(|report| name(&report.source)),
                status: report.map(|report| report.status.to_string()),
                reason,
                result: result.map(|result| result.to_string_lossy().into_owned()),
                seconds: report.and_then(seconds),
                page: page.map(|page| format!("{page}/#/jobs/{job}")),
            },
        }
    }

    /// A message that says nothing but that it arrives.
    pub(crate) fn test(at: Millis, page: Option<&str>) -> Self {
        let mut message = Self::of_event(0, (Event::DONE, JobId(0), at), None, None, None);
        message.test = true;
        message.event = TEST;
        message.job.id = None;
        message.job.name = Some("a test of upscaled".to_owned());
        message.job.page = page.map(str::to_owned);
        message
    }

    /// The name of the event and the number of the job, for logs.
    pub(crate) fn shown(&self) -> String {
        match self.job.id {
            Some(id) => format!("`{}` of job {id}", self.event),
            None => format!("`{}`", self.event),
        }
    }

    /// The body and the headers of a delivery at a time.
    pub(crate) fn request(&self, hook: &Hook, now: Millis) -> (Vec<u8>, Vec<(&'static str, String)>) {
        match hook.format {
            Format::Json => {
                // Texts and numbers always are JSON.
                let body = serde_json::to_vec(self).unwrap_or_default();
                let mut headers = vec![
                    ("content-type", "application/json".to_owned()),
                    ("upscaled-event", self.event.replace(' ', "-")),
                    ("upscaled-delivery", self.id.clone()),
                ];
                if let Some(secret) = &hook.secret {
                    headers
                        .push(("upscaled-signature", sign(secret.as_str(), now.0.div_euclid(1000), &body)));
                }
                (body, headers)
            }
            Format::Ntfy => {
                let mut headers = vec![
                    ("title", header(&self.title())),
                    ("priority", if self.event == "failed" { "high" } else { "default" }.to_owned()),
                    ("tags", self.tag().to_owned()),
                ];
                headers.extend(self.job.page.as_ref().map(|page| ("click", page.clone())));
                headers.extend(
                    hook.secret.as_ref().map(|token| ("authorization", format!("Bearer {}", token.as_str()))),
                );
                (self.text().into_bytes(), headers)
            }
        }
    }

    fn title(&self) -> String {
        let name = self.job.name.clone().unwrap_or_else(|| self.called());
        match self.event {
            _ if self.test => name,
            "added" => format!("{name}: a new job"),
            "removed" => format!("{name} is off the list"),
            "listed" => format!("{name} is on the list again"),
            "forgotten" => format!("{name} is forgotten"),
            event => format!("{name} is {event}").replace("is failed", "has failed"),
        }
    }

    const fn tag(&self) -> &'static str {
        match self.event.as_bytes() {
            b"done" => "white_check_mark",
            b"failed" => "x",
            b"paused" => "pause_button",
            b"canceled" => "no_entry_sign",
            _ => "film_frames",
        }
    }

    /// The message of ntfy. One without a text would be `triggered`.
    fn text(&self) -> String {
        if self.test {
            return "This is a test: deliveries arrive.".to_owned();
        }
        let JobTold { reason, result, seconds, .. } = &self.job;
        let result = result.as_ref().map(|result| result.rsplit('/').next().unwrap_or(result).to_owned());
        let took =
            seconds.filter(|_| result.is_some()).map(|seconds| format!("in {} min", (seconds / 60.0).ceil()));
        let reason = reason.as_ref().map(|reason| reason.chars().take(LONGEST_REASON).collect());
        let said: Vec<String> = reason.into_iter().chain(result).chain(took).collect();
        if said.is_empty() { self.called() } else { said.join(" ") }
    }

    /// What a job is called without a name.
    fn called(&self) -> String {
        self.job.id.map_or_else(|| "a job".to_owned(), |id| format!("job {id}"))
    }
}

/// How long it was worked on, once it has ended.
fn seconds(report: &JobReport) -> Option<f64> {
    report.seconds_taken.filter(|_| report.ended.is_some())
}

/// The signature of a body at a time in seconds: `t=…,v1=…`, where the second is the HMAC-SHA256 of `t.body`.
pub fn sign(secret: &str, time: i64, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let mut signature = format!("t={time},v1=");
    for byte in mac.finalize().into_bytes() {
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

/// A text as a header takes it: other letters than those of ASCII by RFC 2047, which ntfy reads.
fn header(text: &str) -> String {
    let line = job::one_line(text);
    if line.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        line
    } else {
        format!("=?UTF-8?B?{}?=", STANDARD.encode(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::HookSecret;

    fn hook(format: Format, secret: Option<&str>) -> Hook {
        Hook {
            number: 1,
            url: "https://example.org/".parse().unwrap(),
            events: [Event::DONE].into(),
            secret: secret.map(|secret| HookSecret::new(secret.to_owned())),
            format,
            allow_private: false,
            page: None,
        }
    }

    #[test]
    fn a_body_is_signed_as_is_documented() {
        // By `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'correct horse'`.
        let wanted = "t=1700000000,v1=5d35cfb0fa9f7413a489a6f9ba686a22b847b650b32b89dceaa130d28c7fee19";
        assert_eq!(sign("correct horse", 1_700_000_000, b"{\"a\":1}"), wanted);
        let message = Message::test(Millis(1_700_000_000_123), Some("http://a:1"));
        let (body, headers) = message.request(&hook(Format::Json, Some("s")), Millis(1_700_000_000_999));
        let signature = headers.iter().find(|(name, _)| *name == "upscaled-signature").unwrap();
        assert_eq!(signature.1, sign("s", 1_700_000_000, &body));
        let unsigned = message.request(&hook(Format::Json, None), Millis(0)).1;
        assert!(unsigned.iter().all(|(name, _)| *name != "upscaled-signature"));
        let text: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&text["version"], &text["test"]), (&1.into(), &true.into()));
        assert_eq!(
            (&text["job"]["id"], &text["job"]["page"]),
            (&serde_json::Value::Null, &"http://a:1".into())
        );
        assert_eq!((&text["event"], &text["time"]), (&"test".into(), &"2023-11-14T22:13:20Z".into()));
    }

    #[test]
    fn an_event_has_one_id_and_others_have_others() {
        let id = |number, event: &str, at| {
            Message::of_event(number, (event.parse().unwrap(), JobId(7), Millis(at)), None, None, None).id
        };
        assert_eq!(id(1, "done", 5), id(1, "done", 5));
        assert!(
            id(1, "done", 5) != id(2, "done", 5)
                && id(1, "done", 5) != id(1, "failed", 5)
                && id(1, "done", 5) != id(1, "done", 6)
        );
    }

    #[test]
    fn ntfy_gets_a_title_a_text_and_a_token() {
        let at = (Event::FAILED, JobId(7), Millis(0));
        let mut message =
            Message::of_event(3, at, None, Some("the disk is full".to_owned()), Some("http://a:1"));
        message.job.name = Some("Größe\n.mkv".to_owned());
        let (body, headers) = message.request(&hook(Format::Ntfy, Some("tk_1")), Millis(0));
        assert_eq!(body, b"the disk is full");
        let wanted = [
            ("title", format!("=?UTF-8?B?{}?=", STANDARD.encode("Größe\\n.mkv has failed"))),
            ("priority", "high".to_owned()),
            ("tags", "x".to_owned()),
            ("click", "http://a:1/#/jobs/7".to_owned()),
            ("authorization", "Bearer tk_1".to_owned()),
        ];
        assert_eq!(headers, wanted);
        let done = Message::of_event(3, (Event::DONE, JobId(7), Millis(0)), None, None, None);
        assert_eq!(done.request(&hook(Format::Ntfy, None), Millis(0)).0, b"job 7");
    }
}
