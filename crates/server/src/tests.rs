//! Every route, asked by everyone.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request};
use axum::response::Response;
use coordinator::{Access, Password, Scope, Secret, now};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use job::{Millis, Settings};
use ledger::Ledger;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;

const PASSWORD: &str = "correct horse";
/// A session ends after so long without use.
const THIRTY_DAYS: i64 = 30 * 24 * 3600 * 1000;

/// What a program offers that knows nothing but the usual settings.
#[derive(Debug)]
struct Usual;

impl Offer for Usual {
    fn settings(&self, chosen: Map<String, Value>) -> BoxFuture<'_, Result<Settings, Unfit>> {
        let unknown = chosen.keys().next().cloned();
        let settings = match unknown {
            Some(key) => Err(Unfit { words: format!("there is no setting `{key}`"), key: Some(key) }),
            None => Ok(Settings::default()),
        };
        Box::pin(async { settings })
    }

    fn usual_model(&self) -> String {
        "none".to_owned()
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelOffer>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn models_folder(&self) -> PathBuf {
        std::env::temp_dir().join("no-such-folder-of-models")
    }

    fn read_model(&self, _: PathBuf) -> BoxFuture<'_, Result<ModelOffer, String>> {
        Box::pin(async { Err("there is none".to_owned()) })
    }

    fn encoders(&self) -> BoxFuture<'_, Result<Vec<EncoderOffer>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn findings(&self) -> BoxFuture<'_, Result<Vec<FindingOffer>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Configuration for Usual {
    fn show(&self) -> BoxFuture<'_, ServerSettings> {
        Box::pin(async { no_settings() })
    }

    fn change<'a>(
        &'a self,
        _: &'a Handle,
        version: &'a str,
        changes: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<SettingsChanged, NotChanged>> {
        let answer = match changes.keys().next().cloned() {
            _ if version != no_settings().version => Err(NotChanged::OtherVersion),
            Some(key) if key == "unconfined" => Err(NotChanged::Fixed { key, words: "no".to_owned() }),
            Some(key) if key == "disk" => Err(NotChanged::NotWritable(key)),
            Some(_) => Err(NotChanged::Unfit(
                changes
                    .keys()
                    .map(|key| Unfit {
                        words: format!("there is no setting `{key}`"),
                        key: Some(key.clone()),
                    })
                    .collect(),
            )),
            None => Ok(SettingsChanged { changes: Vec::new(), settings: no_settings() }),
        };
        Box::pin(async { answer })
    }

    fn test_webhook(&self, number: usize) -> BoxFuture<'_, Result<Option<WebhookTested>, String>> {
        let tested = WebhookTested { arrived: true, detail: "200".to_owned() };
        Box::pin(async move { Ok((number == 1).then_some(tested)) })
    }
}

impl Log for Usual {
    fn page(&self, after: Option<u64>, level: LogLevel, limit: usize) -> LogPage {
        let text = format!("{after:?} {level:?} {limit}");
        let line = LogLine { number: 8, at: "2026-11-28T14:05:12Z".to_owned(), level, text };
        LogPage { lines: vec![line], next: 8, missed: false }
    }
}

fn no_settings() -> ServerSettings {
    ServerSettings {
        path: "/srv/upscaled.toml".to_owned(),
        version: "v1".to_owned(),
        settings: Vec::new(),
        file: Map::new(),
        webhooks: Vec::new(),
        fault: None,
        not_taken_up: Vec::new(),
        waits_for_restart: Vec::new(),
    }
}

/// A server that is asked without a connection.
struct Asked {
    _folder: TempDir,
    ledger: Ledger,
    access: Access,
    routes: Router,
}

impl Asked {
    async fn new(is_local: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let handle = Handle::alone(ledger.clone());
        let access = handle.access().clone();
        let root = folder.path().to_owned();
        let input = ServerFolder::new(root.clone(), &root);
        let uploads = Arc::new(Uploads::new(root.join("uploads"), input, Shutdown::new()));
        let about = About {
            version: "0",
            started: Millis(0),
            root: root.clone(),
            input: root.clone(),
            output: root.clone(),
            unconfined: false,
        };
        let gate = Gate::new(access.clone(), is_local);
        let tree = FileTree::new(root.clone(), root.join("input"), root.join("output"), Vec::new());
        let videos = Videos { uploads, tree, offer: Arc::new(Usual) };
        let parts = Parts { videos, configuration: Arc::new(Usual), log: Arc::new(Usual) };
        let api = Api::new(handle, Live::new(), about, |_| String::new(), gate, parts, Shutdown::new());
        Self { _folder: folder, ledger, access, routes: routes(api, Hosts::new(&[], &[])) }
    }

