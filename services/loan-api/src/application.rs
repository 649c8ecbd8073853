//! A loan application as a client sends it, and the rules it must keep.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use service_kit::Problem;
use utoipa::ToSchema;
use utoipa::openapi::Object;
use utoipa::openapi::schema::{OneOfBuilder, Schema, Type};

/// Longest text taken for a number: none in range is longer.
const MAX_NUMBER_LENGTH: usize = 32;

/// A valid application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoanRequest {
    /// Who applies.
    pub user_id: String,
    /// Sum applied for, with at most two decimals.
    pub amount: Decimal,
    /// Months to pay it back in.
    pub term_months: i32,
    /// Monthly income, with at most two decimals.
    pub income: Decimal,
}

/// An application for a loan.
// Read but not checked. Money stays text until it is decimal: no binary fraction ever comes between.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Application)]
pub struct LoanRequestBody {
    /// Who applies.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = "^[^\\u0000]*$",
        example = "user-1"
    )]
    user_id: String,
    /// Sum applied for, 100 to 1000000.
    #[schema(schema_with = amount_schema)]
    amount: Box<RawValue>,
    /// Months to pay it back in.
    #[schema(value_type = u16, minimum = 3, maximum = 360, example = 24)]
    term_months: Box<RawValue>,
    /// Monthly income, 0 to 10000000.
    #[schema(schema_with = income_schema)]
    income: Box<RawValue>,
}

fn amount_schema() -> Schema {
    let decimal = r"^(1000000(\.0{1,2})?|[1-9][0-9]{2,5}(\.[0-9]{1,2})?)$";
    money_schema("Sum applied for", 100, 1_000_000, decimal)
}

fn income_schema() -> Schema {
    let decimal = r"^(10000000(\.0{1,2})?|(0|[1-9][0-9]{0,6})(\.[0-9]{1,2})?)$";
    money_schema("Monthly income", 0, 10_000_000, decimal)
}

/// A whole number, or a string with at most two decimals.
fn money_schema(what: &str, min: u32, max: u32, decimal: &str) -> Schema {
    let whole = Object::builder()
        .schema_type(Type::Integer)
        .minimum(Some(min))
        .maximum(Some(max));
    let text = Object::builder()
        .schema_type(Type::String)
        .pattern(Some(decimal));
    OneOfBuilder::new()
        .item(whole)
        .item(text)
        .description(Some(format!(
            "{what}: a whole number, or a string with at most two decimals."
        )))
        .into()
}

/// What an application must keep, and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Nobody, or too long a name.
    #[error("userId must have 1 to 100 characters, NUL not among them")]
    UserId,
    /// Too little or too much.
    #[error(
        "amount must be from 100 to 1000000: a whole number, or a string with at most 2 decimals"
    )]
    Amount,
    /// Too short or too long.
    #[error("termMonths must be a whole number from 3 to 360")]
    TermMonths,
    /// Negative or too much.
    #[error(
        "income must be from 0 to 10000000: a whole number, or a string with at most 2 decimals"
    )]
    Income,
}

impl Violation {
    /// The field at fault.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::UserId => "userId",
            Self::Amount => "amount",
            Self::TermMonths => "termMonths",
            Self::Income => "income",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::UserId => "INVALID_USER_ID",
            Self::Amount => "INVALID_AMOUNT",
            Self::TermMonths => "INVALID_TERM_MONTHS",
            Self::Income => "INVALID_INCOME",
        }
    }
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        Self::unprocessable(violation.code(), violation.to_string()).with_field(violation.field())
    }
}

impl TryFrom<LoanRequestBody> for LoanRequest {
    type Error = Violation;

    fn try_from(body: LoanRequestBody) -> Result<Self, Violation> {
        let characters = body.user_id.chars().count();
        // PostgreSQL's text takes no NUL.
        if !(1..=100).contains(&characters) || body.user_id.contains('\0') {
            return Err(Violation::UserId);
        }
        let amount = money(&body.amount, 100, 1_000_000).ok_or(Violation::Amount)?;
        let term_months = months(&body.term_months).ok_or(Violation::TermMonths)?;
        let income = money(&body.income, 0, 10_000_000).ok_or(Violation::Income)?;
        Ok(Self {
            user_id: body.user_id,
            amount,
            term_months,
            income,
        })
    }
}

