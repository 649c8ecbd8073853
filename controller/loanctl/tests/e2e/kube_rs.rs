//! The controller read with kube-rs, as programs read a cluster.

use std::pin::Pin;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Event as ClusterEvent;
use kube_client::api::{ListParams, WatchEvent, WatchParams};
use kube_client::config::{KubeConfigOptions, Kubeconfig};
use kube_client::{Api, Client, Config, ResourceExt};
use kube_runtime::WatchStreamExt;
use kube_runtime::watcher::{self, watcher};
use rustix::process::Signal;
use schema::LoanPlatform;
use tokio::time::timeout;

use crate::laptop::{BOUND, Laptop};
use crate::spec::Spec;

type Changes = Pin<Box<dyn Stream<Item = watcher::Result<watcher::Event<LoanPlatform>>> + Send>>;

/// A client that knows no more than the kubeconfig that `loanctl up` has written.
async fn client(laptop: &Laptop) -> Client {
    let kubeconfig = Kubeconfig::read_from(laptop.state().join("kubeconfig")).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

fn watched(api: &Api<LoanPlatform>, config: watcher::Config) -> Changes {
    Box::pin(watcher(api.clone(), config).default_backoff())
}

/// Waits for what `holds`. What fails on the way is tried again by the watcher itself.
async fn event(
    changes: &mut Changes,
    what: &str,
    holds: impl Fn(&watcher::Event<LoanPlatform>) -> bool,
) -> watcher::Event<LoanPlatform> {
    let mut last_error = None;
    let found = async {
        loop {
            match changes.next().await.expect("a watcher goes on") {
                Ok(event) if holds(&event) => return event,
                Ok(_) => {}
                Err(error) => last_error = Some(error),
            }
        }
    };
    let found = timeout(BOUND, found).await;
    found.unwrap_or_else(|_| panic!("waited for {what}; the last error: {last_error:?}"))
}

fn is_generation(platform: &LoanPlatform, generation: i64) -> bool {
    platform.metadata.generation == Some(generation)
}

#[tokio::test(flavor = "multi_thread")]
async fn kube_rs_follows_a_platform_over_a_restart_of_the_controller() {
    let spec = Spec::new();
    let mut laptop = Laptop::with(&spec).await;
    let api: Api<LoanPlatform> = Api::default_namespaced(client(&laptop).await);
    let mut followers = [
        watched(&api, watcher::Config::default()),
        watched(&api, watcher::Config::default().streaming_lists()),
    ];
    for follower in &mut followers {
        let is_first =
            |event: &_| matches!(event, watcher::Event::InitApply(it) if is_generation(it, 1));
        event(follower, "the platform as it was", is_first).await;
        event(follower, "the end of the list", |event| {
            matches!(event, watcher::Event::InitDone)
        })
        .await;
    }

    laptop.end(Signal::TERM).await;
    laptop.start();
    for follower in &mut followers {
        event(follower, "a new list", |event| {
            matches!(event, watcher::Event::Init)
        })
        .await;
        let is_again =
            |event: &_| matches!(event, watcher::Event::InitApply(it) if is_generation(it, 1));
        event(follower, "the platform in the new list", is_again).await;
    }

    laptop.save(&spec.with("maxPaymentToIncome: 40", "maxPaymentToIncome: 39"));
    for follower in &mut followers {
        let is_edit =
            |event: &_| matches!(event, watcher::Event::Apply(it) if is_generation(it, 2));
        event(follower, "the edit", is_edit).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kube_rs_reads_platforms_events_and_metadata_and_is_told_of_versions_too_old() {
    let laptop = Laptop::with(&Spec::new()).await;
    let client = client(&laptop).await;
    let api: Api<LoanPlatform> = Api::all(client.clone());

    let list = api
        .list(&ListParams::default().fields("metadata.name=local"))
        .await
        .unwrap();
    assert_eq!(list.items[0].name_any(), "local");
    let found = Api::<LoanPlatform>::default_namespaced(client.clone())
        .get("local")
        .await
        .unwrap();
    assert_eq!(found.uid(), list.items[0].uid());
    let metadata = api.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(metadata.items[0].metadata.uid, found.metadata.uid);

    let about = format!("involvedObject.uid={}", found.uid().unwrap());
    let events: Api<ClusterEvent> = Api::default_namespaced(client);
    let events = events
        .list(&ListParams::default().fields(&about))
        .await
        .unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.reason.as_deref() == Some("SpecAccepted"))
    );

    let mut watch = api
        .watch(&WatchParams::default(), "1")
        .await
        .unwrap()
        .boxed();
    let first = timeout(BOUND, watch.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let WatchEvent::Error(status) = first else {
        panic!("{first:?}");
    };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
}
