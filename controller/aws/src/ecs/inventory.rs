//! The inventory: services that carry our tags and belong to no platform that is kept.
//!
//! The names of all services are listed, a hundred a call, and those of kept platforms are done with: only the
//! others are asked for their tags.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::Service;
use engine::ports::{Documents, PortError, Urgency};
use engine::specs::SPECS_PREFIX;
use engine::state_store::STATE_PREFIX;
use schema::infrastructure::Infrastructure;
use schema::names::PlatformName;

use super::describe::{Asking, Describe};
use super::names::parts_of;
use super::owner;
use crate::caller::{Call, Caller};
use crate::connection::Connection;
use crate::paging::{Page, all_pages};
use crate::quota::Family;

/// Names that ECS lists in one call.
///
/// Source: Amazon ECS API Reference, `ListServices`.
const LISTED: i32 = 100;
/// Pages that are read at most of one cluster, which may have 5000 services; what comes after them is not known.
const PAGES: usize = 100;

/// Services of platforms that are not kept, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unclaimed {
    /// Of platforms that there is neither a spec of nor a state.
    pub orphaned: BTreeSet<String>,
    /// Of platforms that were removed with `deletionPolicy: Retain`: their state is still there.
    pub retained: BTreeSet<String>,
}

/// Finds services that nobody keeps.
#[derive(Debug)]
pub struct Inventory {
    client: Client,
    caller: Arc<Caller>,
    asking: Asking,
    infrastructure: Arc<ArcSwap<Infrastructure>>,
    documents: Arc<dyn Documents>,
    /// Name of the bucket with the documents.
    store: String,
}

impl Inventory {
    pub(crate) fn new(
        connection: &Connection,
        caller: &Arc<Caller>,
        infrastructure: Arc<ArcSwap<Infrastructure>>,
        (store, documents): (String, Arc<dyn Documents>),
    ) -> Self {
        Self {
            client: connection.ecs.clone(),
            caller: Arc::clone(caller),
            asking: Asking::new(connection.ecs.clone(), Arc::clone(caller)),
            infrastructure,
            documents,
            store,
        }
    }

    /// The services that carry our tags, those of another bucket aside, and whose platforms are not among `kept`, which is asked when all names
    /// are listed: a platform that is made meanwhile is not taken for a stranger.
    ///
    /// # Errors
    /// When services or states cannot be read.
    pub async fn unclaimed(
        &self,
        kept: impl Fn() -> BTreeSet<PlatformName> + Send,
    ) -> Result<Unclaimed, PortError> {
        let mut listed = Vec::new();
        for cluster in clusters(&self.infrastructure.load_full()) {
            let names = self.names(&cluster).await?;
            listed.push((cluster, names));
        }
        let kept = kept();
        let mut found = Vec::new();
        for (cluster, names) in listed {
            let strangers = strangers(names, &kept);
            let described = self.asking.describe(&cluster, &strangers, Urgency::Resync);
            let is_left = |service: &Service| is_left(service, &self.store);
            found.extend(described.await?.into_iter().filter(is_left));
        }
        if found.is_empty() {
            return Ok(Unclaimed::default());
        }
        Ok(sorted(&found, &self.platforms_in(STATE_PREFIX).await?))
    }

    /// The services of platforms that there is neither a spec file of nor a state.
    ///
    /// # Errors
    /// When services, specs or states cannot be read.
    pub(crate) async fn orphaned(&self) -> Result<BTreeSet<String>, PortError> {
        let mut known = self.platforms_in(SPECS_PREFIX).await?;
        known.extend(self.platforms_in(STATE_PREFIX).await?);
        let unclaimed = self.unclaimed(|| known.clone()).await?;
        Ok(unclaimed.orphaned)
    }

    /// Platforms that documents under `prefix` are called after.
    async fn platforms_in(&self, prefix: &str) -> Result<BTreeSet<PlatformName>, PortError> {
        let listed = self.documents.list(prefix).await?;
        let named = listed.iter().filter_map(|document| {
            let (name, _) = document.path.strip_prefix(prefix)?.split_once('.')?;
            PlatformName::try_from(name).ok()
        });
        Ok(named.collect())
    }

    async fn names(&self, cluster: &str) -> Result<Vec<String>, PortError> {
        let call = Call {
            family: Family::ServiceRead,
            permission: "ecs:ListServices",
            action: format!("list the services of the cluster {cluster}"),
        };
        let request = self.client.list_services().cluster(cluster);
        let request = request.max_results(LISTED);
        let (call, request) = (&call, &request);
        let arns = all_pages(PAGES, "services", |from| async move {
            let request = request.clone().set_next_token(from);
            let send = || request.clone().send();
            let answer = self.caller.read(call, Urgency::Resync, send).await?;
            Ok(Page {
                items: answer.service_arns.unwrap_or_default(),
                next: answer.next_token,
            })
        });
        let arns = arns.await?;
        Ok(arns.iter().map(|arn| name_in(arn).to_owned()).collect())
    }
}

