//! The page, which is part of the executable.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use include_dir::{Dir, include_dir};

use crate::policy::{Policy, Routes};
use crate::problem::Problem;

/// What `web/` was built to. Cargo never builds it.
static BUILT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../web/dist");

/// The page loads nothing from elsewhere, sends nothing elsewhere, and stands in no other page.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn routes() -> Router {
    let routes = Routes::new().other(Policy::Public, "/", get(index));
    routes.other(Policy::Public, "/{*path}", get(file)).plain()
}

async fn index(headers: HeaderMap) -> Response {
    if BUILT.get_file("index.html").is_none() {
        let text =
            "This build of upscaled has no page: build the folder web/ first. The API is at /api/v1.\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    served("index.html", "no-cache", &headers)
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    // The names of assets change with their content.
    let caching =
        if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    served(&path, caching, &headers)
}

fn served(path: &str, caching: &'static str, headers: &HeaderMap) -> Response {
    let Some(file) = BUILT.get_file(path) else {
        return Problem::not_found("no_route", "there is nothing at this address").into_response();
    };
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|accepts| accepts.to_str().ok());
    let takes_gzip =
        accepts.is_some_and(|accepts| accepts.split(',').any(|one| one.trim().starts_with("gzip")));
    let packed = BUILT.get_file(format!("{path}.gz")).filter(|_| takes_gzip);
    let mut response = packed.unwrap_or(file).contents().into_response();
    let mut set = |name, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, kind(path));
    set(header::CACHE_CONTROL, caching);
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::VARY, "accept-encoding");
    if packed.is_some() {
        set(header::CONTENT_ENCODING, "gzip");
    }
    response
}

/// The kind of a file of the page, by its name.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}
