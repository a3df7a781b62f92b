//! The cookie of a session.

use axum::http::{HeaderMap, header};
use coordinator::Secret;

/// Its name.
pub(crate) const NAME: &str = "upscaled_session";
/// How long browsers keep it, in seconds: the longest that they do. The server ends sessions much earlier when they are not used.
const KEPT: u32 = 400 * 24 * 3600;

/// The session that a browser sends.
pub(crate) fn session(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| Secret::received(value))
}

/// What lets a browser keep a session.
pub(crate) fn set(secret: &Secret, headers: &HeaderMap) -> String {
    cookie(secret.text(), KEPT, headers)
}

/// What lets a browser forget its session.
pub(crate) fn clear(headers: &HeaderMap) -> String {
    cookie("", 0, headers)
}

fn cookie(value: &str, seconds: u32, headers: &HeaderMap) -> String {
    let secure = if is_encrypted(headers) { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}

/// True where a reverse proxy says that the browser speaks HTTPS. A client that lies about it harms itself alone.
fn is_encrypted(headers: &HeaderMap) -> bool {
    let protocol = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    protocol.is_some_and(|protocol| protocol.split(',').next().unwrap_or_default().trim() == "https")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        for (cookies, found) in [
            (&["upscaled_session=abc"][..], Some("abc")),
            (&["theme=dark; upscaled_session=abc;x=y"], Some("abc")),
            (&["theme=dark", "upscaled_session=abc"], Some("abc")),
            (&["not_upscaled_session=abc; upscaled_session2=x; upscaled_session"], None),
            (&[], None),
        ] {
            let pairs: Vec<_> = cookies.iter().map(|cookie| ("cookie", *cookie)).collect();
            assert_eq!(session(&headers(&pairs)), found.map(Secret::received), "{cookies:?}");
        }
    }

    #[test]
    fn it_is_kept_from_scripts_other_sites_and_where_it_can_be_plain_text() {
        let secret = Secret::received("abc");
        let plain = set(&secret, &headers(&[]));
        assert_eq!(plain, "upscaled_session=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=34560000");
        let encrypted = headers(&[("x-forwarded-proto", "https, http")]);
        assert_eq!(set(&secret, &encrypted), format!("{plain}; Secure"));
        assert_eq!(set(&secret, &headers(&[("x-forwarded-proto", "http")])), plain);
        assert!(clear(&encrypted).ends_with("Max-Age=0; Secure"));
    }
}
