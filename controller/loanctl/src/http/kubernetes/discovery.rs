//! Discovery: which kinds of objects there are, and what can be done with them.

use http::{HeaderValue, StatusCode, header};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    APIGroup, APIGroupList, APIResource, APIResourceList, APIVersions, GroupVersionForDiscovery,
};
use serde_json::{Value, json};
use service_kit::reply;
use warp::reply::Response as Reply;

use super::accept::{Accepted, Shape};
use super::resource::{Names, Resource};
use super::status::Failure;
use crate::http::asked::Asked;

/// What can be done.
const VERBS: [&str; 3] = ["get", "list", "watch"];
/// Content type of everything in one answer.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The core group: its versions, or all of it where the client takes that.
pub(super) fn core(asked: &Asked) -> Result<Reply, Failure> {
    in_shape(asked, "", || {
        reply::json(&APIVersions {
            versions: vec!["v1".to_owned()],
            server_address_by_client_cidrs: Vec::new(),
        })
    })
}

/// All other groups.
pub(super) fn groups(asked: &Asked) -> Result<Reply, Failure> {
    let group = Resource::Platforms.names().group;
    in_shape(asked, group, || {
        reply::json(&APIGroupList {
            groups: vec![self::group()],
        })
    })
}

/// The group of platforms.
pub(super) fn group() -> APIGroup {
    let names = Resource::Platforms.names();
    let version = GroupVersionForDiscovery {
        group_version: names.api_version(),
        version: names.version.to_owned(),
    };
    APIGroup {
        name: names.group.to_owned(),
        preferred_version: Some(version.clone()),
        server_address_by_client_cidrs: None,
        versions: vec![version],
    }
}

/// The kinds of objects of a group.
pub(super) fn resources(group: &str) -> APIResourceList {
    let group_version = of_group(group)
        .next()
        .map(|resource| resource.names().api_version());
    APIResourceList {
        group_version: group_version.unwrap_or_default(),
        resources: of_group(group).flat_map(with_status).collect(),
    }
}

fn of_group(group: &str) -> impl Iterator<Item = Resource> {
    Resource::ALL
        .into_iter()
        .filter(move |resource| resource.names().group == group)
}

fn with_status(resource: Resource) -> Vec<APIResource> {
    let names = resource.names();
    let some = |words: &[&str]| (!words.is_empty()).then(|| owned(words));
    let itself = APIResource {
        name: names.plural.to_owned(),
        singular_name: names.singular.to_owned(),
        kind: names.kind.to_owned(),
        namespaced: resource.is_namespaced(),
        verbs: owned(&VERBS),
        short_names: some(names.short),
        categories: some(names.categories),
        ..APIResource::default()
    };
    let status = resource.has_status().then(|| APIResource {
        name: format!("{}/status", names.plural),
        kind: names.kind.to_owned(),
        namespaced: resource.is_namespaced(),
        verbs: owned(&["get"]),
        ..APIResource::default()
    });
    std::iter::once(itself).chain(status).collect()
}

/// A group in the shape that the client likes best: all of it in one answer, or what `plain` is.
fn in_shape(asked: &Asked, group: &str, plain: impl FnOnce() -> Reply) -> Result<Reply, Failure> {
    let accepted = Accepted::of(asked.header(header::ACCEPT));
    let mut reply = match accepted.best_of(&[Shape::Plain, Shape::Discovery]) {
        Some(Shape::Discovery) => {
            let mut reply = reply::with_status(StatusCode::OK, &aggregated(group));
            let content_type = HeaderValue::from_static(AGGREGATED);
            reply
                .headers_mut()
                .insert(header::CONTENT_TYPE, content_type);
            reply
        }
        Some(Shape::Plain) => plain(),
        _ => return Err(Failure::not_acceptable()),
    };
    reply
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(reply)
}

/// A group with its kinds of objects.
fn aggregated(group: &str) -> Value {
    let versions: Vec<Value> = of_group(group)
        .next()
        .into_iter()
        .map(|resource| {
            json!({
                "version": resource.names().version,
                "freshness": "Current",
                "resources": of_group(group).map(found).collect::<Vec<_>>(),
            })
        })
        .collect();
    let name = if group.is_empty() {
        json!({})
    } else {
        json!({ "name": group })
    };
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [{ "metadata": name, "versions": versions }],
    })
}

fn found(resource: Resource) -> Value {
    let names: Names = resource.names();
    let kind = json!({ "group": names.group, "version": names.version, "kind": names.kind });
    let mut found = json!({
        "resource": names.plural,
        "responseKind": kind,
        "scope": if resource.is_namespaced() { "Namespaced" } else { "Cluster" },
        "singularResource": names.singular,
        "verbs": VERBS,
        "shortNames": names.short,
        "categories": names.categories,
    });
    if resource.has_status() {
        found["subresources"] =
            json!([{ "subresource": "status", "responseKind": kind, "verbs": ["get"] }]);
    }
    found
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_discover_tell_the_same() {
        for group in ["", "lending.dev"] {
            let by_itself = resources(group).resources;
            let by_itself: Vec<&str> = by_itself
                .iter()
                .map(|resource| resource.name.as_str())
                .collect();
            let at_once = aggregated(group);
            let mut names = Vec::new();
            for resource in at_once["items"][0]["versions"][0]["resources"]
                .as_array()
                .unwrap()
            {
                let name = resource["resource"].as_str().unwrap();
                names.push(name.to_owned());
                let below = resource["subresources"].as_array().into_iter().flatten();
                names.extend(
                    below.map(|it| format!("{name}/{}", it["subresource"].as_str().unwrap())),
                );
            }
            assert_eq!(by_itself, names);
        }
    }

    #[test]
    fn platforms_have_a_short_name_and_are_only_read() {
        let resources = resources("lending.dev");
        assert_eq!(resources.group_version, "lending.dev/v1alpha1");
        let platforms = &resources.resources[0];
        assert_eq!(
            platforms.short_names.as_deref(),
            Some(&["lp".to_owned()][..])
        );
        assert_eq!(platforms.verbs, VERBS);
    }

    #[test]
    fn the_shape_is_the_one_that_the_client_takes() {
        let mut asked = Asked::get("/apis");
        for (accept, content_type) in [
            (AGGREGATED, AGGREGATED),
            ("application/json", "application/json"),
        ] {
            asked
                .headers
                .insert(header::ACCEPT, accept.parse().unwrap());
            let reply = groups(&asked).unwrap();
            assert_eq!(reply.headers()[header::CONTENT_TYPE], content_type);
        }
        asked
            .headers
            .insert(header::ACCEPT, HeaderValue::from_static("application/yaml"));
        assert!(core(&asked).is_err());
    }
}
