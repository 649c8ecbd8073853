//! Locks and atomic numbers, as far as decisions hang on them: std's.
//!
//! This crate's own tests have shuttle's in their place. Shuttle runs threads one at a time and
//! chooses, at every use of these types, which goes on: so the tests in `models` meet orders that real
//! threads would show once in a million runs. What is built without `cfg(test)` knows nothing of it.

#[cfg(not(test))]
pub(crate) use self::real::thread_number;
#[cfg(not(test))]
pub(crate) use arc_swap::ArcSwap;
#[cfg(not(test))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU32, AtomicU64},
};

#[cfg(test)]
pub(crate) use self::modelled::{ArcSwap, thread_number};
#[cfg(test)]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU32, AtomicU64},
};

#[cfg(not(test))]
mod real {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    /// Number of the current thread, among those that ever asked for theirs.
    pub(crate) fn thread_number() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static OWN: usize = NEXT.fetch_add(1, Relaxed));
        OWN.with(|own| *own)
    }
}

#[cfg(test)]
mod modelled {
    use std::sync::Arc;

    use super::Mutex;

    /// The same in every run of a schedule.
    pub(crate) fn thread_number() -> usize {
        shuttle::thread::current().id().into()
    }

    /// What shuttle lacks: a pointer that is read and replaced as a whole.
    pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

    impl<T> ArcSwap<T> {
        pub(crate) fn from_pointee(value: T) -> Self {
            Self(Mutex::new(Arc::new(value)))
        }

        pub(crate) fn load(&self) -> Arc<T> {
            self.load_full()
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            Arc::clone(&self.0.lock().unwrap())
        }

        pub(crate) fn store(&self, value: Arc<T>) {
            *self.0.lock().unwrap() = value;
        }
    }
}
