//! Sizes that Fargate takes.

/// CPU units with the memory that goes with them: from, to, and in steps of, in MiB.
///
/// Source: Amazon ECS Developer Guide, "Amazon ECS task definition parameters for Fargate", table "Task size".
const SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2_048, 512),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];
/// The one gap in the table.
const NOT_TAKEN: (u32, u32) = (256, 1_536);

/// Whether Fargate runs tasks with `cpu` units and `memory` MiB.
pub(crate) fn takes(cpu: u32, memory: u32) -> bool {
    let takes = |&(units, from, to, step): &(u32, u32, u32, u32)| {
        units == cpu && (from..=to).contains(&memory) && (memory - from).is_multiple_of(step)
    };
    (cpu, memory) != NOT_TAKEN && SIZES.iter().any(takes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_the_table_are_taken_and_others_are_not() {
        for (cpu, memory, taken) in [
            (256, 512, true),
            (256, 1_024, true),
            (256, 1_536, false),
            (256, 2_048, true),
            (256, 4_096, false),
            (512, 512, false),
            (512, 4_096, true),
            (4_096, 30_720, true),
            (4_096, 31_744, false),
            (8_192, 20_480, true),
            (8_192, 17_408, false),
            (16_384, 122_880, true),
            (300, 512, false),
        ] {
            assert_eq!(takes(cpu, memory), taken, "{cpu} {memory}");
        }
    }
}