fn clusters(infrastructure: &Infrastructure) -> BTreeSet<String> {
    let of_platforms = infrastructure.platforms.values();
    let all = of_platforms.chain([&infrastructure.defaults]);
    all.map(|surroundings| surroundings.cluster.clone())
        .collect()
}

/// The last part of the ARN of a service.
fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Those of `names` that could be a platform's, and are of none among `kept`.
fn strangers(mut names: Vec<String>, kept: &BTreeSet<PlatformName>) -> Vec<String> {
    names.retain(|name| parts_of(name).is_some_and(|(platform, _)| !kept.contains(&platform)));
    names
}

/// Whether it runs and carries the tags of the controller of `store`. One being removed goes away by itself.
fn is_left(service: &Service, store: &str) -> bool {
    service.status() == Some("ACTIVE") && owner::is_of_store(service.tags(), store)
}

fn sorted(found: &[Service], remembered: &BTreeSet<PlatformName>) -> Unclaimed {
    let mut unclaimed = Unclaimed::default();
    for name in found.iter().filter_map(Service::service_name) {
        let is_remembered = parts_of(name).is_some_and(|(of, _)| remembered.contains(&of));
        let names = if is_remembered {
            &mut unclaimed.retained
        } else {
            &mut unclaimed.orphaned
        };
        names.insert(name.to_owned());
    }
    unclaimed
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Tag;

    use super::*;

    fn platforms(names: &[&str]) -> BTreeSet<PlatformName> {
        let name = |name: &&str| PlatformName::try_from(*name).unwrap();
        names.iter().map(name).collect()
    }

    fn service(name: &str, status: &str, owner: &str) -> Service {
        let tag = Tag::builder().key("lending.dev/managed-by").value(owner);
        Service::builder()
            .service_name(name)
            .status(status)
            .tags(tag.build())
            .build()
    }

    #[test]
    fn only_names_of_platforms_that_are_not_kept_are_asked_for() {
        let names = ["dev-auth", "old-auth", "old-loan-api", "billing", "auth"];
        let names = names.map(str::to_owned).to_vec();
        let strangers = strangers(names, &platforms(&["dev"]));
        assert_eq!(strangers, ["old-auth", "old-loan-api"]);
    }

    #[test]
    fn what_carries_another_tag_or_is_being_removed_is_not_ours_to_tell_of() {
        let is_left = |service: &Service| is_left(service, "loans");
        assert!(is_left(&service("old-auth", "ACTIVE", "loanctl")));
        assert!(!is_left(&service("old-auth", "ACTIVE", "terraform")));
        assert!(!is_left(&service("old-auth", "DRAINING", "loanctl")));
        let untagged = Service::builder().status("ACTIVE").build();
        assert!(!is_left(&untagged));
    }

    #[test]
    fn what_the_controller_of_another_bucket_made_is_its_own() {
        let origin = |store| owner::Origin {
            store,
            generation: 7,
        };
        let made_for = |store| {
            let mut service = service("old-auth", "ACTIVE", "loanctl");
            let tags = service.tags.get_or_insert_default();
            tags.extend(origin(store).tags());
            service
        };
        assert!(is_left(&made_for("loans"), "loans"));
        assert!(!is_left(&made_for("others"), "loans"));
    }

    #[test]
    fn a_platform_with_a_state_is_retained_and_one_without_is_orphaned() {
        let found = ["old-auth", "gone-auth"].map(|name| service(name, "ACTIVE", "loanctl"));
        let unclaimed = sorted(&found, &platforms(&["old"]));
        assert_eq!(unclaimed.retained, ["old-auth".to_owned()].into());
        assert_eq!(unclaimed.orphaned, ["gone-auth".to_owned()].into());
    }

    #[test]
    fn every_cluster_is_listed_once() {
        let mut infrastructure = crate::ecs::fixture::infrastructure();
        let mut apart = infrastructure.defaults.clone();
        infrastructure.platforms = [("east", apart.clone())]
            .map(|(name, it)| (PlatformName::try_from(name).unwrap(), it))
            .into();
        apart.cluster = "apart".to_owned();
        let west = PlatformName::try_from("west").unwrap();
        infrastructure.platforms.insert(west, apart);
        let expected = [infrastructure.defaults.cluster.clone(), "apart".to_owned()];
        assert_eq!(clusters(&infrastructure), expected.into());
    }
}
