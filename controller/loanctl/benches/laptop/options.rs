//! Arguments.

use std::time::Duration;

pub(crate) const USAGE: &str = "make bench, or .ci/bench [--quick]

  --quick   fewer repetitions, shorter loads, no incident: under a minute instead of six";

/// What is asked for.
pub(crate) enum Request {
    Measure(Options),
    Explain,
    Unknown(String),
}

/// How much to measure.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) quick: bool,
}

impl Options {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Request {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--quick" => options.quick = true,
                // cargo says so to every benchmark.
                "--bench" => {}
                "--help" | "-h" => return Request::Explain,
                _ => return Request::Unknown(argument),
            }
        }
        Request::Measure(options)
    }

    /// Times that something short is repeated.
    pub(crate) const fn repetitions(self) -> u32 {
        if self.quick { 2 } else { 5 }
    }

    /// Times that everything is started.
    pub(crate) const fn starts(self) -> u32 {
        if self.quick { 1 } else { 3 }
    }

    /// How long a load is measured.
    pub(crate) const fn load(self) -> Duration {
        Duration::from_secs(if self.quick { 5 } else { 15 })
    }
}
