//! Runs a home with one scoring service until it is killed: `hold_home STATE SPECS PROGRAMS`.
//! Prints `ready` when the service's tasks serve.
#![expect(clippy::print_stdout, reason = "stdout is how it is listened to")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use engine::ports::{Compute, Permit, ServiceChange, ServiceDefinition, TaskTemplate, Urgency};
use local_adapter::{Home, HomeConfig};
use schema::names::{PlatformName, ServiceName};
use schema::platform::Image;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [state_dir, specs_dir, programs_dir] =
        <[PathBuf; 3]>::try_from(paths).map_err(|_| "usage: hold_home STATE SPECS PROGRAMS")?;
    let platform = PlatformName::try_from("local")?;
    let config = HomeConfig {
        state_dir,
        specs_dir,
        programs_dir: Some(programs_dir),
        api_port: 0,
        first_platform: Some(platform.clone()),
        database_url: None,
    };
    let home = Home::start(config, |_| {}).await?;
    let compute = home.compute();
    let definition = ServiceDefinition {
        platform: platform.clone(),
        service: ServiceName::Scoring,
        template: TaskTemplate {
            image: Image("scoring:1".to_owned()),
            cpu: 256,
            memory: 512,
        },
        count: Some(2),
        scaling: None,
    };
    compute
        .apply(&ServiceChange::Create(definition), 1, Permit::free())
        .await?;
    let platforms = BTreeSet::from([platform]);
    while compute
        .observe(&platforms, Urgency::Resync)
        .await?
        .found
        .iter()
        .any(|it| it.running() < 2)
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("ready");
    std::future::pending().await
}