    async fn with_password() -> Self {
        let asked = Self::new(true).await;
        asked.access.set_password(Password::new(PASSWORD.to_owned()), true).await.unwrap();
        asked
    }

    async fn ask(&self, method: &Method, path: &str, headers: HeaderMap, body: Option<Value>) -> Response {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8100");
        request = request.header("tus-resumable", "1.0.0");
        request.headers_mut().unwrap().extend(headers);
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.routes.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    async fn status(&self, method: &Method, path: &str, headers: HeaderMap) -> u16 {
        self.ask(method, path, headers, None).await.status().as_u16()
    }

    /// What a browser sends that signed in and used its session at a time.
    async fn session(&self, at: Millis) -> HeaderMap {
        let verifier = self.access.verifier().await.unwrap().unwrap();
        let secret = self.access.begin_session(&verifier, at).await.unwrap().unwrap();
        cookie(&secret)
    }

    /// What a program sends with a new token.
    async fn token(&self, name: &str, scope: Scope) -> HeaderMap {
        let (_, secret) = self.access.create_token(name, BTreeSet::from([scope]), now()).await.unwrap();
        bearer(&secret)
    }
}

fn cookie(secret: &Secret) -> HeaderMap {
    let cookie = format!("theme=dark; upscaled_session={}", secret.text());
    HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(cookie).unwrap())])
}

fn bearer(secret: &Secret) -> HeaderMap {
    let token = format!("Bearer {}", secret.text());
    HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::try_from(token).unwrap())])
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn read(response: Response) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

/// All routes, with what each needs: a scope, or nothing.
fn all_routes() -> Vec<(Method, String, Option<Scope>)> {
    let description: Value = serde_json::from_str(&openapi().unwrap()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for name in item.as_object().unwrap().keys() {
            let Ok(method) = name.to_uppercase().parse::<Method>() else { continue };
            if method.is_safe() || ["POST", "PUT", "DELETE", "PATCH"].contains(&method.as_str()) {
                let needs = needed(&method, path);
                let described = &item[name]["security"];
                let scope = needs.map_or(Value::Null, |scope| serde_json::to_value(scope).unwrap());
                assert_eq!(described[1]["token"][0], scope, "{method} {path}: {described}");
                let path =
                    path.replace("{id}", "1").replace("{action}", "pause").replace("{name}", "of-no-token");
                let path =
                    path.replace("{number}", "0").replace("{side}", "source").replace("{segment}", "0");
                assert!(!path.contains('{'), "{path}");
                routes.push((method, path, needs));
            }
        }
    }
    assert!(routes.len() >= 18, "{routes:?}");
    let read = Some(Scope::Read);
    let others = [
        ("/healthz", None),
        ("/readyz", read),
        ("/metrics", read),
        ("/api/v1/openapi.json", read),
        ("/", None),
        ("/assets/page.js", None),
    ];
    routes.extend(others.map(|(path, needs)| (Method::GET, path.to_owned(), needs)));
    routes
}

/// The rule: looking needs `read`, changes need `control`, and how the server is set up and who may use it is for `admin`.
fn needed(method: &Method, path: &str) -> Option<Scope> {
    let path = path.strip_prefix("/api/v1").unwrap();
    if path == "/session" || method == Method::OPTIONS {
        None
    } else if ["/tokens", "/owner", "/settings", "/log", "/models/"]
        .iter()
        .any(|of_admin| path.starts_with(of_admin))
    {
        Some(Scope::Admin)
    } else if method.is_safe() {
        Some(Scope::Read)
    } else {
        Some(Scope::Control)
    }
}

