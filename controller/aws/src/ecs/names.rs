//! What the services of platforms are called in ECS.

use schema::names::{PlatformName, ServiceName};

/// Name of a service in its cluster, and of the family of its task definitions: `dev-loan-api`.
///
/// It is all that ties a service to its platform, so a controller that has forgotten everything finds it again.
pub(crate) fn service_name(platform: &PlatformName, service: ServiceName) -> String {
    format!("{platform}-{service}")
}

/// Whose service is called `name`; nothing where no platform's is.
pub(crate) fn parts_of(name: &str) -> Option<(PlatformName, ServiceName)> {
    ServiceName::ALL.into_iter().find_map(|service| {
        let platform = name.strip_suffix(service.kebab())?.strip_suffix('-')?;
        Some((PlatformName::try_from(platform).ok()?, service))
    })
}

/// Name of the scaling policy of the service called `name`.
pub(crate) fn policy_name(name: &str) -> String {
    format!("{name}-cpu")
}

/// What Application Auto Scaling calls the service `name`: `service/CLUSTER/NAME`.
pub(crate) fn resource_id(cluster_name: &str, name: &str) -> String {
    format!("service/{cluster_name}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_told_from_its_name() {
        for platform in ["dev", "eu-1", "dev-auth", "score"] {
            let platform = PlatformName::try_from(platform).unwrap();
            for service in ServiceName::ALL {
                let name = service_name(&platform, service);
                assert_eq!(parts_of(&name), Some((platform.clone(), service)), "{name}");
            }
        }
        assert_eq!(
            service_name(
                &PlatformName::try_from("dev").unwrap(),
                ServiceName::LoanApi
            ),
            "dev-loan-api"
        );
    }

    #[test]
    fn names_of_others_are_nobodys() {
        for name in ["", "auth", "-auth", "Dev-auth", "dev-web", "dev-authx"] {
            assert_eq!(parts_of(name), None, "{name}");
        }
    }
}
