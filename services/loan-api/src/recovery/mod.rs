//! Applications that were left undecided are taken up again, until each is decided or left to people.

mod pace;

use std::time::Duration;

use pace::Pace;
use service_kit::trace::{self, TraceContext};
use service_kit::with_causes;

use crate::processing::{Obstacle, Processor, Undecidable};
use crate::scoring::Purpose;
use crate::store::{Store, StoreError, Undecided};

/// Between looks when there is nothing to do.
const PAUSE: Duration = Duration::from_millis(500);
/// Refusals after which trying again is no use.
const MAX_REFUSALS: i32 = 5;
/// Age at which an application is left to people, whatever stands in its way.
const MAX_AGE: Duration = Duration::from_hours(24);

/// Works for ever.
pub(crate) async fn run(store: Store, processor: Processor) {
    let mut pace = Pace::default();
    loop {
        let pause = match recover_one(&store, &processor).await {
            Ok(Progress::None) => PAUSE,
            Ok(Progress::Decided) => {
                pace.decided();
                pace.pause()
            }
            Ok(Progress::InVain) => {
                pace.in_vain();
                pace.pause()
            }
            Ok(Progress::LeftAlone) => {
                pace.left_alone();
                PAUSE
            }
            Err(error) => {
                tracing::warn!(%error, "undecided applications cannot be looked after");
                PAUSE
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// What a look has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// There was nothing to do.
    None,
    Decided,
    InVain,
    /// Nobody is asked at present.
    LeftAlone,
}

/// What becomes of an application that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    GiveBack,
    Rest { refused: bool },
    LeaveToPeople { reason: String },
}

async fn recover_one(store: &Store, processor: &Processor) -> Result<Progress, StoreError> {
    // While its breaker is open, every one would only be taken and given back.
    if processor.scoring_is_left_alone() {
        return Ok(Progress::LeftAlone);
    }
    let Some(undecided) = store.lease_undecided(processor.lease()).await? else {
        return Ok(Progress::None);
    };
    let (context, _span) = TraceContext::resume(&undecided.trace_id).work("recover");
    let work = recover(store, processor, &undecided);
    context.scope(trace::span(&context), work).await
}

async fn recover(
    store: &Store,
    processor: &Processor,
    undecided: &Undecided,
) -> Result<Progress, StoreError> {
    let application_id = &undecided.application_id;
    let processed = processor.process(application_id, &undecided.request, Purpose::Recovery);
    match processed.await {
        Ok(_) => {
            tracing::info!(application_id, "undecided application recovered");
            Ok(Progress::Decided)
        }
        Err(Undecidable::DecidedElsewhere) => Ok(Progress::Decided),
        Err(error) => {
            let next = next(undecided, error.obstacle(), &error);
            go_on(store, application_id, next, &error).await?;
            Ok(Progress::InVain)
        }
    }
}

async fn go_on(
    store: &Store,
    application_id: &str,
    next: Next,
    error: &Undecidable,
) -> Result<(), StoreError> {
    match next {
        Next::GiveBack => store.give_back(application_id).await,
        Next::Rest { refused } => {
            tracing::info!(application_id, %error, "application still undecided");
            store.rest(application_id, refused).await
        }
        Next::LeaveToPeople { reason } => {
            tracing::error!(application_id, reason, "application needs review by people");
            store.leave_to_people(application_id, &reason).await
        }
    }
}

/// Nobody is rejected because something broke; what cannot be decided is left to people, and says why.
fn next(undecided: &Undecided, obstacle: Obstacle, why: &dyn std::error::Error) -> Next {
    let refused = obstacle == Obstacle::Refusal;
    if refused && undecided.refusals + 1 >= MAX_REFUSALS {
        let reason = format!("refused {MAX_REFUSALS} times, last: {}", with_causes(why));
        return Next::LeaveToPeople { reason };
    }
    if undecided.age >= MAX_AGE {
        let hours = MAX_AGE.as_secs() / 3_600;
        let reason = format!("undecided for {hours} hours, last: {}", with_causes(why));
        return Next::LeaveToPeople { reason };
    }
    match obstacle {
        Obstacle::NotTried => Next::GiveBack,
        Obstacle::Outage | Obstacle::Refusal => Next::Rest { refused },
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::application::LoanRequest;

    fn undecided(refusals: i32, age: Duration) -> Undecided {
        Undecided {
            application_id: "app-1".to_owned(),
            request: LoanRequest {
                user_id: "user-1".to_owned(),
                amount: Decimal::ONE_HUNDRED,
                term_months: 12,
                income: Decimal::ONE_HUNDRED,
            },
            trace_id: String::new(),
            refusals,
            age,
        }
    }

    fn next_of(refusals: i32, age: Duration, obstacle: Obstacle) -> Next {
        let why = std::io::Error::other("it is so");
        next(&undecided(refusals, age), obstacle, &why)
    }

    #[test]
    fn an_outage_is_waited_out_for_a_day_and_refusals_are_not() {
        let young = Duration::from_mins(1);
        for (refusals, age, obstacle, expected) in [
            (0, young, Obstacle::NotTried, Next::GiveBack),
            (9, young, Obstacle::Outage, Next::Rest { refused: false }),
            (3, young, Obstacle::Refusal, Next::Rest { refused: true }),
        ] {
            assert_eq!(next_of(refusals, age, obstacle), expected, "{obstacle:?}");
        }
    }

    #[test]
    fn who_is_left_to_people_is_told_why() {
        let young = Duration::from_mins(1);
        let refused = "refused 5 times, last: it is so";
        let old = "undecided for 24 hours, last: it is so";
        for (refusals, age, obstacle, reason) in [
            (4, young, Obstacle::Refusal, refused),
            (0, MAX_AGE, Obstacle::Outage, old),
            (0, MAX_AGE, Obstacle::NotTried, old),
        ] {
            let reason = reason.to_owned();
            let expected = Next::LeaveToPeople { reason };
            assert_eq!(next_of(refusals, age, obstacle), expected, "{obstacle:?}");
        }
    }
}
