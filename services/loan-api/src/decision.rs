//! The credit policy applied to one application: pure arithmetic, in decimals.

use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};
use schema::platform::Decision as Policy;

use crate::application::LoanRequest;

/// What becomes of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Approved, at a yearly interest rate in percent.
    Approved {
        /// The rate, with two decimals.
        interest_rate: Decimal,
    },
    /// Rejected.
    Rejected {
        /// Why.
        reason: RejectionReason,
    },
}

/// Why an application is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionReason {
    /// The score is below the last band.
    ScoreTooLow,
    /// The monthly payment would take too much of the income.
    PaymentTooHigh,
}

impl RejectionReason {
    /// The reason as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScoreTooLow => "SCORE_TOO_LOW",
            Self::PaymentTooHigh => "PAYMENT_TOO_HIGH",
        }
    }
}

/// Decides `request` with `score`: approved when the score reaches a band, and the monthly payment
/// at that band's rate takes at most `maxPaymentToIncome` percent of the income.
#[must_use]
pub fn decide(request: &LoanRequest, score: u32, policy: &Policy) -> Verdict {
    let Some(band) = policy.band(score) else {
        return Verdict::Rejected {
            reason: RejectionReason::ScoreTooLow,
        };
    };
    let interest_rate = band.interest_rate.percent();
    let affordable =
        request.income * Decimal::from(policy.max_payment_to_income.get()) / Decimal::ONE_HUNDRED;
    match monthly_payment(request.amount, interest_rate, request.term_months) {
        Some(payment) if payment <= affordable => Verdict::Approved { interest_rate },
        _ => Verdict::Rejected {
            reason: RejectionReason::PaymentTooHigh,
        },
    }
}

/// The monthly payment of an annuity loan, rounded to cents, halves up, as it would be billed:
/// `amount × r / (1 − (1 + r)^−months)` with the monthly rate `r = yearly percent / 1200`.
///
/// Nothing where the sum does not fit, which no application in range makes happen.
#[must_use]
pub fn monthly_payment(amount: Decimal, yearly_percent: Decimal, months: i32) -> Option<Decimal> {
    let rate = yearly_percent.checked_div(Decimal::from(1_200))?;
    let payment = if rate.is_zero() {
        amount.checked_div(Decimal::from(months))?
    } else {
        let growth = (Decimal::ONE + rate).checked_powi(i64::from(months))?;
        // The formula above with both sides multiplied by the growth: it has no tiny intermediate
        // value to lose digits in.
        let numerator = amount.checked_mul(rate)?.checked_mul(growth)?;
        numerator.checked_div(growth - Decimal::ONE)?
    };
    Some(payment.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn policy() -> Policy {
        serde_json::from_value(serde_json::json!({ "bands": [
            { "riskBand": "LOW", "minScore": 700, "interestRate": "11.90" },
            { "riskBand": "MEDIUM", "minScore": 620, "interestRate": "17.50" },
        ]}))
        .unwrap()
    }

    fn request(amount: &str, term_months: i32, income: &str) -> LoanRequest {
        LoanRequest {
            user_id: "user-1".to_owned(),
            amount: decimal(amount),
            term_months,
            income: decimal(income),
        }
    }

    #[test]
    fn the_payment_is_that_of_an_annuity_loan() {
        for (amount, percent, months, payment) in [
            ("10000", "12.00", 12, "888.49"),
            ("200000", "6.00", 360, "1199.10"),
            ("1200", "0.00", 12, "100.00"),
            ("100", "11.90", 3, "34.00"),
        ] {
            assert_eq!(
                monthly_payment(decimal(amount), decimal(percent), months),
                Some(decimal(payment)),
                "{amount} at {percent} over {months}"
            );
        }
    }

    #[test]
    fn the_band_of_the_score_sets_the_rate_and_below_the_last_one_is_rejected() {
        let request = request("5000", 24, "3200");
        for (score, rate) in [(700, Some("11.90")), (699, Some("17.50")), (619, None)] {
            let verdict = rate.map_or(
                Verdict::Rejected {
                    reason: RejectionReason::ScoreTooLow,
                },
                |rate| Verdict::Approved {
                    interest_rate: decimal(rate),
                },
            );
            assert_eq!(decide(&request, score, &policy()), verdict, "{score}");
        }
    }

    #[test]
    fn a_payment_of_exactly_the_share_is_affordable_and_a_cent_more_is_not() {
        let payment = monthly_payment(decimal("5000"), decimal("11.90"), 24).unwrap();
        let just_enough = payment * decimal("2.5");
        let approved = |income: Decimal| {
            let request = LoanRequest {
                income,
                ..request("5000", 24, "0")
            };
            matches!(decide(&request, 700, &policy()), Verdict::Approved { .. })
        };
        assert!(approved(just_enough));
        assert!(!approved(just_enough - decimal("0.01")));
        assert!(!approved(Decimal::ZERO));
    }

    proptest! {
        #[test]
        fn every_legal_application_has_a_payment_that_pays_it_back(
            amount in 100_u32..=1_000_000,
            months in 3_i32..=360,
            basis_points in 0_i64..=9_999,
        ) {
            let payment =
                monthly_payment(amount.into(), Decimal::new(basis_points, 2), months).unwrap();
            // Within the rounding of a cent a month.
            let paid = payment * Decimal::from(months) + Decimal::new(i64::from(months), 2);
            prop_assert!(paid >= Decimal::from(amount));
        }
    }
}
