//! What a client asks for.

use std::convert::Infallible;

use http::{HeaderMap, Method, header};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;

/// A request, less its body: nothing here reads one.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    path: String,
    query: String,
    pub(super) headers: HeaderMap,
}

/// Takes every request.
pub(super) fn any() -> BoxedFilter<(Asked,)> {
    let query =
        warp::query::raw().or_else(|_| async { Ok::<(String,), Infallible>((String::new(),)) });
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .map(|method, path: FullPath, query, headers| Asked {
            method,
            path: path.as_str().to_owned(),
            query,
            headers,
        })
        .boxed()
}

impl Asked {
    /// `GET target`, as a client asks for it that sends no header.
    #[cfg(test)]
    pub(super) fn get(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: Method::GET,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
        }
    }

    /// The path, without slashes at its end; `/` for the root.
    pub(super) fn path(&self) -> &str {
        match self.path.trim_end_matches('/') {
            "" => "/",
            path => path,
        }
    }

    /// The value of the parameter `name`, decoded; the first, where it is given more than once.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The value of a header that is text.
    pub(super) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
