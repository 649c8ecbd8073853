//! What running services read: one document per service, written by the controller alone.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::names::{PlatformName, ServiceName};
use crate::platform::{
    Decision, Latency, LoanApiClients, LoanPlatformSpec, Outages, ProviderClient, RateLimit,
    ScoreProvider,
};
use crate::revision::{ScoringRevision, digest_of};
use crate::units::{Percent, Span, Whole};

/// A service's settings as they lie in `settings/PLATFORM/SERVICE.json`.
///
/// A service takes a document only when `(epoch, sequence)` is not below the one it has: a
/// controller that lost its lease cannot bring old settings back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingsDocument<S> {
    /// The platform.
    pub platform: PlatformName,
    /// The service.
    pub service: ServiceName,
    /// Term of the controller that wrote it; never falls.
    pub epoch: u64,
    /// Counts the platform's settings changes; never falls.
    pub sequence: u64,
    /// First twelve characters of the settings' SHA-256: equal settings have an equal revision.
    pub revision: String,
    /// Digest of the scoring revision that these settings belong to.
    pub scoring_revision: String,
    /// The settings themselves.
    pub settings: S,
}

impl<S> SettingsDocument<S> {
    /// What orders documents: a later term first, then a later sequence.
    #[must_use]
    pub const fn order(&self) -> (u64, u64) {
        (self.epoch, self.sequence)
    }

    fn map<T>(self, settings: impl FnOnce(S) -> T) -> SettingsDocument<T> {
        SettingsDocument {
            platform: self.platform,
            service: self.service,
            epoch: self.epoch,
            sequence: self.sequence,
            revision: self.revision,
            scoring_revision: self.scoring_revision,
            settings: settings(self.settings),
        }
    }
}

/// The settings of any one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ServiceSettings {
    /// Of loan-api.
    LoanApi(LoanApiSettings),
    /// Of scoring.
    Scoring(ScoringSettings),
    /// Of auth.
    Auth(AuthSettings),
    /// Of score-provider.
    ScoreProvider(ScoreProviderSettings),
}

/// Settings of loan-api.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoanApiSettings {
    /// Past it the client gets 202 and the decision follows.
    pub request_deadline: Span<50, 30_000>,
    /// Requests one principal may make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How it calls auth and scoring.
    pub clients: LoanApiClients,
    /// The credit policy.
    pub decision: Decision,
}

/// Settings of auth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthSettings {
    /// How long an issued token is valid.
    pub token_lifetime: Span<60_000, 86_400_000>,
}

/// Settings of scoring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScoringSettings {
    /// How it calls the provider.
    pub provider: ProviderClient,
    /// The credit policy, for the risk band of a score.
    pub decision: Decision,
}

/// Settings of score-provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScoreProviderSettings {
    /// How long answers take.
    pub latency: Latency,
    /// Answers that are errors, in percent.
    pub error_rate: Percent,
    /// Requests that are never answered, in percent.
    pub hang_rate: Percent,
    /// Attempts a second; absent: unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Whole<1, 100_000>>,
    /// Attempts that it takes before 429; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Times in which it answers nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outages: Option<Outages>,
    /// Makes its randomness repeatable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

impl From<&ScoreProvider> for ScoreProviderSettings {
    fn from(section: &ScoreProvider) -> Self {
        Self {
            latency: section.latency,
            error_rate: section.error_rate,
            hang_rate: section.hang_rate,
            capacity: section.capacity,
            rate_limit: section.rate_limit,
            outages: section.outages,
            seed: section.seed,
        }
    }
}

impl ServiceSettings {
    /// The settings of `service` under `spec`, with the scoring half taken from `revision`; nothing
    /// where the platform does not have the service.
    #[must_use]
    pub fn of(
        service: ServiceName,
        spec: &LoanPlatformSpec,
        revision: &ScoringRevision,
    ) -> Option<Self> {
        let scoring = &revision.settings;
        Some(match service {
            ServiceName::LoanApi => Self::LoanApi(LoanApiSettings {
                request_deadline: spec.services.loan_api.request_deadline,
                rate_limit: spec.services.loan_api.rate_limit,
                clients: LoanApiClients {
                    auth: spec.services.loan_api.clients.auth,
                    scoring: scoring.loan_api_client,
                },
                decision: scoring.decision.clone(),
            }),
            ServiceName::Auth => Self::Auth(AuthSettings {
                token_lifetime: spec.services.auth.token_lifetime,
            }),
            ServiceName::Scoring => Self::Scoring(ScoringSettings {
                provider: scoring.clients.provider.clone(),
                decision: scoring.decision.clone(),
            }),
            ServiceName::ScoreProvider => {
                Self::ScoreProvider(spec.services.score_provider.as_ref()?.into())
            }
        })
    }

    /// The settings document of `service` in `json`.
    ///
    /// # Errors
    /// When it is not a document with the settings of that service.
    pub fn read(
        service: ServiceName,
        json: &[u8],
    ) -> Result<SettingsDocument<Self>, serde_json::Error> {
        Ok(match service {
            ServiceName::LoanApi => document(json)?.map(Self::LoanApi),
            ServiceName::Auth => document(json)?.map(Self::Auth),
            ServiceName::Scoring => document(json)?.map(Self::Scoring),
            ServiceName::ScoreProvider => document(json)?.map(Self::ScoreProvider),
        })
    }

    /// First twelve characters of the SHA-256 of the content.
    #[must_use]
    pub fn revision(&self) -> String {
        digest_of(self).chars().take(12).collect()
    }
}

fn document<S: DeserializeOwned>(json: &[u8]) -> Result<SettingsDocument<S>, serde_json::Error> {
    serde_json::from_slice(json)
}
