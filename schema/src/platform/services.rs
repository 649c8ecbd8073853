//! The services of a platform: images, sizes, counts and behaviour.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clients::{AuthClient, ProviderClient, ScoringClient};
use crate::names::ServiceName;
use crate::units::{Percent, Span, Whole};

/// How many tasks of a service may be asked for.
pub type DesiredCount = Whole<0, 200>;

/// The four services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Services {
    /// Takes loan applications and decides them.
    pub loan_api: LoanApi,
    /// Issues and verifies bearer tokens.
    pub auth: Auth,
    /// Asks the score provider.
    pub scoring: Scoring,
    /// Stand-in for the third party, for demos and tests; absent in production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_provider: Option<ScoreProvider>,
}

/// What every service has: an image, a size and a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// What to run.
    pub image: Image,
    /// ECS CPU units, 1024 to a virtual CPU.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Tasks wanted; absent: unmanaged.
    pub desired_count: Option<DesiredCount>,
    /// Automatic scaling; absent: none.
    pub scaling: Option<Scaling>,
}

impl Services {
    /// Image, size and count of `service`, or nothing where the platform does not have it.
    #[must_use]
    pub fn workload(&self, service: ServiceName) -> Option<Workload> {
        macro_rules! workload {
            ($section:expr) => {
                Workload {
                    image: $section.image.clone(),
                    cpu: $section.cpu.get(),
                    memory: $section.memory.get(),
                    desired_count: $section.desired_count,
                    scaling: $section.scaling,
                }
            };
        }
        Some(match service {
            ServiceName::LoanApi => workload!(self.loan_api),
            ServiceName::Auth => workload!(self.auth),
            ServiceName::Scoring => workload!(self.scoring),
            ServiceName::ScoreProvider => workload!(self.score_provider.as_ref()?),
        })
    }
}

/// `NAME:TAG` of a container image; at home on a laptop the name is a program and the tag a label.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Image(
    #[schemars(
        regex(
            pattern = r"^[A-Za-z0-9._/-]+(:[0-9]+/[A-Za-z0-9._/-]+)?(:[A-Za-z0-9._-]{1,128})?(@sha256:[0-9a-f]{64})?$"
        ),
        length(max = 512),
        extend("patternErrorMessage" = "write NAME:TAG, as in scoring:0.1.0")
    )]
    pub String,
);

impl Image {
    /// The last part of the name, without registry, tag and digest: `scoring`.
    #[must_use]
    pub fn program(&self) -> &str {
        let name = self.0.rsplit('/').next().unwrap_or(&self.0);
        name.split(['@', ':']).next().unwrap_or(name)
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// ECS CPU units; which ones go with which memory is checked across fields.
pub type Cpu = Whole<256, 16_384>;
/// Task memory in MiB.
pub type Memory = Whole<512, 122_880>;

const fn default_cpu() -> Cpu {
    Cpu::new(256)
}

const fn default_memory() -> Memory {
    Memory::new(512)
}

/// Target-tracking scaling of a service's count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Scaling {
    /// Fewest tasks, 0 to 200.
    pub min_capacity: DesiredCount,
    /// Most tasks, 0 to 200; not below `minCapacity`.
    pub max_capacity: DesiredCount,
    /// Average CPU utilisation to hold, in percent.
    pub target_cpu_utilization: Whole<1, 100>,
}

/// The loan API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct LoanApi {
    /// Image to run.
    pub image: Image,
    /// ECS CPU units, 1024 to a virtual CPU. Default 256.
    #[serde(default = "default_cpu")]
    pub cpu: Cpu,
    /// Memory in MiB; Fargate takes certain pairs with `cpu`. Default 512.
    #[serde(default = "default_memory")]
    pub memory: Memory,
    /// Tasks wanted, 0 to 200. Absent: unmanaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<DesiredCount>,
    /// Automatic scaling, instead of `desiredCount`. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// Past it the client gets 202 and the decision follows. Default 750ms.
    #[serde(default = "LoanApi::default_request_deadline")]
    pub request_deadline: Span<50, 30_000>,
    /// Requests one principal may make. Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How the loan API calls the services it depends on.
    #[serde(default)]
    pub clients: LoanApiClients,
}

impl LoanApi {
    const fn default_request_deadline() -> Span<50, 30_000> {
        Span::from_millis(750)
    }
}

