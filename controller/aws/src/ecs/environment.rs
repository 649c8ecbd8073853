//! What a task is told at its start, in its environment.

use std::collections::BTreeMap;

use schema::infrastructure::Database;
use schema::names::ServiceName;

use super::names;
use super::place::Place;

/// Port of health, readiness, settings and metrics, in every task.
pub(crate) const ADMIN_PORT: u16 = 9000;
/// How often a task looks for new settings. Each look is a conditional GET: about half a dollar a task and month.
const SETTINGS_INTERVAL: &str = "2s";
/// How often a task writes metrics: twice in the shortest period of an alarm.
const METRICS_INTERVAL: &str = "5s";
/// How long a task may finish its requests by itself; ECS waits a little longer before it kills it.
const DRAIN_DEADLINE: &str = "25s";

/// The names of all variables that tasks may be told.
const TOLD: [&str; 14] = [
    "LOAN_ADMIN",
    "LOAN_DATABASE_HOST",
    "LOAN_DATABASE_IAM_USER",
    "LOAN_DATABASE_NAME",
    "LOAN_DATABASE_PORT",
    "LOAN_DRAIN_DEADLINE",
    "LOAN_HOSTS",
    "LOAN_LISTEN",
    "LOAN_LOG",
    "LOAN_METRICS_INTERVAL",
    "LOAN_PLATFORM",
    "LOAN_SETTINGS",
    "LOAN_SETTINGS_INTERVAL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// Values by the names of variables. Sorted, so that their order never is a difference.
pub(crate) type Variables = BTreeMap<&'static str, String>;

/// What a task of `place` is told, with the settings in `bucket`.
///
/// `AWS_REGION` is not among it: Fargate sets it in every task. Source: "Amazon ECS environment variables" in the
/// ECS Developer Guide.
pub(crate) fn variables(place: &Place, bucket: &str) -> Variables {
    let (platform, service) = (&place.platform, place.service);
    let mut variables = Variables::from([
        ("LOAN_PLATFORM", platform.to_string()),
        ("LOAN_LISTEN", format!("0.0.0.0:{}", service.port())),
        ("LOAN_ADMIN", format!("0.0.0.0:{ADMIN_PORT}")),
        (
            "LOAN_SETTINGS",
            format!("s3://{bucket}/settings/{platform}/{service}.json"),
        ),
        ("LOAN_SETTINGS_INTERVAL", SETTINGS_INTERVAL.to_owned()),
        ("LOAN_METRICS_INTERVAL", METRICS_INTERVAL.to_owned()),
        ("LOAN_DRAIN_DEADLINE", DRAIN_DEADLINE.to_owned()),
        ("LOAN_LOG", "json".to_owned()),
    ]);
    if place.surroundings().service_connect_namespace.is_some() {
        variables.insert("LOAN_HOSTS", hosts(place));
    }
    if let Some(collector) = &place.surroundings().trace_collector {
        variables.insert("OTEL_EXPORTER_OTLP_ENDPOINT", collector.clone());
    }
    if let Some(database) = database(place) {
        variables.extend(database_variables(database));
    }
    variables
}

/// Whether `name` is one that tasks are told openly: its value is no secret, whoever wrote it.
pub(crate) fn is_told(name: &str) -> bool {
    TOLD.contains(&name)
}

/// Where a task of `place` gets what nobody may read in a task definition: values by the names of variables,
/// each the ARN of a secret, or of one key of its JSON (`ARN:KEY::`).
pub(crate) fn secrets(place: &Place) -> Variables {
    let mut secrets = Variables::new();
    let database = database(place).and_then(|database| database.authentication.secret.as_ref());
    if let Some(arn) = database {
        secrets.insert("LOAN_DATABASE_USER", format!("{arn}:username::"));
        secrets.insert("LOAN_DATABASE_PASSWORD", format!("{arn}:password::"));
    }
    let auth = place.surroundings().auth.as_ref();
    if let Some(auth) = auth.filter(|_| place.service == ServiceName::Auth) {
        secrets.insert("LOAN_CLIENTS", auth.clients.clone());
        secrets.insert("LOAN_SIGNING_KEY", auth.signing_key.clone());
    }
    secrets
}

/// Only the loan API has business in the database.
fn database(place: &Place) -> Option<&Database> {
    let database = place.surroundings().database.as_ref();
    database.filter(|_| place.service == ServiceName::LoanApi)
}

fn database_variables(database: &Database) -> Variables {
    let mut variables = Variables::from([
        ("LOAN_DATABASE_HOST", database.host.clone()),
        ("LOAN_DATABASE_PORT", database.port.to_string()),
        ("LOAN_DATABASE_NAME", database.name.clone()),
    ]);
    if let Some(user) = &database.authentication.iam_user {
        variables.insert("LOAN_DATABASE_IAM_USER", user.clone());
    }
    variables
}

/// Host names of a platform's services lead to the platform's own: `scoring` to `dev-scoring`. Names in a
/// Service Connect namespace are of the whole namespace, so they carry the platform's.
fn hosts(place: &Place) -> String {
    let entry = |service: ServiceName| {
        let (name, port) = (
            names::service_name(&place.platform, service),
            service.port(),
        );
        format!("{service}:{port}={name}:{port}")
    };
    ServiceName::ALL.map(entry).join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::fixture::{infrastructure, place, place_in};

    #[test]
    fn a_task_is_told_where_it_serves_and_where_its_settings_lie() {
        let told = variables(&place(ServiceName::Scoring), "loans");
        for (name, value) in [
            ("LOAN_PLATFORM", "dev"),
            ("LOAN_LISTEN", "0.0.0.0:8083"),
            ("LOAN_ADMIN", "0.0.0.0:9000"),
            ("LOAN_SETTINGS", "s3://loans/settings/dev/scoring.json"),
            ("LOAN_LOG", "json"),
            (
                "LOAN_HOSTS",
                "score-provider:8084=dev-score-provider:8084,auth:8082=dev-auth:8082,\
                 scoring:8083=dev-scoring:8083,loan-api:8081=dev-loan-api:8081",
            ),
        ] {
            assert_eq!(told.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!told.contains_key("LOAN_DATABASE_HOST"));
    }

    #[test]
    fn only_the_loan_api_is_told_of_the_database() {
        let place = place(ServiceName::LoanApi);
        let told = variables(&place, "loans");
        assert_eq!(told["LOAN_DATABASE_HOST"], "db.example");
        assert_eq!(told["LOAN_DATABASE_PORT"], "5432");
        assert_eq!(told["LOAN_DATABASE_NAME"], "loans_db");
        let secrets = secrets(&place);
        assert_eq!(secrets["LOAN_DATABASE_USER"], "arn:database:username::");
        assert_eq!(secrets["LOAN_DATABASE_PASSWORD"], "arn:database:password::");
        assert_eq!(secrets.len(), 2);
    }

    #[test]
    fn with_iam_the_loan_api_is_given_a_user_and_no_secret() {
        let mut infrastructure = infrastructure();
        let database = infrastructure.defaults.database.as_mut().unwrap();
        database.authentication.secret = None;
        database.authentication.iam_user = Some("loan_api".to_owned());
        let place = place_in(ServiceName::LoanApi, infrastructure);
        assert_eq!(
            variables(&place, "loans")["LOAN_DATABASE_IAM_USER"],
            "loan_api"
        );
        assert!(secrets(&place).is_empty());
    }

    #[test]
    fn only_auth_is_given_clients_and_signing_key() {
        let given = secrets(&place(ServiceName::Auth));
        assert_eq!(given["LOAN_CLIENTS"], "arn:clients");
        assert_eq!(given["LOAN_SIGNING_KEY"], "arn:signing-key");
        assert!(secrets(&place(ServiceName::Scoring)).is_empty());
    }

    #[test]
    fn where_there_is_a_collector_every_task_is_told_of_it() {
        let mut infrastructure = infrastructure();
        infrastructure.defaults.trace_collector = Some("http://collector:4318".to_owned());
        for service in ServiceName::ALL {
            let told = variables(&place_in(service, infrastructure.clone()), "loans");
            assert_eq!(told["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://collector:4318");
        }
        let told = variables(&place(ServiceName::Scoring), "loans");
        assert!(!told.contains_key("OTEL_EXPORTER_OTLP_ENDPOINT"));
    }

    #[test]
    fn what_may_be_shown_is_what_is_told_and_no_secret() {
        let mut infrastructure = infrastructure();
        infrastructure.defaults.trace_collector = Some("http://collector:4318".to_owned());
        let database = infrastructure.defaults.database.as_mut().unwrap();
        database.authentication.iam_user = Some("loan_api".to_owned());
        let mut told = std::collections::BTreeSet::new();
        for service in ServiceName::ALL {
            let place = place_in(service, infrastructure.clone());
            told.extend(variables(&place, "loans").into_keys());
            assert!(!secrets(&place).into_keys().any(is_told));
        }
        assert_eq!(told, TOLD.into());
    }

    #[test]
    fn without_a_namespace_host_names_are_left_alone() {
        let mut infrastructure = infrastructure();
        infrastructure.defaults.service_connect_namespace = None;
        let told = variables(&place_in(ServiceName::Scoring, infrastructure), "loans");
        assert!(!told.contains_key("LOAN_HOSTS"));
    }
}
