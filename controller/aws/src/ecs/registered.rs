//! A registered task definition, read back.

use aws_sdk_ecs::types::{ContainerDefinition, TaskDefinition, TaskDefinitionStatus};
use engine::ports::TaskTemplate;
use schema::platform::Image;
use schema::revision::{FieldChange, leaf_changes};
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::task_definition::{DIGEST_LABEL, IMAGE_LABEL, TaskDefinitionBody};
use super::tasks::TaskBody;

/// What is kept of a task definition. A revision never changes, so it is read once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registered {
    pub(crate) arn: String,
    pub(crate) family: String,
    pub(crate) revision: i32,
    /// Whether services may still be given it.
    pub(crate) active: bool,
    /// Digest of the body that it was registered from; absent where somebody else registered it.
    pub(crate) digest: Option<String>,
    cpu: u32,
    memory: u32,
    pulled: String,
    named: Option<String>,
    /// What its home decides of it, where a controller registered it or somebody made it from one that was.
    /// Notes without a word of it are older than this field, and must be read anew.
    #[serde(deserialize_with = "Option::deserialize")]
    tasks: Option<TaskBody>,
    /// Whether a controller registered it, and knows so from ECS's answer.
    #[serde(default)]
    made: bool,
}

impl Registered {
    /// What is kept of `found`; nothing where it says too little to be one.
    pub(crate) fn read(found: &TaskDefinition) -> Option<Self> {
        let family = found.family()?;
        let container = container(found)?;
        let label = |name| container.docker_labels()?.get(name).cloned();
        Some(Self {
            arn: found.task_definition_arn()?.to_owned(),
            family: family.to_owned(),
            revision: found.revision(),
            active: found.status() != Some(&TaskDefinitionStatus::Inactive),
            digest: label(DIGEST_LABEL),
            cpu: found.cpu().and_then(cpu_units).unwrap_or_default(),
            memory: found.memory().and_then(mebibytes).unwrap_or_default(),
            pulled: container.image().unwrap_or_default().to_owned(),
            named: label(IMAGE_LABEL),
            tasks: label(DIGEST_LABEL).map(|_| TaskBody::found(found, container)),
            made: false,
        })
    }

    /// It is what ECS answered when it was asked to register it.
    pub(crate) fn made(self) -> Self {
        Self { made: true, ..self }
    }

    /// Whether tasks started from it are those of `body`. A label alone proves nothing: people make new revisions from
    /// old ones, labels included.
    pub(crate) fn is(&self, body: &TaskDefinitionBody) -> bool {
        let is_template =
            (self.cpu, self.memory, &self.pulled) == (body.cpu, body.memory, &body.pulled);
        is_template
            && self.digest.as_deref() == Some(&body.digest())
            && self.differences(body).is_empty()
    }

    /// What its home would have otherwise: the fields in which it differs from `body`, its template aside. None where
    /// somebody else registered it: what is adopted runs on as it is until something is deployed.
    ///
    /// What a controller had registered from `body` is `body`, whatever ECS has made of it: to register it again would
    /// change nothing.
    pub(crate) fn differences(&self, body: &TaskDefinitionBody) -> Vec<FieldChange> {
        let Some(tasks) = self.tasks.as_ref().filter(|tasks| **tasks != body.tasks) else {
            return Vec::new();
        };
        if self.made && self.digest.as_deref() == Some(&body.digest()) {
            return Vec::new();
        }
        let mut changes = leaf_changes(tasks, &body.tasks);
        for change in &mut changes {
            change.path = format!("taskDefinition.{}", change.path);
        }
        changes
    }

    /// ARNs of its family, from its own revision back to the first.
    pub(crate) fn arns_back(&self) -> impl Iterator<Item = String> {
        let family = self.arn.rsplit_once(':').map_or("", |(family, _)| family);
        (1..=self.revision)
            .rev()
            .map(move |revision| format!("{family}:{revision}"))
    }

    /// What tasks of `place` are started from by it.
    pub(crate) fn template(&self, place: &Place) -> TaskTemplate {
        let named = self.named.as_deref();
        // The label holds only while it tells of the image that is really pulled.
        let named = named.filter(|named| place.pulled(named) == self.pulled);
        let image = named.unwrap_or_else(|| place.named(&self.pulled));
        TaskTemplate {
            image: Image(image.to_owned()),
            cpu: self.cpu,
            memory: self.memory,
        }
    }
}

/// The service's own container: the one that is named after it, or else the first.
fn container(found: &TaskDefinition) -> Option<&ContainerDefinition> {
    let containers = found.container_definitions();
    let named_after = |container: &&ContainerDefinition| {
        let name = container.name().zip(found.family());
        name.is_some_and(|(name, family)| family.ends_with(&format!("-{name}")))
    };
    containers
        .iter()
        .find(named_after)
        .or_else(|| containers.first())
}

/// ECS takes `512`, and `0.5 vCPU` too.
fn cpu_units(text: &str) -> Option<u32> {
    in_units(text, "vcpu", 1_024)
}

/// ECS takes `512`, and `0.5 GB` too.
fn mebibytes(text: &str) -> Option<u32> {
    in_units(text, "gb", 1_024)
}

