//! The headers of tus: what requests say, and what every answer says.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::name;
use super::store::Described;
use crate::problem::Problem;

pub(super) const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
pub(super) const EXTENSIONS: &str = "creation,creation-with-upload,termination,checksum,expiration";
pub(super) const ALGORITHMS: &str = "sha1,sha256";
/// What bodies with bytes of a file are called.
pub(super) const BYTES: &str = "application/offset+octet-stream";

pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(super) const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(super) const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) const UPLOAD_RESULT: HeaderName = HeaderName::from_static("upload-result");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// The key of the metadata by which a file waits for a decision; its value says nothing.
const HOLD: &str = "hold";
/// The longest metadata of an upload, in bytes.
const MOST_METADATA: usize = 4096;

/// Refuses other versions of the protocol, and says in every answer which this is.
pub(super) async fn speak(request: Request, next: Next) -> Response {
    // The list is no part of the protocol, and a client that asks for the options does not know the version yet.
    let is_exempt = request.method() == Method::OPTIONS || request.method() == Method::GET;
    let mut response = if is_exempt || request.headers().get(TUS_RESUMABLE) == Some(&VERSION) {
        next.run(request).await
    } else {
        let detail =
            "the header Tus-Resumable has to say 1.0.0, which is the version that this server speaks";
        let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "other_version", detail);
        ([(TUS_VERSION, VERSION)], problem).into_response()
    };
    response.headers_mut().insert(TUS_RESUMABLE, VERSION);
    response
}

/// The text of a header; `None` where it is missing.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match value.to_str() {
        Ok(value) if values.next().is_none() => Ok(Some(value)),
        _ => Err(Problem::bad_request(format!("the header {name} has to be there once, as plain text"))),
    }
}

/// The number in a header; `None` where it is missing.
pub(super) fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(text) = text(headers, name)? else { return Ok(None) };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_plain => Ok(Some(number)),
        _ => Err(Problem::bad_request(format!("the header {name} has to be a number of bytes"))),
    }
}

/// Whether the body says that it has bytes of a file.
pub(super) fn has_bytes(headers: &HeaderMap) -> Result<bool, Problem> {
    Ok(text(headers, &header::CONTENT_TYPE)? == Some(BYTES))
}

/// What a body is not.
pub(super) fn wrong_kind() -> Problem {
    let detail = format!("the bytes of a file have the Content-Type {BYTES}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_kind", detail)
}

/// What the metadata say: the name of the file, and whether it waits for a decision.
pub(super) fn metadata(headers: &HeaderMap) -> Result<Described, Problem> {
    let bad_name = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "bad_name", detail);
    let given = text(headers, &UPLOAD_METADATA)?.unwrap_or_default();
    if given.len() > MOST_METADATA {
        return Err(Problem::bad_request(format!("Upload-Metadata may have {MOST_METADATA} bytes")));
    }
    let mut seen = std::collections::BTreeMap::new();
    for pair in given.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = BASE64.decode(value).map_err(|_| {
            Problem::bad_request(format!("the value of `{key}` in Upload-Metadata is not Base64"))
        })?;
        if seen.insert(key, value).is_some() {
            return Err(Problem::bad_request(format!("`{key}` is twice in Upload-Metadata")));
        }
    }
    let name = seen.remove("filename").ok_or_else(|| {
        bad_name("Upload-Metadata has to have `filename`: the name of the file in Base64".to_owned())
    })?;
    let name = String::from_utf8(name).map_err(|_| bad_name("the file name is not UTF-8".to_owned()))?;
    match name::fault(&name) {
        Some(fault) => Err(bad_name(format!("the file name cannot be used: {fault}"))),
        None => Ok(Described { name, metadata: given.to_owned(), held: seen.contains_key(HOLD) }),
    }
}

/// The checksum that a body is to have, and how far it is computed.
#[derive(Debug)]
pub(super) struct Checksum {
    sum: Sum,
    wanted: Vec<u8>,
}

#[derive(Debug)]
enum Sum {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// The one that a request names; `None` where it names none.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(text) = text(headers, &UPLOAD_CHECKSUM)? else { return Ok(None) };
        let (algorithm, wanted) = text.split_once(' ').unwrap_or((text, ""));
        let sum = match algorithm {
            "sha1" => Sum::Sha1(Sha1::new()),
            "sha256" => Sum::Sha256(Sha256::new()),
            _ => {
                let detail = format!("Upload-Checksum names another algorithm than {ALGORITHMS}");
                return Err(Problem::new(StatusCode::BAD_REQUEST, "unknown_algorithm", detail));
            }
        };
        let wanted = BASE64
            .decode(wanted)
            .map_err(|_| Problem::bad_request("the checksum in Upload-Checksum is not Base64"))?;
        Ok(Some(Self { sum, wanted }))
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        match &mut self.sum {
            Sum::Sha1(sum) => sum.update(bytes),
            Sum::Sha256(sum) => sum.update(bytes),
        }
    }

    pub(super) fn fits(self) -> bool {
        match self.sum {
            Sum::Sha1(sum) => sum.finalize()[..] == self.wanted,
            Sum::Sha256(sum) => sum.finalize()[..] == self.wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn numbers_are_plain() {
        assert_eq!(number(&HeaderMap::new(), &UPLOAD_OFFSET), Ok(None));
        assert_eq!(number(&with(&UPLOAD_OFFSET, &["70"]), &UPLOAD_OFFSET), Ok(Some(70)));
        for wrong in
            [&[""][..], &["+1"], &["-1"], &["1.0"], &["0x1"], &["18446744073709551616"], &["1", "1"], &["é"]]
        {
            assert!(number(&with(&UPLOAD_OFFSET, wrong), &UPLOAD_OFFSET).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn metadata_name_a_file() {
        let of = |text: &str| metadata(&with(&UPLOAD_METADATA, &[text]));
        let given = "filetype dmlkZW8vbXA0,filename ZsO8ci5tcDQ=, flag";
        let described = |metadata: &str, held| Described {
            name: "für.mp4".to_owned(),
            metadata: metadata.to_owned(),
            held,
        };
        assert_eq!(of(given), Ok(described(given, false)));
        let held = "hold,filename ZsO8ci5tcDQ=";
        assert_eq!(of(held), Ok(described(held, true)));
        for wrong in [
            "",
            "filename",
            "filename Zm9v,filename Zm9v",
            "filename %",
            "filename Zm9",
            "filename /w==",
            "name Zm9v",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(of(&format!("filename Zm9v,x {}", "A".repeat(MOST_METADATA))).is_err());
        assert!(metadata(&HeaderMap::new()).is_err());
    }

    #[test]
    fn checksums_of_two_kinds_are_compared() {
        let of = |text: &str| Checksum::of(&with(&UPLOAD_CHECKSUM, &[text]));
        for text in
            ["sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="]
        {
            for (bytes, fits) in [("hello world", true), ("hello World", false), ("", false)] {
                let mut checksum = of(text).unwrap().unwrap();
                checksum.add(bytes.as_bytes());
                assert_eq!(checksum.fits(), fits, "{text} {bytes}");
            }
        }
        for wrong in ["md5 Kq5s", "sha1 ?", "SHA1 Kq5s", ""] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(Checksum::of(&HeaderMap::new()).unwrap().is_none());
    }
}
