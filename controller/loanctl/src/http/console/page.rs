//! The page: its files, which are part of the program, and what a browser is told about them.

use std::sync::LazyLock;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use schema::revision::digest_of;
use warp::Reply as _;
use warp::reply::Response as Reply;

use super::super::asked::Asked;

/// Only what comes from here is run, shown and asked: text of a spec that found its way into the page as anything
/// else than text could do nothing.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of the page.
struct File {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

macro_rules! files {
    ($($path:literal: $name:literal, $content_type:expr;)+) => {
        &[$(File {
            path: $path,
            content_type: $content_type,
            text: include_str!(concat!("page/", $name)),
        }),+]
    };
}

const FILES: &[File] = files! {
    "/": "index.html", "text/html; charset=utf-8";
    "/page/console.css": "console.css", "text/css; charset=utf-8";
    "/page/platform.css": "platform.css", "text/css; charset=utf-8";
    "/page/icon.svg": "icon.svg", "image/svg+xml";
    "/page/alarms.js": "alarms.js", SCRIPT;
    "/page/console.js": "console.js", SCRIPT;
    "/page/dom.js": "dom.js", SCRIPT;
    "/page/format.js": "format.js", SCRIPT;
    "/page/glance.js": "glance.js", SCRIPT;
    "/page/history.js": "history.js", SCRIPT;
    "/page/live.js": "live.js", SCRIPT;
    "/page/platform.js": "platform.js", SCRIPT;
    "/page/plot.js": "plot.js", SCRIPT;
    "/page/revisions.js": "revisions.js", SCRIPT;
    "/page/rollout.js": "rollout.js", SCRIPT;
    "/page/services.js": "services.js", SCRIPT;
    "/page/signals.js": "signals.js", SCRIPT;
    "/page/standing.js": "standing.js", SCRIPT;
    "/page/token.js": "token.js", SCRIPT;
    "/page/yaml.js": "yaml.js", SCRIPT;
};

/// The files' tags, in their order: the same content has the same tag, whichever program serves it.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tag = |file: &File| {
        format!(
            "\"{}\"",
            digest_of(&file.text).get(..20).unwrap_or_default()
        )
    };
    FILES.iter().map(tag).collect()
});

/// The file that is asked for: it shows nothing of any platform, so everybody may have it.
pub(in super::super) fn page(asked: &Asked) -> Option<Reply> {
    let (file, tag) = FILES
        .iter()
        .zip(TAGS.iter())
        .find(|(file, _)| file.path == asked.path())?;
    if asked.method != Method::GET && asked.method != Method::HEAD {
        return Some(super::super::read_only());
    }
    let is_known = asked
        .header(header::IF_NONE_MATCH)
        .is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut reply = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.text.into_response()
    };
    let fixed = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        // Asked for anew each time, and answered by "as it was": a new program's page is never mixed with an old one.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in fixed {
        reply
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(tag) {
        reply.headers_mut().insert(header::ETAG, tag);
    }
    Some(reply)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nothing_runs_that_does_not_come_from_here() {
        for file in FILES {
            let reply = page(&Asked::get(file.path)).unwrap();
            let headers = reply.headers();
            assert_eq!(headers[header::CONTENT_SECURITY_POLICY], POLICY);
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
            ] {
                assert!(!file.text.contains(forbidden), "{}: {forbidden}", file.path);
            }
        }
    }

    #[test]
    fn a_browser_that_has_a_file_is_told_so_in_a_few_bytes() {
        let mut asked = Asked::get("/page/console.js");
        let first = page(&asked).unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[header::ETAG].clone();
        asked.headers.insert(header::IF_NONE_MATCH, tag.clone());
        let again = page(&asked).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[header::ETAG], tag);
        let other = HeaderValue::from_static("\"other\"");
        asked.headers.insert(header::IF_NONE_MATCH, other);
        assert_eq!(page(&asked).unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn what_the_files_ask_for_is_there() {
        let served: BTreeSet<&str> = FILES.iter().map(|file| file.path).collect();
        assert_eq!(served.len(), FILES.len());
        for file in FILES {
            let quoted = file.text.split('"').filter_map(|piece| {
                let is_page = piece.starts_with("/page/");
                let local = piece
                    .strip_prefix("./")
                    .filter(|name| name.ends_with(".js"));
                match local {
                    Some(name) => Some(format!("/page/{name}")),
                    None => is_page.then(|| piece.to_owned()),
                }
            });
            for path in quoted {
                assert!(
                    served.contains(path.as_str()),
                    "{} asks for {path}",
                    file.path
                );
            }
        }
    }

    #[test]
    fn the_page_is_for_reading() {
        let mut asked = Asked::get("/");
        asked.method = Method::POST;
        assert_eq!(
            page(&asked).unwrap().status(),
            StatusCode::METHOD_NOT_ALLOWED
        );
        assert!(page(&Asked::get("/console/stream")).is_none());
    }
}
