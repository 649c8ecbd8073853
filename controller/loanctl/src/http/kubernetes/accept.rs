//! In which shapes a client takes an answer.

/// A shape that answers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The thing itself, as JSON.
    Plain,
    /// Lines for people, as `kubectl get` prints them.
    Table,
    /// No more than the metadata of objects.
    Metadata,
    /// Everything there is to find, in one answer.
    Discovery,
}

/// The shapes that a client takes, the one it likes best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accepted(Vec<Shape>);

impl Accepted {
    /// What a request with this `Accept` takes. Weights are not looked at: no Kubernetes client sends any.
    pub(super) fn of(header: Option<&str>) -> Self {
        let header = header.unwrap_or("*/*");
        Self(header.split(',').filter_map(shape).collect())
    }

    /// The best of `offered`; nothing where the client takes none of them.
    pub(super) fn best_of(&self, offered: &[Shape]) -> Option<Shape> {
        let mut liked = self.0.iter().copied();
        liked.find(|shape| offered.contains(shape))
    }
}

/// The shape that one element of the header asks for; nothing where there is none like it here, such as protobuf.
fn shape(element: &str) -> Option<Shape> {
    let mut parts = element.split(';').map(str::trim);
    let media_type = parts.next()?;
    if !matches!(media_type, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
    let given = |name: &str| {
        let mut parameters = parameters.iter();
        parameters
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    };
    match (given("as"), given("g"), given("v")) {
        (None, _, _) => Some(Shape::Plain),
        (Some("Table"), Some("meta.k8s.io"), Some("v1")) => Some(Shape::Table),
        (
            Some("PartialObjectMetadata" | "PartialObjectMetadataList"),
            Some("meta.k8s.io"),
            Some("v1"),
        ) => Some(Shape::Metadata),
        (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => {
            Some(Shape::Discovery)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECTS: [Shape; 3] = [Shape::Plain, Shape::Table, Shape::Metadata];

    #[test]
    fn the_first_shape_that_is_offered_is_the_one() {
        for (header, best) in [
            (None, Some(Shape::Plain)),
            (Some("*/*"), Some(Shape::Plain)),
            (Some("application/json"), Some(Shape::Plain)),
            (
                Some(
                    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                ),
                Some(Shape::Table),
            ),
            (
                Some("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"),
                Some(Shape::Plain),
            ),
            (
                Some("application/vnd.kubernetes.protobuf,application/json"),
                Some(Shape::Plain),
            ),
            (
                Some("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"),
                Some(Shape::Metadata),
            ),
            (
                Some(
                    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
                ),
                Some(Shape::Plain),
            ),
            (Some("application/vnd.kubernetes.protobuf"), None),
        ] {
            assert_eq!(Accepted::of(header).best_of(&OBJECTS), best, "{header:?}");
        }
    }
}
