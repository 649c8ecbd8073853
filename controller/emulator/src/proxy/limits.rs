//! What AWS refuses and the emulators let through.

use serde_json::Value;

use super::answer::Refusal;
use super::asked::Asked;
use crate::api::Service;

/// Services that one call may ask for:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>
const MAX_SERVICES: usize = 10;

/// Sizes of Fargate tasks: CPU units, and the least, the greatest and the step of memory, in MiB:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
const FARGATE: [(u32, u32, u32, u32); 6] = [
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];

/// Why AWS would refuse the call, if it would.
pub(super) fn refused(asked: &Asked) -> Option<Refusal> {
    if asked.api.service != Service::Ecs {
        return None;
    }
    let body = asked.json()?;
    match &*asked.api.operation {
        "DescribeServices" => too_many_services(&body),
        "CreateService" | "UpdateService" => negative_count(&body),
        "RegisterTaskDefinition" => no_fargate_size(&body),
        _ => None,
    }
}

fn too_many_services(body: &Value) -> Option<Refusal> {
    let services = body["services"].as_array()?;
    (services.len() > MAX_SERVICES)
        .then(|| invalid_parameter("Services cannot have more than 10 elements."))
}

fn negative_count(body: &Value) -> Option<Refusal> {
    let count = body["desiredCount"].as_i64()?;
    (count < 0).then(|| invalid_parameter("The desired count must not be negative."))
}

fn no_fargate_size(body: &Value) -> Option<Refusal> {
    let needs = body["requiresCompatibilities"].as_array()?;
    if !needs.iter().any(|it| it == "FARGATE") {
        return None;
    }
    let size = units(&body["cpu"]).zip(units(&body["memory"]));
    let legal = size.is_some_and(|(cpu, memory)| is_fargate_size(cpu, memory));
    let message = "No Fargate configuration exists for given values.";
    (!legal).then(|| Refusal::new(400, "ClientException", message))
}

/// CPU units or MiB. ECS takes `1 vCPU` and `2 GB` as well.
fn units(value: &Value) -> Option<u32> {
    let text = value.as_str()?.trim().to_ascii_lowercase();
    let scaled = ["vcpu", "gb"].iter().find_map(|it| text.strip_suffix(it));
    match scaled.map(|number| number.trim().parse::<f64>()) {
        None => text.parse().ok(),
        Some(number) => thousandth(number.ok()? * 1_024.0),
    }
}

fn thousandth(value: f64) -> Option<u32> {
    format!("{value:.0}").parse().ok()
}

fn is_fargate_size(cpu: u32, memory: u32) -> bool {
    if cpu == 256 {
        return [512, 1_024, 2_048].contains(&memory);
    }
    FARGATE.iter().any(|&(units, least, greatest, step)| {
        units == cpu
            && (least..=greatest).contains(&memory)
            && (memory - least).is_multiple_of(step)
    })
}

fn invalid_parameter(message: &str) -> Refusal {
    Refusal::new(400, "InvalidParameterException", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fargate_has_some_sizes_and_not_others() {
        let cases = [
            ("256", "512", true),
            ("256", "1024", true),
            ("256", "4096", false),
            ("512", "1024", true),
            ("512", "1536", false),
            ("1 vCPU", "2 GB", true),
            (".25 vCPU", "0.5GB", true),
            ("4096", "30720", true),
            ("8192", "20480", true),
            ("8192", "17408", false),
            ("300", "512", false),
            ("16384", "122880", true),
        ];
        for (cpu, memory, legal) in cases {
            let body = json!({
                "requiresCompatibilities": ["FARGATE"], "cpu": cpu, "memory": memory,
            });
            assert_eq!(no_fargate_size(&body).is_none(), legal, "{cpu}, {memory}");
        }
    }

    #[test]
    fn sizes_are_free_outside_fargate() {
        let body = json!({ "requiresCompatibilities": ["EC2"], "cpu": "77" });
        assert_eq!(no_fargate_size(&body), None);
    }
}
