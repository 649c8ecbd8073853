//! A line of the log while it is written: one flat JSON object.

use std::fmt;

use serde::Serialize;
use serde::ser::SerializeMap;
use tracing::field::{Field, Visit};

/// Fields of a line, written as they come. Of several with one name the first is kept.
pub(super) struct Line<'a, M> {
    fields: M,
    names: Vec<&'a str>,
    written: fmt::Result,
}

impl<'a, M: SerializeMap> Line<'a, M> {
    /// A line without fields, to be written to `fields`.
    pub(super) const fn new(fields: M) -> Self {
        Self {
            fields,
            names: Vec::new(),
            written: Ok(()),
        }
    }

    /// Adds a field, unless there is one with its name.
    pub(super) fn add<T: Serialize + ?Sized>(&mut self, name: &'a str, value: &T) {
        if self.written.is_ok() && !self.names.contains(&name) {
            self.names.push(name);
            let written = self.fields.serialize_entry(name, value);
            self.written = written.map_err(|_| fmt::Error);
        }
    }

    /// Ends the object.
    ///
    /// # Errors
    /// When a field could not be written.
    pub(super) fn end(self) -> fmt::Result {
        self.written?;
        self.fields.end().map(drop).map_err(|_| fmt::Error)
    }
}

impl<M: SerializeMap> Visit for Line<'_, M> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), &format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value);
    }
}
