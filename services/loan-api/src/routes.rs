//! What the loan API serves.

use std::sync::Arc;

use http::HeaderMap;
use service_kit::body::body;
use service_kit::server::Routes;
use service_kit::{Problem, reply};
use warp::Filter;
use warp::reply::Response;

use crate::LoanApi;
use crate::apply::{apply, of_stored};

/// Longest id that can be stored.
const MAX_ID_LENGTH: usize = 50;

/// The routes of the service port.
pub(crate) fn routes(api: &Arc<LoanApi>) -> Routes {
    let context = Arc::clone(api);
    let shared = warp::any()
        .map(move || Arc::clone(&context))
        .and(warp::header::headers_cloned())
        .boxed();
    let apply = warp::path!("loan" / "apply")
        .and(warp::post())
        .and(shared.clone())
        .and(body())
        .then(|api, headers, body| async { reply::of(apply(api, headers, body).await) })
        .boxed();
    let show = warp::path!("loan" / "applications" / String)
        .and(warp::get())
        .and(shared)
        .then(|id, api, headers| async { reply::of(show(id, api, headers).await) })
        .boxed();
    apply.or(show).unify().boxed()
}

/// An application of the client's own; those of others do not exist for it.
async fn show(id: String, api: Arc<LoanApi>, headers: HeaderMap) -> Result<Response, Problem> {
    let client = api.authenticator.authenticate(&headers).await?;
    api.rate_limiter.admit(&client)?;
    let found = if id.len() <= MAX_ID_LENGTH {
        api.store.find(&id, &client.0).await?
    } else {
        None
    };
    let found = found.ok_or_else(|| Problem::not_found("there is no such application"))?;
    Ok(of_stored(&found))
}
