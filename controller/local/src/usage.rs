//! ECS's metrics of a service, from its processes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloudwatch_rules::{MetricStore, dimensions};
use engine::ports::{ObservedService, TaskTemplate};
use jiff::Timestamp;
use procfs::process::Process;
use schema::signals::ECS_NAMESPACE;
use tokio::time::{MissedTickBehavior, interval};

use crate::compute::LocalCompute;

const INTERVAL: Duration = Duration::from_secs(5);
/// CPU units of one virtual CPU.
const UNITS_PER_CPU: f64 = 1024.0;
const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;

/// Publishes until dropped.
pub(crate) async fn publish(compute: Arc<LocalCompute>, metrics: Arc<MetricStore>) {
    let mut sampler = Sampler::default();
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let services = compute.all().await;
        for (service, usage) in sampler.sample(&services, Instant::now()) {
            let dimensions = dimensions::ecs(&service.platform, service.service);
            let record = |metric, value| {
                metrics.record(ECS_NAMESPACE, metric, &dimensions, value, Timestamp::now());
            };
            record("CPUUtilization", usage.cpu_percent);
            record("MemoryUtilization", usage.memory_percent);
        }
    }
}

/// Use of what is reserved for a task.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Usage {
    cpu_percent: f64,
    memory_percent: f64,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    cpu_seconds: f64,
    memory_bytes: u64,
    at: Instant,
}

/// Remembers the last reading of each process that still runs.
#[derive(Debug, Default)]
struct Sampler {
    last: BTreeMap<u32, Reading>,
}

impl Sampler {
    /// Use of every task that was there last time too, one value each: the service's metric is
    /// their average, as in ECS.
    fn sample<'a>(
        &mut self,
        services: &'a [ObservedService],
        now: Instant,
    ) -> Vec<(&'a ObservedService, Usage)> {
        let mut readings = BTreeMap::new();
        let mut found = Vec::new();
        for service in services {
            for pid in service.tasks.iter().filter_map(|task| task.status.pid) {
                // A task that just ended has no use.
                let Some(reading) = read(pid, now) else {
                    continue;
                };
                if let Some(last) = self.last.get(&pid) {
                    found.push((service, usage(&service.template, *last, reading)));
                }
                readings.insert(pid, reading);
            }
        }
        self.last = readings;
        found
    }
}

fn usage(template: &TaskTemplate, last: Reading, now: Reading) -> Usage {
    let seconds = (now.at - last.at).as_secs_f64().max(f64::EPSILON);
    let cpus = f64::from(template.cpu) / UNITS_PER_CPU;
    let used = (now.cpu_seconds - last.cpu_seconds).max(0.0) / seconds;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a process's memory stays far below 2^53 bytes"
    )]
    let memory = now.memory_bytes as f64 / BYTES_PER_MIB;
    Usage {
        cpu_percent: 100.0 * used / cpus,
        memory_percent: 100.0 * memory / f64::from(template.memory),
    }
}

fn read(pid: u32, at: Instant) -> Option<Reading> {
    let stat = Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "ticks of a process stay far below 2^53"
    )]
    let cpu_seconds = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
    Some(Reading {
        cpu_seconds,
        memory_bytes: stat.rss * procfs::page_size(),
        at,
    })
}

#[cfg(test)]
mod tests {
    use schema::platform::Image;

    use super::*;

    #[test]
    fn use_is_in_percent_of_what_is_reserved() {
        let template = TaskTemplate {
            image: Image("scoring:1".to_owned()),
            cpu: 512,
            memory: 1024,
        };
        let start = Instant::now();
        let reading = |cpu_seconds, seconds| Reading {
            cpu_seconds,
            memory_bytes: 256 * 1024 * 1024,
            at: start + Duration::from_secs(seconds),
        };
        let found = usage(&template, reading(1.0, 0), reading(2.0, 4));
        assert_eq!(
            found,
            Usage {
                cpu_percent: 50.0,
                memory_percent: 25.0
            }
        );
    }

    #[test]
    fn this_process_can_be_read() {
        let reading = read(std::process::id(), Instant::now()).expect("a reading");
        assert!(reading.memory_bytes > 0);
    }
}