#[tokio::test]
async fn every_route_is_for_those_alone_who_may_use_it() {
    let asked = Asked::with_password().await;
    let revoked = asked.token("revoked", Scope::Admin).await;
    asked.access.revoke_token("revoked").await.unwrap();
    let tokens = [
        (Some(Scope::Read), asked.token("reader", Scope::Read).await),
        (Some(Scope::Control), asked.token("controller", Scope::Control).await),
        (Some(Scope::Admin), asked.token("admin", Scope::Admin).await),
    ];
    let made_up = Secret::received("upscaled_0000");
    for (method, path, needs) in all_routes() {
        let ended = asked.session(Millis(now().0 - THIRTY_DAYS)).await;
        // Signing out ends it: each request has its own.
        let session = asked.session(now()).await;
        let unknown = [HeaderMap::new(), ended, revoked.clone(), bearer(&made_up), cookie(&made_up)];
        let known = tokens.iter().cloned().chain([(Some(Scope::Admin), session)]);
        for (has, headers) in unknown.map(|headers| (None, headers)).into_iter().chain(known) {
            let status = asked.status(&method, &path, headers.clone()).await;
            let who = format!("{method} {path} with {headers:?}");
            if needs <= has {
                // Jobs and tokens of these names are not there, and bodies are empty.
                assert!([200, 204, 400, 404, 409, 415, 422, 503].contains(&status), "{who}: {status}");
            } else {
                assert_eq!(status, if has.is_none() { 401 } else { 403 }, "{who}");
            }
        }
    }
}

