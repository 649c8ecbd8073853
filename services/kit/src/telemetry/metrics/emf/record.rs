//! Records of one namespace: which dimensions and values a line has.

use std::io::{self, Write};
use std::time::SystemTime;

use metrique::emf::{Emf, HighStorageResolution};
use metrique::writer::format::Format;
use metrique::writer::{
    Entry, EntryWriter, IoStreamError, MetricFlags, Observation, Unit, ValidationError, Value,
    ValueWriter,
};

/// Writes records of one namespace that share the names of their dimensions, a JSON line each.
pub struct Records(Emf);

/// One line.
#[derive(Debug)]
pub struct Record<'a> {
    /// When.
    pub now: SystemTime,
    /// The dimensions' values by their names.
    pub dimensions: Vec<(&'static str, &'a str)>,
    /// What was measured.
    pub series: Vec<Series>,
}

/// What was measured of one metric. Its resolution is a minute unless it is made finer.
#[derive(Debug)]
pub struct Series {
    name: &'static str,
    measured: Measured,
}

#[derive(Debug)]
enum Measured {
    EachMinute(Observations),
    EachSecond(HighStorageResolution<Observations>),
}

#[derive(Debug)]
struct Observations {
    values: Vec<Observation>,
    unit: Unit,
}

/// Why metrics were not emitted.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// Standard output does not take them.
    #[error("metrics cannot be written: {0}")]
    Write(#[from] io::Error),
    /// A record that CloudWatch would refuse.
    #[error("metrics make no valid record: {0}")]
    Invalid(#[from] ValidationError),
}

impl Records {
    /// Records in `namespace` with these dimensions.
    #[must_use]
    pub fn new(namespace: &str, dimensions: &[&str]) -> Self {
        let set = dimensions.iter().map(|name| (*name).to_owned()).collect();
        Self(Emf::builder(namespace.to_owned(), vec![set]).build())
    }

    /// Writes `record` to `output`, in one write, so that lines of other writers do not fall into it.
    ///
    /// # Errors
    /// When `output` fails, or the record would be invalid.
    pub fn write(&mut self, record: &Record<'_>, output: &mut impl Write) -> Result<(), EmitError> {
        let mut line = Vec::with_capacity(2_048);
        self.0
            .format(record, &mut line)
            .map_err(|error| match error {
                IoStreamError::Io(error) => EmitError::Write(error),
                IoStreamError::Validation(error) => EmitError::Invalid(error),
            })?;
        output.write_all(&line)?;
        output.flush()?;
        Ok(())
    }
}

impl Series {
    /// A count of the time since the last record.
    #[must_use]
    pub fn count(name: &'static str, count: u64) -> Self {
        Self::of(name, vec![Observation::Unsigned(count)], Unit::Count)
    }

    /// A number as it stands.
    #[must_use]
    pub fn level(name: &'static str, value: f64) -> Self {
        Self::of(name, vec![Observation::Floating(value)], Unit::None)
    }

    /// Lengths of time in seconds, each with how often it was measured. CloudWatch takes 100 different ones.
    #[must_use]
    pub fn seconds(name: &'static str, values: &[(f64, u64)]) -> Self {
        let unit = Unit::Second(metrique::writer::unit::NegativeScale::One);
        Self::of(name, repeated(values), unit)
    }

    pub(super) fn of(name: &'static str, values: Vec<Observation>, unit: Unit) -> Self {
        let measured = Measured::EachMinute(Observations { values, unit });
        Self { name, measured }
    }

    pub(super) fn each_second(self) -> Self {
        let measured = match self.measured {
            Measured::EachMinute(values) => Measured::EachSecond(values.into()),
            finer @ Measured::EachSecond(_) => finer,
        };
        Self { measured, ..self }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of one interval are small"
)]
pub(super) fn repeated(values: &[(f64, u64)]) -> Vec<Observation> {
    let repeated = |(value, count): &(f64, u64)| Observation::Repeated {
        total: value * *count as f64,
        occurrences: *count,
    };
    values.iter().map(repeated).collect()
}

impl Entry for Record<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.timestamp(self.now);
        for (name, value) in &self.dimensions {
            writer.value(*name, *value);
        }
        for series in &self.series {
            match &series.measured {
                Measured::EachMinute(values) => writer.value(series.name, values),
                Measured::EachSecond(values) => writer.value(series.name, values),
            }
        }
    }
}

impl Value for Observations {
    fn write(&self, writer: impl ValueWriter) {
        writer.metric(
            self.values.iter().copied(),
            self.unit,
            [],
            MetricFlags::empty(),
        );
    }
}
