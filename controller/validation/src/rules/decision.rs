//! The credit policy.

use std::collections::BTreeSet;

use schema::LoanPlatformSpec;

use crate::finding::Finding;
use crate::path::FieldPath;

/// Bands stand by strictly falling score, each under a name of its own.
pub(super) fn bands_fall_and_have_one_name_each(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let bands = &spec.decision.bands;
    let path = |index: usize| FieldPath::from("spec.decision.bands").item(index);
    let mut findings = Vec::new();
    for (index, pair) in bands.windows(2).enumerate() {
        let (above, below) = (pair[0].min_score, pair[1].min_score);
        if below >= above {
            let message =
                format!("minScore {below} is not below {above}, that of the band above it");
            findings.push(
                Finding::error(path(index + 1).key("minScore"), message)
                    .found(&below)
                    .allowed(format!("less than {above}"))
                    .help("order the bands by falling score"),
            );
        }
    }
    let mut seen = BTreeSet::new();
    for (index, band) in bands.iter().enumerate() {
        if !seen.insert(&band.risk_band.0) {
            let message = format!("risk band `{}` stands here a second time", band.risk_band);
            findings.push(
                Finding::error(path(index).key("riskBand"), message).allowed("a name of its own"),
            );
        }
    }
    findings
}
