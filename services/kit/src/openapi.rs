//! The OpenAPI description of a service: made from its code, served at `/openapi.json`, and printed for the copy that
//! is committed.

use std::io::{self, Write};
use std::process::ExitCode;

use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use warp::Filter;

use crate::args::is_only_argument;
use crate::problem::other_methods;
use crate::reply;
use crate::server::Routes;

/// The only argument that has a program print its description: `loan-api openapi`.
pub const OPENAPI: &str = "openapi";

/// Prints the description, where this process was started for that. Nothing where it was started to serve.
#[must_use]
pub fn answer(description: fn() -> OpenApi) -> Option<ExitCode> {
    is_only_argument(OPENAPI).then(|| {
        let printed =
            text(&description()).map(|text| io::stdout().lock().write_all(text.as_bytes()));
        match printed {
            Ok(Ok(())) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    })
}

/// The description as it is committed.
///
/// # Errors
/// When it has no JSON form, which the descriptions here have.
pub fn text(description: &OpenApi) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(description)? + "\n")
}

/// Serves the description.
#[must_use]
pub fn routes(description: OpenApi) -> Routes {
    let path = warp::path!("openapi.json").boxed();
    let shown = path
        .clone()
        .and(warp::get())
        .map(move || reply::json(&description))
        .boxed();
    shown.or(other_methods(path, "GET")).unify().boxed()
}

/// Names the way to log in with a token of auth: `bearer`.
#[derive(Clone, Copy, Debug)]
pub struct BearerLogin;

/// Names the way to log in with client id and secret: `basic`.
#[derive(Clone, Copy, Debug)]
pub struct BasicLogin;

impl Modify for BearerLogin {
    fn modify(&self, description: &mut OpenApi) {
        add(description, "bearer", HttpAuthScheme::Bearer);
    }
}

impl Modify for BasicLogin {
    fn modify(&self, description: &mut OpenApi) {
        add(description, "basic", HttpAuthScheme::Basic);
    }
}

fn add(description: &mut OpenApi, name: &str, scheme: HttpAuthScheme) {
    let components = description.components.get_or_insert_default();
    components.add_security_scheme(name, SecurityScheme::Http(Http::new(scheme)));
}
