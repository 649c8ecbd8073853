//! The trace: what happened in a world lately, for whoever has to understand a violation.

use std::collections::VecDeque;
use std::fmt;

use jiff::Timestamp;

use crate::timeline::{beginning, between};

/// Events that a trace keeps unless all are asked for.
const KEPT: usize = 60;

/// The last events of a world, the oldest first.
#[derive(Clone, Debug)]
pub struct Trace {
    lines: VecDeque<Line>,
    kept: usize,
    /// A number that two traces share only if they are the same from the start.
    fingerprint: u64,
}

#[derive(Clone, Debug)]
struct Line {
    at: Timestamp,
    text: String,
}

impl Trace {
    /// A trace that keeps the last events only.
    #[must_use]
    pub fn short() -> Self {
        Self::keeping(KEPT)
    }

    /// A trace that keeps every event.
    #[must_use]
    pub fn whole() -> Self {
        Self::keeping(usize::MAX)
    }

    fn keeping(kept: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            kept,
            fingerprint: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// Adds an event.
    pub(crate) fn note(&mut self, at: Timestamp, text: String) {
        self.mix(&at.as_millisecond().to_le_bytes());
        self.mix(text.as_bytes());
        if self.lines.len() >= self.kept {
            self.lines.pop_front();
        }
        self.lines.push_back(Line { at, text });
    }

    /// The same for worlds in which the same happened at the same times.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// FNV-1a: simple, and the same on every machine.
    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.fingerprint = (self.fingerprint ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { at, text } in &self.lines {
            let seconds = between(beginning(), *at).as_secs_f64();
            let (hours, rest) = ((seconds / 3_600.0).floor(), seconds % 3_600.0);
            let (minutes, rest) = ((rest / 60.0).floor(), rest % 60.0);
            writeln!(f, "{hours:>3}:{minutes:02}:{rest:06.3}  {text}")?;
        }
        Ok(())
    }
}
