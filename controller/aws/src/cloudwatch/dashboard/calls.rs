//! The calls: looks as little urgent as any, and changes made once.

use std::sync::Arc;

use aws_sdk_cloudwatch::Client;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::ports::{PortError, Urgency};
use serde_json::Value;

use super::PREFIX;
use crate::caller::{Call, Caller};
use crate::failure::port_error;
use crate::paging::{Page, all_pages};
use crate::quota::Family;

/// There is no such dashboard.
const NOT_FOUND: [&str; 2] = ["ResourceNotFound", "DashboardNotFoundError"];
/// Pages of a listing that are read at most, of a thousand dashboards each.
const MAX_PAGES: usize = 100;

#[derive(Debug)]
pub(super) struct Calls {
    pub(super) client: Client,
    pub(super) caller: Arc<Caller>,
}

impl Calls {
    /// The names of all dashboards of the controller.
    pub(super) async fn names(&self) -> Result<Vec<String>, PortError> {
        let call = Call {
            family: Family::Dashboards,
            permission: "cloudwatch:ListDashboards",
            action: "list dashboards".to_owned(),
        };
        let request = self.client.list_dashboards().dashboard_name_prefix(PREFIX);
        let (call, request) = (&call, &request);
        let entries = all_pages(MAX_PAGES, "dashboards", |from| async move {
            let request = request.clone().set_next_token(from);
            let send = || request.clone().send();
            let answer = self.caller.read(call, Urgency::Resync, send).await?;
            Ok(Page {
                items: answer.dashboard_entries.unwrap_or_default(),
                next: answer.next_token,
            })
        });
        let entries = entries.await?.into_iter();
        Ok(entries.filter_map(|entry| entry.dashboard_name).collect())
    }

    /// The body that is there, if there is one. One that is no JSON is as good as an empty one.
    pub(super) async fn read(&self, name: &str) -> Result<Option<Value>, PortError> {
        let permit = self.caller.permit(&[Family::Dashboards], Urgency::Resync);
        permit.await.begin();
        let sent = self.client.get_dashboard().dashboard_name(name).send();
        // That there is none is no failure, which a read would make of it.
        match self.caller.change(Family::Dashboards, sent).await {
            Ok(found) => {
                let body = found.dashboard_body().unwrap_or_default();
                Ok(Some(serde_json::from_str(body).unwrap_or_default()))
            }
            Err(error) if is_not_found(error.code()) => Ok(None),
            Err(error) => {
                let action = format!("read dashboard {name}");
                Err(port_error(&action, "cloudwatch:GetDashboard", error))
            }
        }
    }

    pub(super) async fn write(&self, name: &str, body: &Value) -> Result<(), PortError> {
        let request = self.client.put_dashboard().dashboard_name(name);
        let sent = request.dashboard_body(body.to_string()).send();
        let written = self.caller.change(Family::Dashboards, sent).await;
        written.map(drop).map_err(|error| {
            let action = format!("write dashboard {name}");
            port_error(&action, "cloudwatch:PutDashboard", error)
        })
    }

    /// That it is not there is no error.
    pub(super) async fn remove(&self, name: &str) -> Result<(), PortError> {
        let sent = self.client.delete_dashboards().dashboard_names(name).send();
        match self.caller.change(Family::Dashboards, sent).await {
            Ok(_) => Ok(()),
            Err(error) if is_not_found(error.code()) => Ok(()),
            Err(error) => {
                let action = format!("remove dashboard {name}");
                Err(port_error(&action, "cloudwatch:DeleteDashboards", error))
            }
        }
    }
}

fn is_not_found(code: Option<&str>) -> bool {
    code.is_some_and(|code| NOT_FOUND.contains(&code))
}
