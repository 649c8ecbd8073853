//! A controller with many platforms, and what it uses.

use std::fs;
use std::time::{Duration, Instant};

use procfs::process::Process;

use crate::laptop::Laptop;
use crate::spec::Spec;

/// Longest wait for every platform to be shown.
const ALL_SHOWN: Duration = Duration::from_secs(300);

/// A controller with many platforms.
pub(crate) struct Controller {
    laptop: Laptop,
    platforms: usize,
    edits: usize,
}

/// What the controller used over a stretch of time.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    /// CPUs: 1.0 is one of them all the time.
    pub(crate) cpus: f64,
    /// Resident memory at its end, in MiB.
    pub(crate) resident_mib: f64,
    /// Bytes a second to all readers; nothing where nobody reads.
    pub(crate) answered: Option<f64>,
    length: Duration,
}

impl Controller {
    /// Starts one, and waits until it shows every platform.
    pub(crate) async fn with_platforms(platforms: usize) -> Self {
        let mut laptop = Laptop::off();
        for number in 0..platforms {
            save(&laptop, number, 20);
        }
        laptop.start();
        let started = Instant::now();
        loop {
            let shown = laptop.platforms().await;
            let looked_at = shown.iter().filter(|it| it.metadata.generation == Some(1));
            if looked_at.count() == platforms {
                break;
            }
            assert!(
                started.elapsed() < ALL_SHOWN,
                "{} of {platforms} platforms are shown",
                shown.len()
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Self {
            laptop,
            platforms,
            edits: 0,
        }
    }

    /// Where it serves: `127.0.0.1:9090`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.laptop.console_port())
    }

    /// What it uses in `length`, with so many edits a second.
    pub(crate) async fn cost_of(&mut self, length: Duration, edits_per_second: u32) -> Cost {
        let (began, before) = (Instant::now(), self.ticks());
        if edits_per_second == 0 {
            tokio::time::sleep(length).await;
        } else {
            let mut tick = tokio::time::interval(Duration::from_secs(1) / edits_per_second);
            while began.elapsed() < length {
                tick.tick().await;
                self.edit();
            }
        }
        let took = began.elapsed();
        let ticks = self.ticks() - before;
        Cost {
            cpus: ticks as f64 / procfs::ticks_per_second() as f64 / took.as_secs_f64(),
            resident_mib: self.resident_kib() as f64 / 1_024.0,
            answered: None,
            length: took,
        }
    }

    /// Another threshold for the next platform in turn.
    fn edit(&mut self) {
        self.edits += 1;
        let threshold = 21 + self.edits / self.platforms;
        save(&self.laptop, self.edits % self.platforms, threshold);
    }

    fn process(&self) -> Process {
        Process::new(i32::try_from(self.laptop.pid()).unwrap()).unwrap()
    }

    fn ticks(&self) -> u64 {
        let stat = self.process().stat().unwrap();
        stat.utime + stat.stime
    }

    fn resident_kib(&self) -> u64 {
        self.process().status().unwrap().vmrss.unwrap()
    }
}

impl Cost {
    /// The same, with `bytes` sent to readers meanwhile.
    pub(crate) fn answering(self, bytes: u64) -> Self {
        Self {
            answered: Some(bytes as f64 / self.length.as_secs_f64()),
            ..self
        }
    }
}

/// The spec of platform `number`, which is only observed.
fn save(laptop: &Laptop, number: usize, threshold: usize) {
    let name = format!("p{number:04}");
    let spec = Spec::new()
        .with("name: local", &format!("name: {name}"))
        .with("  deletionPolicy: Retain", "  mode: Observe")
        .with("threshold: 20", &format!("threshold: {threshold}"));
    fs::create_dir_all(laptop.specs()).unwrap();
    spec.save(&laptop.specs().join(format!("{name}.yaml")));
}
