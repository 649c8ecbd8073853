//! Verifying what the controller may do in the account.

use aws_smithy_types::DateTime;
use engine::ports::PortError;
use schema::infrastructure::Infrastructure;

use super::Finding;
use crate::cloudwatch::PREFIX;
use crate::connection::Connection;
use crate::failure::port_error;

/// A service of nobody.
const NOBODY: &str = "loanctl-verify";
/// An alarm of nobody, removed at once.
const PROBE: &str = "LoanPlatform/verify/probe";
/// A dashboard of nobody, removed at once: no platform may be called so.
const PROBE_DASHBOARD: &str = "LoanPlatform-_verify";

pub(super) async fn findings(
    connection: &Connection,
    infrastructure: &Infrastructure,
) -> Vec<Finding> {
    let cluster = &infrastructure.defaults.cluster;
    vec![
        Finding::new("read services", services(connection, cluster).await),
        Finding::new("read alarms", alarms(connection).await),
        Finding::new("write alarms", write_an_alarm(connection).await),
        Finding::new("read metrics", metrics(connection).await),
        Finding::new("write dashboards", write_a_dashboard(connection).await),
    ]
}

async fn services(connection: &Connection, cluster: &str) -> Result<String, PortError> {
    let asked = connection
        .ecs
        .describe_services()
        .cluster(cluster)
        .services(NOBODY);
    let action = format!("read the services of cluster {cluster}");
    asked
        .send()
        .await
        .map_err(|error| port_error(&action, "ecs:DescribeServices", error))?;
    Ok(format!("cluster {cluster} answers"))
}

async fn alarms(connection: &Connection) -> Result<String, PortError> {
    let asked = connection
        .cloudwatch
        .describe_alarms()
        .alarm_name_prefix(PREFIX);
    let answer = asked.max_records(100).send().await;
    let answer =
        answer.map_err(|error| port_error("read alarms", "cloudwatch:DescribeAlarms", error))?;
    let count = answer.metric_alarms().len();
    let more = if answer.next_token().is_some() {
        " and more"
    } else {
        ""
    };
    Ok(format!("{count}{more} alarms of platforms"))
}

async fn write_an_alarm(connection: &Connection) -> Result<String, PortError> {
    let put = connection
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(PROBE)
        .alarm_description("Made and removed by loanctl verify")
        .namespace("LoanPlatform")
        .metric_name("Verify")
        .statistic(aws_sdk_cloudwatch::types::Statistic::Sum)
        .comparison_operator(aws_sdk_cloudwatch::types::ComparisonOperator::GreaterThanThreshold)
        .threshold(1.0)
        .period(60)
        .evaluation_periods(1);
    put.send()
        .await
        .map_err(|error| port_error("write an alarm", "cloudwatch:PutMetricAlarm", error))?;
    let removed = connection
        .cloudwatch
        .delete_alarms()
        .alarm_names(PROBE)
        .send()
        .await;
    removed.map_err(|error| port_error("remove an alarm", "cloudwatch:DeleteAlarms", error))?;
    Ok("one was made and removed".to_owned())
}

async fn write_a_dashboard(connection: &Connection) -> Result<String, PortError> {
    let cloudwatch = &connection.cloudwatch;
    let put = cloudwatch
        .put_dashboard()
        .dashboard_name(PROBE_DASHBOARD)
        .dashboard_body(r#"{"widgets":[]}"#);
    put.send()
        .await
        .map_err(|error| port_error("write a dashboard", "cloudwatch:PutDashboard", error))?;
    let read = cloudwatch.get_dashboard().dashboard_name(PROBE_DASHBOARD);
    read.send()
        .await
        .map_err(|error| port_error("read a dashboard", "cloudwatch:GetDashboard", error))?;
    let listed = cloudwatch
        .list_dashboards()
        .dashboard_name_prefix(PROBE_DASHBOARD);
    listed
        .send()
        .await
        .map_err(|error| port_error("list dashboards", "cloudwatch:ListDashboards", error))?;
    let removed = cloudwatch
        .delete_dashboards()
        .dashboard_names(PROBE_DASHBOARD);
    removed
        .send()
        .await
        .map_err(|error| port_error("remove a dashboard", "cloudwatch:DeleteDashboards", error))?;
    Ok("one was made and removed".to_owned())
}

async fn metrics(connection: &Connection) -> Result<String, PortError> {
    use aws_sdk_cloudwatch::types::{Metric, MetricDataQuery, MetricStat};
    let metric = Metric::builder()
        .namespace("LoanPlatform")
        .metric_name("Requests")
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(60)
        .stat("Sum")
        .build();
    let query = MetricDataQuery::builder()
        .id("requests")
        .metric_stat(stat)
        .build();
    let now = connection.clock.now().as_second();
    let asked = connection
        .cloudwatch
        .get_metric_data()
        .metric_data_queries(query)
        .start_time(DateTime::from_secs(now - 300))
        .end_time(DateTime::from_secs(now));
    asked
        .send()
        .await
        .map_err(|error| port_error("read metrics", "cloudwatch:GetMetricData", error))?;
    Ok("metrics answer".to_owned())
}