#[tokio::test]
async fn on_loopback_without_a_password_everything_is_open() {
    let asked = Asked::new(true).await;
    for (method, path, _) in all_routes() {
        let status = asked.status(&method, &path, HeaderMap::new()).await;
        assert!([200, 204, 400, 404, 409, 415, 422, 503].contains(&status), "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn where_other_machines_reach_it_nothing_is_open_without_a_password() {
    let asked = Asked::new(false).await;
    for (method, path, needs) in all_routes() {
        let status = asked.status(&method, &path, HeaderMap::new()).await;
        assert_eq!(status == 401, needs.is_some(), "{method} {path}: {status}");
    }
    let body = json!({ "password": PASSWORD });
    let set = asked.ask(&Method::POST, "/api/v1/owner/password", HeaderMap::new(), Some(body)).await;
    assert_eq!(set.headers()["www-authenticate"], "Bearer");
    assert_eq!(read(set).await["code"], "sign_in_needed");
    let session = asked.ask(&Method::GET, "/api/v1/session", HeaderMap::new(), None).await;
    let wanted = json!({ "signed_in": false, "needs_password": true, "password_set": false, "scopes": [] });
    assert_eq!(read(session).await, wanted);
}

#[tokio::test]
async fn the_page_sets_the_password_signs_in_and_out() {
    let asked = Asked::new(true).await;
    let (get, post) = (Method::GET, Method::POST);
    let session = asked.ask(&get, "/api/v1/session", HeaderMap::new(), None).await;
    let all = json!(["read", "control", "admin"]);
    let open = json!({ "signed_in": false, "needs_password": false, "password_set": false, "scopes": all });
    assert_eq!(read(session).await, open);
    let early = json!({ "password": PASSWORD });
    let early = asked.ask(&post, "/api/v1/session", HeaderMap::new(), Some(early)).await;
    assert_eq!(read(early).await["code"], "no_password");

    let set =
        async |body: Value, headers| asked.ask(&post, "/api/v1/owner/password", headers, Some(body)).await;
    assert_eq!(set(json!({ "password": "short" }), HeaderMap::new()).await.status(), 400);
    let first = set(json!({ "password": PASSWORD }), HeaderMap::new()).await;
    let given = first.headers()["set-cookie"].to_str().unwrap().to_owned();
    let secret = given.strip_prefix("upscaled_session=").unwrap().split(';').next().unwrap();
    let browser = cookie(&Secret::received(secret));
    let inside = json!({ "signed_in": true, "needs_password": false, "password_set": true, "scopes": all });
    assert_eq!(read(first).await, inside);
    let session = asked.ask(&get, "/api/v1/session", browser.clone(), None).await;
    assert_eq!(read(session).await, inside);

    // A change needs the one that is set, and ends the session.
    let second = json!({ "password": "battery staple" });
    assert_eq!(read(set(second, browser.clone()).await).await["code"], "password_set");
    let wrong = json!({ "password": "battery staple", "current": "no such horse" });
    assert_eq!(read(set(wrong, browser.clone()).await).await["code"], "wrong_password");
    let right = json!({ "password": "battery staple", "current": PASSWORD });
    assert_eq!(set(right, browser.clone()).await.status(), 200);
    assert_eq!(asked.status(&get, "/api/v1/jobs", browser).await, 401);

    let sign_in = async |password: &str| {
        let body = json!({ "password": password });
        asked.ask(&post, "/api/v1/session", HeaderMap::new(), Some(body)).await
    };
    let refused = sign_in(PASSWORD).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(text(refused).await, text(sign_in(&"x".repeat(5000)).await).await);
    let given = sign_in("battery staple").await.headers()["set-cookie"].to_str().unwrap().to_owned();
    let secret = given.strip_prefix("upscaled_session=").unwrap().split(';').next().unwrap();
    let browser = cookie(&Secret::received(secret));
    assert_eq!(asked.status(&get, "/api/v1/jobs", browser.clone()).await, 200);
    let out = asked.ask(&Method::DELETE, "/api/v1/session", browser.clone(), None).await;
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(asked.status(&get, "/api/v1/jobs", browser).await, 401);
}

#[tokio::test]
async fn wrong_passwords_wait_and_what_is_signed_in_does_not() {
    let asked = Asked::with_password().await;
    let session = asked.session(now()).await;
    let sign_in = async |password: &str| {
        let body = json!({ "password": password });
        asked.ask(&Method::POST, "/api/v1/session", HeaderMap::new(), Some(body)).await
    };
    for _ in 0..5 {
        assert_eq!(sign_in("no such horse").await.status(), 401);
    }
    // Also for the right one.
    let waits = sign_in(PASSWORD).await;
    assert_eq!(waits.headers()["retry-after"], "1");
    assert_eq!(waits.status(), 429);
    assert_eq!(read(waits).await["code"], "too_many_attempts");
    assert_eq!(asked.status(&Method::GET, "/api/v1/jobs", session).await, 200);
}

#[tokio::test]
async fn tokens_are_made_shown_once_and_revoked() {
    let asked = Asked::with_password().await;
    let session = asked.session(now()).await;
    let create = async |body| asked.ask(&Method::POST, "/api/v1/tokens", session.clone(), Some(body)).await;
    let created = create(json!({ "name": "a token", "scopes": ["control"] })).await;
    assert_eq!(created.status(), 201);
    let created = read(created).await;
    let secret = created["secret"].as_str().unwrap();
    let token = bearer(&Secret::received(secret));
    assert_eq!(asked.status(&Method::GET, "/api/v1/jobs", token.clone()).await, 200);
    for (body, status) in [
        (json!({ "name": "a token", "scopes": ["read"] }), 409),
        (json!({ "name": "b", "scopes": [] }), 400),
        (json!({ "name": "b", "scopes": ["root"] }), 400),
        (json!({ "name": "", "scopes": ["read"] }), 400),
    ] {
        assert_eq!(create(body.clone()).await.status(), status, "{body}");
    }
    let listed = text(asked.ask(&Method::GET, "/api/v1/tokens", session.clone(), None).await).await;
    assert!(listed.contains("\"a token\"") && !listed.contains(secret), "{listed}");
    assert!(!listed.contains("\"last_used\":null"), "{listed}");
    let revoke = async || asked.status(&Method::DELETE, "/api/v1/tokens/a%20token", session.clone()).await;
    assert_eq!((revoke().await, revoke().await), (204, 404));
    assert_eq!(asked.status(&Method::GET, "/api/v1/jobs", token).await, 401);
}

#[tokio::test]
async fn settings_are_changed_for_the_version_that_was_read() {
    let asked = Asked::new(true).await;
    let shown = asked.ask(&Method::GET, "/api/v1/settings", HeaderMap::new(), None).await;
    let version = shown.headers()["etag"].clone();
    assert_eq!(version, "\"v1\"");
    let other = HeaderValue::from_static("\"v2\"");
    for (tag, body, status, code) in [
        (Some(&version), json!({}), 200, ""),
        (None, json!({}), 428, "version_needed"),
        (Some(&HeaderValue::from_static("v1")), json!({}), 428, "version_needed"),
        (Some(&other), json!({}), 412, "other_version"),
        (Some(&version), json!({ "crf": 99 }), 422, "bad_settings"),
        (Some(&version), json!({ "unconfined": true }), 409, "fixed"),
        (Some(&version), json!({ "disk": 1 }), 409, "not_writable"),
        (Some(&version), json!([]), 400, "bad_request"),
    ] {
        let headers = HeaderMap::from_iter(tag.map(|tag| (header::IF_MATCH, tag.clone())));
        let answer = asked.ask(&Method::PATCH, "/api/v1/settings", headers, Some(body.clone())).await;
        assert_eq!(answer.status(), status, "{body}");
        if status != 200 {
            assert_eq!(read(answer).await["code"], code, "{body}");
        }
    }
}

#[tokio::test]
async fn all_settings_that_cannot_be_are_named() {
    let asked = Asked::new(true).await;
    let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static("\"v1\""))]);
    let body = json!({ "crf": 99, "grain": 7 });
    let answer = read(asked.ask(&Method::PATCH, "/api/v1/settings", headers, Some(body)).await).await;
    assert_eq!(
        answer["errors"],
        json!([{ "key": "crf", "detail": "there is no setting `crf`" }, { "key": "grain", "detail": "there is no setting `grain`" }])
    );
    assert_eq!((&answer["key"], &answer["status"]), (&json!("crf"), &json!(422)));
    for (number, code) in [(1, Value::Null), (2, json!("no_webhook"))] {
        let path = format!("/api/v1/settings/webhooks/{number}/test");
        assert_eq!(read(asked.ask(&Method::POST, &path, HeaderMap::new(), None).await).await["code"], code);
    }
}