fn in_units(text: &str, unit: &str, size: u32) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else {
        return text.parse().ok();
    };
    let number = number.trim();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = u32::try_from(part.len())
        .ok()
        .filter(|digits| *digits <= 4)?;
    let denominator = 10_u32.pow(digits);
    let zero_if_empty = |text: &str| {
        if text.is_empty() {
            Some(0)
        } else {
            text.parse().ok()
        }
    };
    let whole: u32 = zero_if_empty(whole)?;
    let part: u32 = zero_if_empty(part)?;
    let part = part.checked_mul(size)? / denominator;
    whole.checked_mul(size)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use schema::names::ServiceName;

    use super::*;
    use crate::ecs::fixture::{infrastructure, place, place_in, registered, template};

    #[test]
    fn what_was_registered_is_read_back_as_it_was_wanted() {
        let place = place(ServiceName::Scoring);
        for image in [
            "scoring:1",
            "ghcr.io/team/scoring:1",
            // The account's own registry by name: it is not to be cut off.
            "registry.example/scoring:1",
        ] {
            let wanted = template(image);
            let body = TaskDefinitionBody::of(&place, &wanted, "loans").unwrap();
            let input = body.input().unwrap().build().unwrap();
            let read = Registered::read(&registered(&input)).unwrap();
            assert_eq!(read.template(&place), wanted, "{image}");
            assert_eq!(read.digest, Some(body.digest()));
            assert!(read.active);
            assert!(read.is(&body));
        }
    }

    #[test]
    fn what_the_account_provides_otherwise_by_now_is_named() {
        let place = place(ServiceName::Scoring);
        let body = TaskDefinitionBody::of(&place, &template("scoring:1"), "loans").unwrap();
        let input = body.input().unwrap().build().unwrap();
        let read = Registered::read(&registered(&input)).unwrap().made();
        assert_eq!(read.differences(&body), []);

        let mut traced = infrastructure();
        traced.defaults.trace_collector = Some("http://collector:4318".to_owned());
        traced.defaults.log_group = "/elsewhere".to_owned();
        let place = place_in(ServiceName::Scoring, traced);
        let body = TaskDefinitionBody::of(&place, &template("scoring:1"), "loans").unwrap();
        assert!(!read.is(&body));
        let differences = read.differences(&body);
        let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(
            differences,
            [
                "taskDefinition.environment.OTEL_EXPORTER_OTLP_ENDPOINT: nothing → http://collector:4318",
                "taskDefinition.log.awslogs-group: /loans → /elsewhere",
            ]
        );
    }

    #[test]
    fn what_ecs_makes_of_ours_is_ours_and_what_somebody_makes_of_it_is_not() {
        let place = place(ServiceName::Scoring);
        let body = TaskDefinitionBody::of(&place, &template("scoring:1"), "loans").unwrap();
        let input = body.input().unwrap().build().unwrap();
        let mut other = registered(&input);
        other.container_definitions.as_mut().unwrap()[0].user = Some("0".to_owned());
        let read = Registered::read(&other).unwrap();
        assert!(!read.is(&body));
        assert_eq!(read.differences(&body).len(), 1);
        assert!(read.made().is(&body));
    }

    #[test]
    fn what_was_noted_is_read_back_and_older_notes_are_not_taken_for_whole() {
        let body = TaskDefinitionBody::of(&place(ServiceName::Auth), &template("auth:1"), "loans");
        let input = body.unwrap().input().unwrap().build().unwrap();
        let read = Registered::read(&registered(&input)).unwrap().made();
        let mut noted = serde_json::to_value(&read).unwrap();
        let again: Registered = serde_json::from_value(noted.clone()).unwrap();
        assert_eq!(again, read);
        noted.as_object_mut().unwrap().remove("tasks");
        assert!(serde_json::from_value::<Registered>(noted).is_err());
    }

    #[test]
    fn a_task_definition_of_somebody_else_is_read_without_labels() {
        let found = TaskDefinition::builder()
            .task_definition_arn("arn:dev-scoring:8")
            .family("dev-scoring")
            .cpu(".5 vCPU")
            .memory("1 GB")
            .container_definitions(
                ContainerDefinition::builder()
                    .name("proxy")
                    .image("envoy:1")
                    .build(),
            )
            .container_definitions(
                ContainerDefinition::builder()
                    .name("scoring")
                    .image("registry.example/scoring:3")
                    .build(),
            )
            .build();
        let read = Registered::read(&found).unwrap();
        let template = read.template(&place(ServiceName::Scoring));
        assert_eq!(template.image.0, "scoring:3");
        assert_eq!((template.cpu, template.memory), (512, 1_024));
        assert_eq!(read.digest, None);
        let place = place(ServiceName::Scoring);
        let body = TaskDefinitionBody::of(&place, &template, "loans").unwrap();
        assert_eq!(read.differences(&body), [], "it is adopted as it is");
        assert!(!read.is(&body));
    }

    #[test]
    fn a_label_that_tells_of_another_image_is_not_believed() {
        let container = ContainerDefinition::builder()
            .name("scoring")
            .image("registry.example/scoring:evil")
            .docker_labels(IMAGE_LABEL, "scoring:1");
        let found = TaskDefinition::builder()
            .task_definition_arn("arn:dev-scoring:9")
            .family("dev-scoring")
            .container_definitions(container.build())
            .build();
        let read = Registered::read(&found).unwrap();
        let template = read.template(&place(ServiceName::Scoring));
        assert_eq!(template.image.0, "scoring:evil");
    }

    #[test]
    fn sizes_are_read_in_every_unit_that_ecs_takes() {
        for (text, units) in [
            ("256", Some(256)),
            ("1 vCPU", Some(1_024)),
            (".25 vcpu", Some(256)),
            ("0.5vCPU", Some(512)),
            ("much", None),
        ] {
            assert_eq!(cpu_units(text), units, "{text}");
        }
    }
}
