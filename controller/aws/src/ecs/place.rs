//! One service of one platform, and what the account provides for it.

use std::sync::Arc;

use schema::infrastructure::{Infrastructure, Surroundings};
use schema::names::{PlatformName, ServiceName};

use super::names;

/// One service of one platform, and what the account provides for it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) platform: PlatformName,
    pub(crate) service: ServiceName,
    infrastructure: Arc<Infrastructure>,
}

impl Place {
    pub(crate) const fn new(
        platform: PlatformName,
        service: ServiceName,
        infrastructure: Arc<Infrastructure>,
    ) -> Self {
        Self {
            platform,
            service,
            infrastructure,
        }
    }

    pub(crate) fn surroundings(&self) -> &Surroundings {
        self.infrastructure.surroundings(&self.platform)
    }

    pub(crate) fn region(&self) -> &str {
        &self.infrastructure.region
    }

    pub(crate) fn cluster(&self) -> &str {
        &self.surroundings().cluster
    }

    /// What ECS calls the service.
    pub(crate) fn name(&self) -> String {
        names::service_name(&self.platform, self.service)
    }

    /// What Application Auto Scaling calls it.
    pub(crate) fn resource_id(&self) -> String {
        names::resource_id(self.surroundings().cluster_name(), &self.name())
    }

    /// `image` as ECS pulls it: one that is named without a registry is in the account's own.
    pub(crate) fn pulled(&self, image: &str) -> String {
        match &self.surroundings().registry {
            Some(registry) if !names_a_registry(image) => format!("{registry}/{image}"),
            _ => image.to_owned(),
        }
    }

    /// `image` as a spec names it, given as ECS pulls it.
    pub(crate) fn named<'a>(&self, image: &'a str) -> &'a str {
        let registry = self.surroundings().registry.as_deref();
        registry
            .and_then(|registry| image.strip_prefix(registry)?.strip_prefix('/'))
            .unwrap_or(image)
    }
}

/// Whether the first part of an image's name is a host, by Docker's rule: it has a dot or a port, or is
/// `localhost`.
fn names_a_registry(image: &str) -> bool {
    image
        .split_once('/')
        .is_some_and(|(first, _)| first.contains(['.', ':']) || first == "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::fixture::place;

    #[test]
    fn only_an_image_without_a_registry_is_given_the_accounts() {
        let place = place(ServiceName::Scoring);
        for (image, pulled) in [
            ("scoring:1", "registry.example/scoring:1"),
            ("team/scoring:1", "registry.example/team/scoring:1"),
            ("ghcr.io/team/scoring:1", "ghcr.io/team/scoring:1"),
            ("host:5000/scoring:1", "host:5000/scoring:1"),
            ("localhost/scoring:1", "localhost/scoring:1"),
        ] {
            assert_eq!(place.pulled(image), pulled);
            assert_eq!(place.named(pulled), image);
        }
    }
}
