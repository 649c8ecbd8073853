//! Sizes and counts of the services.

use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::{ScoreProvider, Workload};

use super::SERVICES;
use crate::finding::Finding;
use crate::path::FieldPath;

/// Memory that a Fargate task may have with some CPU: from, to, and in steps of, in MiB.
///
/// Source: Amazon ECS Developer Guide, "Amazon ECS task definition parameters for Fargate", table
/// "Task size".
const FARGATE_SIZES: [(u32, MemoryChoice); 7] = [
    (256, MemoryChoice::OneOf(&[512, 1_024, 2_048])),
    (512, MemoryChoice::steps(1_024, 4_096, 1_024)),
    (1_024, MemoryChoice::steps(2_048, 8_192, 1_024)),
    (2_048, MemoryChoice::steps(4_096, 16_384, 1_024)),
    (4_096, MemoryChoice::steps(8_192, 30_720, 1_024)),
    (8_192, MemoryChoice::steps(16_384, 61_440, 4_096)),
    (16_384, MemoryChoice::steps(32_768, 122_880, 8_192)),
];

#[derive(Clone, Copy)]
enum MemoryChoice {
    OneOf(&'static [u32]),
    Steps { from: u32, to: u32, step: u32 },
}

impl MemoryChoice {
    const fn steps(from: u32, to: u32, step: u32) -> Self {
        Self::Steps { from, to, step }
    }

    fn takes(self, memory: u32) -> bool {
        match self {
            Self::OneOf(sizes) => sizes.contains(&memory),
            Self::Steps { from, to, step } => {
                (from..=to).contains(&memory) && (memory - from).is_multiple_of(step)
            }
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::OneOf(sizes) => joined(sizes.iter()),
            Self::Steps { from, to, step } => format!("{from} to {to} in steps of {step}"),
        }
    }
}

fn joined<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Each service of the platform with the path of its section.
fn sections(spec: &LoanPlatformSpec) -> impl Iterator<Item = (FieldPath, Workload)> + '_ {
    ServiceName::ALL.into_iter().filter_map(|service| {
        let workload = spec.services.workload(service)?;
        Some((FieldPath::from(SERVICES).key(service.spec_key()), workload))
    })
}

/// Fargate takes certain pairs of CPU and memory.
pub(super) fn sizes_are_ones_that_fargate_takes(spec: &LoanPlatformSpec) -> Vec<Finding> {
    sections(spec)
        .filter_map(|(path, workload)| wrong_size(&path, &workload))
        .collect()
}

/// Whether Fargate runs tasks with `cpu` units and `memory` MiB.
#[must_use]
pub fn fargate_takes(cpu: u32, memory: u32) -> bool {
    let mut sizes = FARGATE_SIZES.iter();
    sizes.any(|(size, choice)| *size == cpu && choice.takes(memory))
}

fn wrong_size(path: &FieldPath, workload: &Workload) -> Option<Finding> {
    let (cpu, memory) = (workload.cpu, workload.memory);
    let Some((_, choice)) = FARGATE_SIZES.iter().find(|(size, _)| *size == cpu) else {
        let sizes = joined(FARGATE_SIZES.iter().map(|(size, _)| size));
        let message = format!("cpu {cpu} is no Fargate task size: {sizes}");
        return Some(
            Finding::error(path.key("cpu"), message)
                .found(&cpu)
                .allowed(sizes),
        );
    };
    if choice.takes(memory) {
        return None;
    }
    let allowed = choice.in_words();
    let message = format!("Fargate takes no memory {memory} with cpu {cpu}: {allowed}");
    Some(
        Finding::error(path.key("memory"), message)
            .found(&memory)
            .allowed(allowed),
    )
}

/// A count is fixed or scales, and ranges are not upside down.
pub(super) fn counts_and_latencies_agree(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let mut findings: Vec<Finding> = sections(spec)
        .flat_map(|(path, workload)| wrong_counts(&path, &workload))
        .collect();
    findings.extend(spec.services.score_provider.iter().flat_map(wrong_latency));
    findings.extend(
        spec.services
            .score_provider
            .iter()
            .flat_map(endless_outages),
    );
    findings
}

fn wrong_latency(provider: &ScoreProvider) -> Option<Finding> {
    let (p50, p99) = (provider.latency.p50, provider.latency.p99);
    let path = FieldPath::from("spec.services.scoreProvider.latency.p50");
    (p50 > p99).then(|| {
        Finding::error(path, format!("p50 {p50} is longer than p99 {p99}"))
            .found(&p50)
            .allowed(format!("at most {p99}, the p99"))
    })
}

fn endless_outages(provider: &ScoreProvider) -> Option<Finding> {
    let outages = provider.outages?;
    let (every, length) = (outages.every, outages.length);
    let path = FieldPath::from("spec.services.scoreProvider.outages.length");
    (length.get() >= every.get()).then(|| {
        let message = format!("an outage of {length} every {every} never ends");
        Finding::error(path, message)
            .found(&length)
            .allowed(format!("less than {every}"))
    })
}

fn wrong_counts(path: &FieldPath, workload: &Workload) -> Vec<Finding> {
    let Some(scaling) = &workload.scaling else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if workload.desired_count.is_some() {
        let message = "desiredCount and scaling exclude each other";
        findings.push(
            Finding::error(path.key("desiredCount"), message)
                .at_key()
                .help("keep desiredCount for a fixed count, or scaling for an automatic one"),
        );
    }
    let (min, max) = (scaling.min_capacity, scaling.max_capacity);
    if min > max {
        let message = format!("minCapacity {min} is above maxCapacity {max}");
        findings.push(
            Finding::error(path.key("scaling").key("minCapacity"), message)
                .found(&min)
                .allowed(format!("at most {max}, the maxCapacity")),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_the_fargate_table_are_taken_and_others_are_not() {
        for (cpu, memory) in [
            (256, 512),
            (256, 1024),
            (256, 2048),
            (512, 3072),
            (512, 4096),
            (4096, 30720),
            (8192, 20480),
            (16384, 122_880),
        ] {
            assert!(fargate_takes(cpu, memory), "{cpu}/{memory}");
        }
        for (cpu, memory) in [
            (256, 1536),
            (256, 4096),
            (512, 512),
            (1024, 2560),
            (4096, 31744),
            (8192, 17408),
            (300, 512),
        ] {
            assert!(!fargate_takes(cpu, memory), "{cpu}/{memory}");
        }
    }
}
