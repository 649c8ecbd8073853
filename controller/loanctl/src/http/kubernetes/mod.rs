//! A Kubernetes API to read: kubectl and kube-rs see the controller as a cluster.
//!
//! What a client sees is made from the board: objects are its platforms, resource versions its versions, and watches
//! follow its changes. Nothing is kept between two requests.
//!
//! # Caveats
//! `limit` is ignored: lists come whole, as small ones do on a cluster.

mod accept;
mod age;
mod columns;
mod crd;
mod discovery;
mod encoding;
mod events;
mod field_selector;
mod label_selector;
mod list;
mod object;
mod openapi;
mod resource;
mod route;
mod scope;
mod server;
mod status;
mod table;
mod version;
mod watch;

use std::sync::Arc;

use http::Method;
use jiff::Timestamp;
use schema::names::PlatformName;
use schema::platform::SOURCE;
use service_kit::reply;
use warp::reply::Response as Reply;

use self::encoding::Encoding;
use self::resource::Resource;
use self::route::Route;
use self::scope::Scope;
use self::status::{Failure, Target};
use super::access::Refusal;
use super::asked::Asked;
use super::{Port, streamed, text};

const JSON: &str = "application/json";

/// Whether `path` is of the Kubernetes API.
pub(super) fn serves(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    matches!(first, "api" | "apis" | "openapi" | "version")
}

/// What a client gets that may not read.
pub(super) fn refused(refusal: &Refusal) -> Reply {
    Failure::from(refusal).into_response()
}

/// Answers as a cluster would.
pub(super) fn answer(port: &Port, asked: &Asked) -> Reply {
    answered(port, asked).unwrap_or_else(Failure::into_response)
}

fn answered(port: &Port, asked: &Asked) -> Result<Reply, Failure> {
    let route = Route::of(asked.path()).ok_or_else(Failure::no_such_path)?;
    if asked.method != Method::GET && asked.method != Method::HEAD {
        return Err(refusal(&asked.method, route, &target(port, route)));
    }
    match route {
        Route::Version => Ok(reply::json(&server::version())),
        Route::CoreVersions => discovery::core(asked),
        Route::Groups => discovery::groups(asked),
        Route::Group => Ok(reply::json(&discovery::group())),
        Route::Resources(group) => Ok(reply::json(&discovery::resources(group))),
        Route::OpenApiIndex => Ok(reply::json(&openapi::index())),
        Route::OpenApi => Ok(reply::json(openapi::document())),
        Route::Collection(resource, namespace) => {
            many(port, asked, &Scope::of(resource, namespace, asked)?)
        }
        Route::Object(resource, namespace, name) => one(port, asked, (resource, namespace, name)),
    }
}

/// What somebody is told who would change something.
fn refusal(method: &Method, route: Route<'_>, target: &Target) -> Failure {
    match (route, target) {
        // Who removes what is gone already wants to hear just that: `kubectl delete --ignore-not-found`.
        (Route::Object(resource, _, name), Target::NewPlatform) if method == Method::DELETE => {
            Failure::not_found(resource, name)
        }
        _ => Failure::read_only(target),
    }
}

/// What somebody wants to change who asks for `route` otherwise than for reading.
fn target(port: &Port, route: Route<'_>) -> Target {
    let name = match route {
        Route::Object(Resource::Platforms, _, name) => name,
        Route::Collection(Resource::Platforms, _) => return Target::NewPlatform,
        _ => return Target::Other,
    };
    let platform = PlatformName::try_from(name)
        .ok()
        .and_then(|name| port.board.platform(&name));
    let annotations = platform
        .as_ref()
        .and_then(|platform| platform.metadata.annotations.as_ref());
    let source = annotations.and_then(|annotations| annotations.get(SOURCE));
    source.map_or(Target::NewPlatform, |source| Target::Platform {
        name: name.to_owned(),
        source: source.clone(),
    })
}

/// Answers with one object.
fn one(
    port: &Port,
    asked: &Asked,
    (resource, namespace, name): (Resource, Option<&str>, &str),
) -> Result<Reply, Failure> {
    knows_all(port)?;
    let encoding = Encoding::of(asked)?;
    let scope = Scope::everything(resource, namespace);
    let found = object::all(scope, port.board.snapshot().platforms)
        .find(|object| object.metadata().name.as_deref() == Some(name));
    let found = found.ok_or_else(|| Failure::not_found(resource, name))?;
    let body = encoding.one(resource, found, Timestamp::now());
    written(body)
}

/// Answers with all objects of `scope`, or with what becomes of them.
fn many(port: &Port, asked: &Asked, scope: &Scope) -> Result<Reply, Failure> {
    knows_all(port)?;
    let encoding = Encoding::of(asked)?;
    if watch::is_asked_for(asked) {
        let terms = watch::Terms::of(asked)?;
        let lines = watch::follow(Arc::clone(&port.board), scope.clone(), encoding, terms);
        return Ok(streamed::answer(JSON, lines, port.stop.clone()));
    }
    let snapshot = port.board.snapshot();
    version::permits_list(asked, snapshot.version)?;
    let pieces = list::pieces(scope, snapshot, encoding, Timestamp::now());
    let pieces = pieces.map_err(|error| Failure::internal(&error))?;
    Ok(streamed::answer(JSON, pieces, port.stop.clone()))
}

fn written(body: Result<String, serde_json::Error>) -> Result<Reply, Failure> {
    let body = body.map_err(|error| Failure::internal(&error))?;
    Ok(text(http::StatusCode::OK, JSON, body))
}

/// A list of what does not show everything would say that platforms are gone.
fn knows_all(port: &Port) -> Result<(), Failure> {
    port.knows_all().then_some(()).ok_or_else(Failure::not_yet)
}
