//! Dashboards: one a platform, with the golden signals of its services and of what they stand on.

mod graphs;
mod layout;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::ports::{PortError, Urgency};
use schema::infrastructure::Surroundings;
use schema::names::PlatformName;
use serde_json::Value;

use super::measure::Place;
use crate::caller::Caller;
use crate::failure::port_error;
use crate::quota::Family;

/// There is no such dashboard.
const NOT_FOUND: [&str; 2] = ["ResourceNotFound", "DashboardNotFoundError"];

/// The name of a platform's dashboard. Source: Amazon CloudWatch API Reference, `PutDashboard`: letters, digits,
/// dashes and underscores.
pub(super) fn name(platform: &PlatformName) -> String {
    format!("LoanPlatform-{platform}")
}

/// The body of a platform's dashboard: the same for the same arguments. `region` is where its metrics are.
///
/// Format: Amazon CloudWatch API Reference, "Dashboard Body Structure and Syntax".
pub(crate) fn body(platform: &PlatformName, surroundings: &Surroundings, region: &str) -> Value {
    let place = Place {
        platform,
        surroundings,
    };
    layout::body(&graphs::sections(place), region)
}

/// Writes the dashboard of `platform`, unless it has this body already.
///
/// # Errors
/// When it cannot be read or written.
pub(crate) async fn put_dashboard(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    platform: &PlatformName,
    body: &Value,
    urgency: Urgency,
) -> Result<(), PortError> {
    let name = name(platform);
    if read(client, caller, &name, urgency).await?.as_ref() == Some(body) {
        return Ok(());
    }
    caller.permit(&[Family::Dashboards], urgency).await.begin();
    let request = client.put_dashboard().dashboard_name(&name);
    let sent = request.dashboard_body(body.to_string()).send();
    let written = caller.change(Family::Dashboards, sent).await;
    written.map_err(|error| {
        let action = format!("write dashboard {name}");
        port_error(&action, "cloudwatch:PutDashboard", error)
    })?;
    Ok(())
}

/// The body that is there, if there is one. One that is no JSON is as good as none.
async fn read(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    name: &str,
    urgency: Urgency,
) -> Result<Option<Value>, PortError> {
    caller.permit(&[Family::Dashboards], urgency).await.begin();
    let sent = client.get_dashboard().dashboard_name(name).send();
    // That there is none is no failure, which a read would make of it.
    match caller.change(Family::Dashboards, sent).await {
        Ok(found) => Ok(found
            .dashboard_body()
            .and_then(|body| serde_json::from_str(body).ok())),
        Err(error) if error.code().is_some_and(|code| NOT_FOUND.contains(&code)) => Ok(None),
        Err(error) => {
            let action = format!("read dashboard {name}");
            Err(port_error(&action, "cloudwatch:GetDashboard", error))
        }
    }
}
