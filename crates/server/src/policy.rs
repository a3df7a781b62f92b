//! What a request needs to be allowed: each route says it when it is added, and there is no way to add one without.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, Route};
use coordinator::Scope;
use tower::{Layer, Service};
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::gate::Gate;
use crate::problem::Problem;

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nothing: the page's files, signs of life, and signing in.
    Public,
    /// To look at something.
    Read,
    /// To change jobs, or to bring videos.
    Control,
    /// To change tokens, the password or settings.
    Admin,
}

impl Policy {
    /// The scope that the sender must have.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Public => None,
            Self::Read => Some(Scope::Read),
            Self::Control => Some(Scope::Control),
            Self::Admin => Some(Scope::Admin),
        }
    }

    /// Handlers that are reached by requests that fulfil this alone.
    fn guarding<S: Clone + Send + Sync + 'static>(self, handlers: MethodRouter<S>) -> MethodRouter<S> {
        handlers.layer(middleware::from_fn(move |request, next| enforce(self, request, next)))
    }

    /// What the description of the API says of it.
    fn described(self) -> Vec<SecurityRequirement> {
        let of_scope = |scope: Scope| {
            let token = SecurityRequirement::new("token", [scope.name()]);
            vec![SecurityRequirement::new("session", [""; 0]), token]
        };
        self.scope().map_or_else(Vec::new, of_scope)
    }
}

async fn enforce(policy: Policy, mut request: Request, next: Next) -> Response {
    if policy == Policy::Public {
        return next.run(request).await;
    }
    let Some(gate) = request.extensions().get::<Gate>().cloned() else {
        return Problem::internal(&"a request came past the gate").into_response();
    };
    match gate.admit(policy, request.headers()).await {
        Ok(pass) => {
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Routes, each with its policy.
pub(crate) struct Routes<S>(OpenApiRouter<S>);

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(crate) fn new() -> Self {
        Self(OpenApiRouter::new())
    }

    /// Adds a route of the API.
    pub(crate) fn api(self, policy: Policy, (schemas, mut paths, handlers): UtoipaMethodRouter<S>) -> Self {
        paths.paths.values_mut().for_each(|path| describe(path, policy));
        Self(self.0.routes((schemas, paths, policy.guarding(handlers))))
    }

    /// Adds a route that the description of the API does not name.
    pub(crate) fn other(self, policy: Policy, path: &str, handlers: MethodRouter<S>) -> Self {
        Self(self.0.route(path, policy.guarding(handlers)))
    }

    /// Adds those of a part of the API.
    pub(crate) fn merge(self, others: Self) -> Self {
        Self(self.0.merge(others.0))
    }

    /// Puts a layer around those that were added.
    pub(crate) fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request, Response: IntoResponse, Error: Into<Infallible>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        Self(self.0.layer(layer))
    }

    pub(crate) fn described(self) -> OpenApiRouter<S> {
        self.0
    }

    pub(crate) fn plain(self) -> Router<S> {
        self.0.into()
    }
}

/// Notes in the description of a path what its operations need, and how bodies of another kind are refused.
fn describe(path: &mut PathItem, policy: Policy) {
    let PathItem { get, put, post, delete, patch, head, options, .. } = path;
    for operation in [get, put, post, delete, patch, head, options].into_iter().flatten() {
        operation.security = Some(policy.described());
        let takes_json = matches!(&operation.request_body, Some(RefOr::T(body)) if body.content.contains_key("application/json"));
        let refusals = [("413", "The body is too large"), ("415", "The body does not say that it is JSON")];
        for (status, why) in refusals.into_iter().filter(|_| takes_json) {
            let responses = &mut operation.responses.responses;
            responses.entry(status.to_owned()).or_insert_with(|| problem(why).into());
        }
    }
}

fn problem(why: &str) -> utoipa::openapi::Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(why).content("application/problem+json", content).build()
}
