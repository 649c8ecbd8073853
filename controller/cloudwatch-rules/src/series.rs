//! Series: what makes one metric different from another, and the index that finds them.

use std::collections::{BTreeMap, HashMap, HashSet};

/// Dimensions of a series, by name.
pub type Dimensions = BTreeMap<String, String>;

/// Bytes that namespace, metric and dimensions of one series may have together. CloudWatch would take
/// more; here they are kept in memory.
const MAX_NAME_BYTES: usize = 4_096;

/// Number of a series. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SeriesId(u64);

/// Which series a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) namespace: String,
    pub(crate) metric: String,
    pub(crate) dimensions: Match,
}

/// How a series' dimensions are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// They are these, and no others.
    Exactly(Dimensions),
    /// These are among them.
    AtLeast(Dimensions),
}

impl Match {
    fn accepts(&self, dimensions: &Dimensions) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == dimensions,
            Self::AtLeast(wanted) => wanted
                .iter()
                .all(|(name, value)| dimensions.get(name) == Some(value)),
        }
    }
}

/// Finds series by name. Holds as many as it is allowed to.
#[derive(Debug)]
pub(crate) struct SeriesIndex {
    by_name: HashMap<String, HashMap<String, Vec<(Dimensions, SeriesId)>>>,
    next: u64,
    len: usize,
    capacity: usize,
}

impl SeriesIndex {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            by_name: HashMap::new(),
            next: 0,
            len: 0,
            capacity,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The series, if it is known.
    pub(crate) fn find(
        &self,
        namespace: &str,
        metric: &str,
        dimensions: &Dimensions,
    ) -> Option<SeriesId> {
        self.named(namespace, metric)
            .iter()
            .find_map(|(known, id)| (known == dimensions).then_some(*id))
    }

    /// Makes a series that is not known yet; nothing when there are as many as allowed, or its names
    /// are too long to keep.
    pub(crate) fn insert(
        &mut self,
        namespace: &str,
        metric: &str,
        dimensions: Dimensions,
    ) -> Option<SeriesId> {
        if self.len >= self.capacity || name_bytes(namespace, metric, &dimensions) > MAX_NAME_BYTES
        {
            return None;
        }
        let id = SeriesId(self.next);
        self.next += 1;
        self.len += 1;
        self.by_name
            .entry(namespace.to_owned())
            .or_default()
            .entry(metric.to_owned())
            .or_default()
            .push((dimensions, id));
        Some(id)
    }

    /// The series that `selector` means.
    pub(crate) fn select(&self, selector: &Selector) -> Vec<SeriesId> {
        self.named(&selector.namespace, &selector.metric)
            .iter()
            .filter(|(dimensions, _)| selector.dimensions.accepts(dimensions))
            .map(|(_, id)| *id)
            .collect()
    }

    /// Forgets these series.
    pub(crate) fn remove(&mut self, silent: &HashSet<SeriesId>) {
        let len = &mut self.len;
        for metrics in self.by_name.values_mut() {
            metrics.retain(|_, series| {
                let before = series.len();
                series.retain(|(_, id)| !silent.contains(id));
                *len -= before - series.len();
                !series.is_empty()
            });
        }
        self.by_name.retain(|_, metrics| !metrics.is_empty());
    }

    fn named(&self, namespace: &str, metric: &str) -> &[(Dimensions, SeriesId)] {
        self.by_name
            .get(namespace)
            .and_then(|metrics| metrics.get(metric))
            .map_or(&[], Vec::as_slice)
    }
}

fn name_bytes(namespace: &str, metric: &str, dimensions: &Dimensions) -> usize {
    let pairs = dimensions
        .iter()
        .map(|(name, value)| name.len() + value.len());
    namespace.len() + metric.len() + pairs.sum::<usize>()
}
