//! Evaluation: from datapoints to a state, by CloudWatch's rules.
//!
//! Source: Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data", with
//! its section "Avoiding premature transitions to alarm state". The tables of that chapter are the
//! tests of this module.
//!
//! Percentiles of few samples are judged like any other value: that is what CloudWatch does unless it
//! is told to ignore them (`EvaluateLowSampleCountPercentile`), which alarms here cannot say. Their
//! `minSamples` does it better: it makes such a datapoint a missing one.

use schema::platform::TreatMissingData;
use schema::status::AlarmState;

/// Datapoints looked at beyond `evaluationPeriods`, in case some are missing.
///
/// CloudWatch says only that the number depends on period and resolution; its examples look at five
/// datapoints for three evaluation periods.
pub const EXTRA_DATAPOINTS: usize = 2;

/// What one datapoint is to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// There is none, or it rests on too few samples.
    Missing,
    /// Within the threshold.
    Within,
    /// Beyond the threshold.
    Breaching,
}

/// When an alarm fires: M of N, and what missing datapoints mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// N: datapoints judged.
    pub evaluation_periods: usize,
    /// M: datapoints among them that must breach.
    pub datapoints_to_alarm: usize,
    /// What a missing datapoint means.
    pub treat_missing_data: TreatMissingData,
}

/// What came of a judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The state that follows; absent: the one the alarm is in.
    pub state: Option<AlarmState>,
    /// Places, in the datapoints judged, of those that breach or are taken to, oldest first.
    pub breaching: Vec<usize>,
    /// Datapoints judged: real ones, and missing ones filled in.
    pub judged: usize,
}

impl Rule {
    /// M of N; neither is less than one.
    #[must_use]
    pub fn new(
        evaluation_periods: u32,
        datapoints_to_alarm: u32,
        treat_missing_data: TreatMissingData,
    ) -> Self {
        let at_least_one = |count| usize::try_from(count).unwrap_or(usize::MAX).max(1);
        Self {
            evaluation_periods: at_least_one(evaluation_periods),
            datapoints_to_alarm: at_least_one(datapoints_to_alarm),
            treat_missing_data,
        }
    }

    /// Datapoints that a judgement looks at: the evaluation range.
    #[must_use]
    pub const fn range(&self) -> usize {
        self.evaluation_periods.saturating_add(EXTRA_DATAPOINTS)
    }

    /// Judges the datapoints of an evaluation range, oldest first.
    ///
    /// With at least N real datapoints the newest N decide. With fewer, all real ones do, and the
    /// newest missing ones are filled in up to N by what they are to mean.
    #[must_use]
    pub fn judge(&self, range: &[Category]) -> Verdict {
        let judged = self.judged(range);
        let real = range.iter().filter(|it| **it != Category::Missing).count();
        let fills = self.treat_missing_data == TreatMissingData::Breaching;
        let breaching: Vec<usize> = judged
            .iter()
            .copied()
            .filter(|place| match range[*place] {
                Category::Breaching => true,
                Category::Missing => fills,
                Category::Within => false,
            })
            .collect();
        let state = if breaching.len() >= self.datapoints_to_alarm {
            Some(AlarmState::Alarm)
        } else if real >= self.evaluation_periods || range.contains(&Category::Within) {
            Some(AlarmState::Ok)
        } else {
            self.without_a_good_one(range, &breaching)
        };
        Verdict {
            state,
            breaching,
            judged: judged.len(),
        }
    }

    /// Places of the datapoints that are judged, oldest first.
    fn judged(&self, range: &[Category]) -> Vec<usize> {
        let newest = |wanted: fn(&Category) -> bool, count: usize| {
            let places = (0..range.len())
                .rev()
                .filter(move |place| wanted(&range[*place]));
            places.take(count).collect::<Vec<_>>()
        };
        let mut places = newest(|it| *it != Category::Missing, self.evaluation_periods);
        let is_filled = matches!(
            self.treat_missing_data,
            TreatMissingData::Breaching | TreatMissingData::NotBreaching
        );
        if is_filled {
            let lacking = self.evaluation_periods.saturating_sub(places.len());
            places.extend(newest(|it| *it == Category::Missing, lacking));
        }
        places.sort_unstable();
        places
    }

    /// Fewer real datapoints than N, fewer than M that breach, and none within the threshold.
    ///
    /// Under `Missing` the alarm fires all the same when the oldest that breaches is at least M
    /// datapoints old: it had its time to be followed by a good one. A younger one is too little to
    /// say anything: earlier editions of the chapter give `INSUFFICIENT_DATA` for it in a table of
    /// their own, later ones only that the alarm does not fire yet.
    fn without_a_good_one(&self, range: &[Category], breaching: &[usize]) -> Option<AlarmState> {
        match self.treat_missing_data {
            TreatMissingData::Ignore => None,
            // Breaching would have fired unless there are fewer datapoints than M in all.
            TreatMissingData::Breaching | TreatMissingData::NotBreaching => Some(AlarmState::Ok),
            TreatMissingData::Missing => {
                let oldest_age = breaching.first().map(|place| range.len() - place);
                if oldest_age.is_some_and(|age| age >= self.datapoints_to_alarm) {
                    Some(AlarmState::Alarm)
                } else {
                    Some(AlarmState::InsufficientData)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