/// The months, when they are a whole JSON number in range; `24.0` is one, and some programs write it so.
fn months(raw: &RawValue) -> Option<i32> {
    let text = raw.get();
    if !is_plain(text) {
        return None;
    }
    let months = Decimal::from_str_exact(text).ok()?.normalize();
    let months = i32::try_from(months).ok().filter(|_| months.scale() == 0)?;
    (3..=360).contains(&months).then_some(months)
}

/// The sum, when it is between `min` and `max`, both included: a whole JSON number, or a string with at most two
/// decimals.
fn money(raw: &RawValue, min: u32, max: u32) -> Option<Decimal> {
    let text = raw.get();
    if text.len() > MAX_NUMBER_LENGTH {
        return None;
    }
    let quoted: Option<String> = serde_json::from_str(text).ok();
    let is_number = quoted.is_none();
    let text = quoted.as_deref().unwrap_or(text);
    if !is_plain(text) {
        return None;
    }
    let sum = Decimal::from_str_exact(text).ok()?.normalize();
    let in_range = Decimal::from(min) <= sum && sum <= Decimal::from(max);
    // A fraction in a JSON number has been a binary one in most programs that write it.
    (in_range && !(is_number && sum.scale() > 0)).then_some(sum)
}

/// Digits without a zero in front, and at most two decimals: what a person would write, and nothing that reads in two
/// ways.
fn is_plain(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole)
        && is_digits(fraction)
        && fraction.len() <= 2
        && (whole == "0" || !whole.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn body() -> Value {
        json!({"userId": "user-1", "amount": 5000, "termMonths": 24, "income": "3200.50"})
    }

    fn parsed(body: &str) -> Result<LoanRequest, Violation> {
        serde_json::from_str::<LoanRequestBody>(body)
            .unwrap()
            .try_into()
    }

    #[test]
    fn money_is_taken_exactly_from_numbers_and_strings() {
        for (written, exact) in [
            ("5000", "5000"),
            ("5000.0", "5000"),
            ("\"100.10\"", "100.1"),
            ("1000000.00", "1000000"),
            ("\"100\"", "100"),
        ] {
            let text = body().to_string().replace("5000", written);
            assert_eq!(
                parsed(&text).unwrap().amount.to_string(),
                exact,
                "{written}"
            );
        }
    }

    #[test]
    fn months_are_whole_however_they_are_written() {
        for written in ["36", "36.0"] {
            let text = body().to_string().replace("24", written);
            assert_eq!(parsed(&text).unwrap().term_months, 36, "{written}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_field() {
        for (field, value, violation) in [
            ("userId", json!(""), Violation::UserId),
            ("userId", json!("x".repeat(101)), Violation::UserId),
            ("userId", json!("a\0b"), Violation::UserId),
            ("amount", json!(99), Violation::Amount),
            ("amount", json!(100.5), Violation::Amount),
            ("amount", json!("0100"), Violation::Amount),
            ("amount", json!("1000000.01"), Violation::Amount),
            ("amount", json!("100.001"), Violation::Amount),
            ("amount", json!("NaN"), Violation::Amount),
            ("amount", json!(true), Violation::Amount),
            ("amount", json!("1e3"), Violation::Amount),
            ("amount", json!("+100"), Violation::Amount),
            ("amount", json!("1_000"), Violation::Amount),
            ("amount", json!("100."), Violation::Amount),
            ("amount", json!(" 100"), Violation::Amount),
            ("amount", json!(1e25), Violation::Amount),
            ("amount", json!("9".repeat(400)), Violation::Amount),
            ("termMonths", json!(2), Violation::TermMonths),
            ("termMonths", json!(361), Violation::TermMonths),
            ("termMonths", json!(24.5), Violation::TermMonths),
            ("termMonths", json!("24"), Violation::TermMonths),
            (
                "termMonths",
                json!(4_294_967_300_i64),
                Violation::TermMonths,
            ),
            ("income", json!(-1), Violation::Income),
            ("income", json!("10000000.01"), Violation::Income),
            ("income", json!(null), Violation::Income),
        ] {
            let mut body = body();
            body[field] = value.clone();
            assert_eq!(
                parsed(&body.to_string()),
                Err(violation),
                "{field}: {value}"
            );
        }
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let mut body = body();
        body["admin"] = json!(true);
        assert!(serde_json::from_str::<LoanRequestBody>(&body.to_string()).is_err());
    }
}
