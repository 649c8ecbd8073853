//! A quota as it is given on a command line: `ServiceRead=40/200`.

use std::str::FromStr;

use super::family::{Family, Limit};

/// The most calls a second, and at once, that a quota may be given as: far above any that AWS grants.
const MOST: f64 = 100_000.0;

/// A quota of this account that differs from the documented one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GivenQuota {
    /// Calls that share it.
    pub family: Family,
    /// What the account is granted.
    pub limit: Limit,
}

/// A quota that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenQuotaError {
    /// There is no `=`.
    #[error("write FAMILY=RATE or FAMILY=RATE/BURST, as in ServiceRead=40/200")]
    Form,
    /// No calls are called so.
    #[error("there is no quota `{0}`; there are {list}", list = Family::list())]
    Family(String),
    /// Not a rate.
    #[error("`{0}` is no rate: write calls a second, above 0 and up to 100000")]
    Rate(String),
    /// Not a burst.
    #[error("`{0}` is no burst: write calls at once, from 1 to 100000")]
    Burst(String),
}

impl FromStr for GivenQuota {
    type Err = GivenQuotaError;

    /// Without a burst, a second's worth may come at once.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (family, limit) = text.split_once('=').ok_or(GivenQuotaError::Form)?;
        let found = Family::ALL.into_iter().find(|it| it.name() == family);
        let family = found.ok_or_else(|| GivenQuotaError::Family(family.to_owned()))?;
        let (rate, burst) = match limit.split_once('/') {
            Some((rate, burst)) => (rate, Some(burst)),
            None => (limit, None),
        };
        let per_second = number(rate).filter(|rate| *rate > 0.0 && *rate <= MOST);
        let per_second = per_second.ok_or_else(|| GivenQuotaError::Rate(rate.to_owned()))?;
        let burst = match burst {
            Some(burst) => number(burst)
                .filter(|calls| (1.0..=MOST).contains(calls))
                .ok_or_else(|| GivenQuotaError::Burst(burst.to_owned()))?,
            None => per_second.max(1.0),
        };
        let limit = Limit { burst, per_second };
        Ok(Self { family, limit })
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_family_a_rate_and_a_burst() {
        for (text, family, per_second, burst) in [
            ("ServiceRead=40/200", Family::ServiceRead, 40.0, 200.0),
            ("PutMetricAlarm=5", Family::PutMetricAlarm, 5.0, 5.0),
            ("TagModify=0.5", Family::TagModify, 0.5, 1.0),
        ] {
            let limit = Limit { burst, per_second };
            assert_eq!(text.parse(), Ok(GivenQuota { family, limit }), "{text}");
        }
    }

    #[test]
    fn what_is_no_quota_is_refused_with_what_would_be() {
        for (text, part) in [
            ("ServiceRead", "FAMILY=RATE/BURST"),
            ("Services=40", "there are ServiceModify, ServiceRead, "),
            ("serviceread=40", "there is no quota `serviceread`"),
            ("ServiceRead=", "`` is no rate"),
            ("ServiceRead=0", "`0` is no rate"),
            ("ServiceRead=-1", "`-1` is no rate"),
            ("ServiceRead=NaN", "`NaN` is no rate"),
            ("ServiceRead=inf", "`inf` is no rate"),
            ("ServiceRead=40/0", "`0` is no burst"),
            ("ServiceRead=40/many", "`many` is no burst"),
        ] {
            let error = text.parse::<GivenQuota>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