/// A limit on one principal's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct RateLimit {
    /// Sustained requests a second, 1 to 100000.
    pub requests_per_second: Whole<1, 100_000>,
    /// Requests that may come at once, 1 to 100000.
    pub burst: Whole<1, 100_000>,
}

/// How the loan API calls the services it depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct LoanApiClients {
    /// Calls to auth; never retried.
    pub auth: AuthClient,
    /// Calls to scoring; one per application, never retried. Part of the scoring revision.
    pub scoring: ScoringClient,
}

/// Issues and verifies bearer tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Auth {
    /// Image to run.
    pub image: Image,
    /// ECS CPU units, 1024 to a virtual CPU. Default 256.
    #[serde(default = "default_cpu")]
    pub cpu: Cpu,
    /// Memory in MiB; Fargate takes certain pairs with `cpu`. Default 512.
    #[serde(default = "default_memory")]
    pub memory: Memory,
    /// Tasks wanted, 0 to 200. Absent: unmanaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<DesiredCount>,
    /// Automatic scaling, instead of `desiredCount`. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// How long an issued token is valid. Default 1h.
    #[serde(default = "Auth::default_token_lifetime")]
    pub token_lifetime: Span<60_000, 86_400_000>,
}

impl Auth {
    const fn default_token_lifetime() -> Span<60_000, 86_400_000> {
        Span::from_millis(3_600_000)
    }
}

/// Asks the score provider. All of it but its counts is part of the scoring revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Scoring {
    /// Image to run.
    pub image: Image,
    /// ECS CPU units, 1024 to a virtual CPU. Default 256.
    #[serde(default = "default_cpu")]
    pub cpu: Cpu,
    /// Memory in MiB; Fargate takes certain pairs with `cpu`. Default 512.
    #[serde(default = "default_memory")]
    pub memory: Memory,
    /// Tasks wanted, 0 to 200. Absent: unmanaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<DesiredCount>,
    /// Automatic scaling, instead of `desiredCount`. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// How scoring calls the provider.
    pub clients: ScoringClients,
}

/// How scoring calls what it depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ScoringClients {
    /// The score provider.
    pub provider: ProviderClient,
}

/// Stand-in for the third party that scores applicants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ScoreProvider {
    /// Image to run.
    pub image: Image,
    /// ECS CPU units, 1024 to a virtual CPU. Default 256.
    #[serde(default = "default_cpu")]
    pub cpu: Cpu,
    /// Memory in MiB; Fargate takes certain pairs with `cpu`. Default 512.
    #[serde(default = "default_memory")]
    pub memory: Memory,
    /// Tasks wanted, 0 to 200. Absent: unmanaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<DesiredCount>,
    /// Automatic scaling, instead of `desiredCount`. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// How long answers take.
    #[serde(default)]
    pub latency: Latency,
    /// Answers that are errors, in percent. Default 0.
    #[serde(default)]
    pub error_rate: Percent,
    /// Requests that are never answered, in percent. Default 0.
    #[serde(default)]
    pub hang_rate: Percent,
    /// Attempts a second; beyond it latency grows, then 503. Abandoned attempts count. Absent:
    /// unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Whole<1, 100_000>>,
    /// What the contract allows; beyond it 429 with `Retry-After`. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Times in which every attempt is answered with 503. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outages: Option<Outages>,
    /// Makes its randomness repeatable. Absent: different at every start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

/// Outages that come again and again. They begin whenever the time since 1970 is a multiple of `every`, so that all
/// tasks of a provider have them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Outages {
    /// From the beginning of one to the beginning of the next.
    pub every: Span<1_000, 86_400_000>,
    /// How long each lasts; below `every`.
    pub length: Span<100, 86_400_000>,
}

/// Log-normal latency, by two of its percentiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct Latency {
    /// Half the answers are faster.
    pub p50: Span<0, 60_000>,
    /// 99 in 100 answers are faster; not below `p50`.
    pub p99: Span<0, 60_000>,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            p50: Span::from_millis(80),
            p99: Span::from_millis(400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_an_image_is_its_name_without_registry_tag_and_digest() {
        for image in [
            "scoring",
            "scoring:0.1.0",
            "registry.example:5000/lending/scoring:0.1.0",
            "registry.example/scoring@sha256:aa",
        ] {
            assert_eq!(Image(image.to_owned()).program(), "scoring", "{image}");
        }
    }
}