#[tokio::test]
async fn lines_of_the_log_are_asked_for_within_bounds() {
    let asked = Asked::new(true).await;
    let lines = async |query: &str| {
        asked.ask(&Method::GET, &format!("/api/v1/log{query}"), HeaderMap::new(), None).await
    };
    assert_eq!(read(lines("").await).await["lines"][0]["text"], "None Info 200");
    assert_eq!(read(lines("?after=7&level=warn&limit=1").await).await["lines"][0]["text"], "Some(7) Warn 1");
    for wrong in ["?limit=0", "?limit=1001", "?level=trace", "?after=-1", "?until=3"] {
        assert_eq!(lines(wrong).await.status(), 400, "{wrong}");
    }
}

/// No other page can add a token, but any can name a host.
#[tokio::test]
async fn a_token_frees_from_the_look_at_the_origin_alone() {
    let asked = Asked::with_password().await;
    let origin = || HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static("http://evil.example"))]);
    let with = |mut headers: HeaderMap| {
        headers.extend(origin());
        headers
    };
    let path = "/api/v1/jobs/1/actions/pause";
    let token = asked.token("a", Scope::Control).await;
    assert_eq!(asked.status(&Method::POST, path, with(token.clone())).await, 404);
    let session = asked.session(now()).await;
    assert_eq!(asked.status(&Method::POST, path, with(session)).await, 403);
    let made_up = bearer(&Secret::received("upscaled_0000"));
    assert_eq!(asked.status(&Method::POST, path, with(made_up)).await, 403);
    let request = Request::get("/api/v1/jobs").header("host", "evil.example");
    let request = request.header(header::AUTHORIZATION, token[header::AUTHORIZATION].clone());
    let response = asked.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn a_client_that_watches_is_told_no_more_when_it_may_not() {
    let asked = Asked::with_password().await;
    let watch = async |headers| {
        let response = asked.ask(&Method::GET, "/api/v1/events", headers, None).await;
        assert_eq!(response.status(), 200);
        response.into_body().into_data_stream()
    };
    let mut token = watch(asked.token("a", Scope::Read).await).await;
    let mut session = watch(asked.session(now()).await).await;
    assert!(token.next().await.is_some() && session.next().await.is_some());
    asked.access.revoke_token("a").await.unwrap();
    assert!(token.next().await.is_none());
    // The session was looked at too, and goes on.
    let more = tokio::time::timeout(std::time::Duration::from_millis(50), session.next()).await;
    assert!(more.is_err());
    asked.access.set_password(Password::new("battery staple".to_owned()), false).await.unwrap();
    assert!(session.next().await.is_none());
}

/// Nothing is let in where it cannot be looked up.
#[tokio::test]
async fn where_the_ledger_fails_everything_stays_closed() {
    let asked = Asked::with_password().await;
    let session = asked.session(now()).await;
    asked.ledger.clone().close().await;
    for headers in [session, HeaderMap::new()] {
        assert_eq!(asked.status(&Method::GET, "/api/v1/system", headers).await, 500);
    }
    assert_eq!(asked.status(&Method::GET, "/healthz", HeaderMap::new()).await, 200);
}
