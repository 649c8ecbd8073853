//! What a path leads to.

use super::resource::Resource;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// The version of the server.
    Version,
    /// The versions of the core group.
    CoreVersions,
    /// All other groups.
    Groups,
    /// The group of platforms.
    Group,
    /// The kinds of objects of a group.
    Resources(&'static str),
    /// Which OpenAPI documents there are.
    OpenApiIndex,
    /// The OpenAPI document of platforms.
    OpenApi,
    /// Objects of one kind, in one namespace or in all.
    Collection(Resource, Option<&'a str>),
    /// One object.
    Object(Resource, Option<&'a str>, &'a str),
}

impl<'a> Route<'a> {
    /// Where `path` leads to; nothing where it leads nowhere.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let platforms = Resource::Platforms.names();
        match parts.as_slice() {
            ["version"] => Some(Self::Version),
            ["api"] => Some(Self::CoreVersions),
            ["apis"] => Some(Self::Groups),
            ["openapi", "v3"] => Some(Self::OpenApiIndex),
            ["openapi", "v3", "apis", group, version]
                if (*group, *version) == (platforms.group, platforms.version) =>
            {
                Some(Self::OpenApi)
            }
            ["api", "v1"] => Some(Self::Resources("")),
            ["api", "v1", rest @ ..] => below("", "v1", rest),
            ["apis", group] if *group == platforms.group => Some(Self::Group),
            ["apis", group, version]
                if (*group, *version) == (platforms.group, platforms.version) =>
            {
                Some(Self::Resources(platforms.group))
            }
            ["apis", group, version, rest @ ..] => below(group, version, rest),
            _ => None,
        }
    }
}

/// Where the rest of a path leads to within a group.
fn below<'a>(group: &str, version: &str, rest: &[&'a str]) -> Option<Route<'a>> {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
        rest => (None, rest),
    };
    let (plural, rest) = rest.split_first()?;
    let resource = Resource::called(group, version, plural)?;
    if namespace.is_some() && !resource.is_namespaced() {
        return None;
    }
    let is_placed = namespace.is_some() || !resource.is_namespaced();
    match rest {
        [] => Some(Route::Collection(resource, namespace)),
        [name] if is_placed => Some(Route::Object(resource, namespace, name)),
        [name, "status"] if is_placed && resource.has_status() => {
            Some(Route::Object(resource, namespace, name))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Resource::{Events, Namespaces, Platforms};

    const GROUP: &str = "/apis/lending.dev/v1alpha1";

    #[test]
    fn paths_lead_where_they_do_on_a_cluster() {
        for (path, route) in [
            ("/version", Route::Version),
            ("/api", Route::CoreVersions),
            ("/api/v1", Route::Resources("")),
            ("/apis", Route::Groups),
            ("/apis/lending.dev", Route::Group),
            (GROUP, Route::Resources("lending.dev")),
            ("/openapi/v3", Route::OpenApiIndex),
            ("/openapi/v3/apis/lending.dev/v1alpha1", Route::OpenApi),
            ("/api/v1/events", Route::Collection(Events, None)),
            ("/api/v1/namespaces", Route::Collection(Namespaces, None)),
            (
                "/api/v1/namespaces/default",
                Route::Object(Namespaces, None, "default"),
            ),
            (
                "/api/v1/namespaces/default/events",
                Route::Collection(Events, Some("default")),
            ),
            (
                "/api/v1/namespaces/default/events/local.1",
                Route::Object(Events, Some("default"), "local.1"),
            ),
        ] {
            assert_eq!(Route::of(path), Some(route), "{path}");
        }
        for (path, route) in [
            ("loanplatforms", Route::Collection(Platforms, None)),
            (
                "namespaces/other/loanplatforms",
                Route::Collection(Platforms, Some("other")),
            ),
            (
                "namespaces/default/loanplatforms/local",
                Route::Object(Platforms, Some("default"), "local"),
            ),
            (
                "namespaces/default/loanplatforms/local/status",
                Route::Object(Platforms, Some("default"), "local"),
            ),
        ] {
            assert_eq!(Route::of(&format!("{GROUP}/{path}")), Some(route), "{path}");
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "/api/v2",
            "/api/v1/pods",
            "/api/v1/namespaces/default/pods",
            "/api/v1/namespaces/default/namespaces",
            "/api/v1/namespaces/default/events/local.1/status",
            "/apis/apps",
            "/apis/apps/v1/deployments",
            "/apis/lending.dev/v1",
            "/apis/lending.dev/v1alpha1/loanplatforms/local",
            "/apis/lending.dev/v1alpha1/namespaces/default/loanplatforms/local/scale",
            "/openapi/v2",
            "/openapi/v3/api/v1",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
