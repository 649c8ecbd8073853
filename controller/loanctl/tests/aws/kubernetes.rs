//! The Kubernetes API of a controller that asks its readers for a token.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kube_client::config::{KubeConfigOptions, Kubeconfig};
use kube_client::{Api, Client, Config};
use reqwest::StatusCode;
use schema::LoanPlatform;
use serde_json::Value;

use crate::account::{Account, eventually};
use crate::controller::Controller;

const PLATFORMS: &str = "/apis/lending.dev/v1alpha1/loanplatforms";
const TOKEN: &str = "a-token-that-nobody-guesses";

#[tokio::test]
async fn who_has_the_kubeconfig_reads_platforms_and_a_standby_does_not_say_that_there_are_none() {
    let account = Account::opens().await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let controller = starts(&account, &kubeconfig).await;
    controller.holds_the_lease().await;
    account.submits("dev", |_| ()).await;

    let mode = std::fs::metadata(&kubeconfig).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let platforms = platforms(&kubeconfig).await;
    let found = eventually("kube-rs finds the platform", async || {
        platforms.get_opt("dev").await.unwrap()
    })
    .await;
    assert_eq!(found.metadata.generation, Some(1));

    let refused = controller.answers(PLATFORMS, "another").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["kind"], "Status");
    assert_eq!(refused["reason"], "Unauthorized");

    let standby = starts(&account, &folder.path().join("other")).await;
    let answer = standby.answers(PLATFORMS, TOKEN).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
}

async fn starts(account: &Account, kubeconfig: &Path) -> Controller {
    let kubeconfig = kubeconfig.to_str().unwrap();
    let args = ["--poll", "1s", "--token", TOKEN, "--kubeconfig", kubeconfig];
    Controller::starts_with(&account.emulators, &args).await
}

/// The platforms, for a client that knows no more than the kubeconfig.
async fn platforms(kubeconfig: &Path) -> Api<LoanPlatform> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Api::default_namespaced(Client::try_from(config.unwrap()).unwrap())
}
