//! Lines on their way to standard output, which a thread of its own writes.
//!
//! Who logs puts a line with the others and goes on. The thread is woken for the first of them, waits a moment for more,
//! and writes them together: to wake it for each line took a tenth of the requests that a service can answer (`make bench
//! BENCH=services`, with `RUST_LOG=warn` beside it).

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that wait for a standard output that is full, besides as many that are being written, before new lines are
/// dropped: minutes of a busy service.
const MOST_WAITING: usize = 4 * 1024 * 1024;
/// Room that is kept for lines once all are written.
const ROOM_KEPT: usize = 64 * 1024;
/// How long the thread waits for more lines. Whoever reads the log notices nothing of it.
const GATHERING: Duration = Duration::from_millis(10);

/// Where lines are put. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: usize,
    /// No more come.
    is_last: bool,
    /// All of them were written, or cannot be.
    is_done: bool,
}

impl Lines {
    /// Lines that a thread writes to `output`.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn to(output: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self(Arc::default());
        let shared = Arc::clone(&lines.0);
        let writer = thread::Builder::new().name("log".to_owned());
        writer.spawn(move || shared.write_to(output))?;
        Ok(lines)
    }

    /// Lines that were dropped because too many waited.
    pub(super) fn dropped(&self) -> usize {
        self.0.lock().dropped
    }

    /// Writes what waits, and returns when that is done, after `patience` at the latest: a standard output that is full
    /// may be so for ever.
    pub(super) fn end(&self, patience: Duration) {
        let mut waiting = self.0.lock();
        waiting.is_last = true;
        self.0.changed.notify_all();
        let is_not_done = |it: &mut Waiting| !it.is_done;
        let waited = self
            .0
            .changed
            .wait_timeout_while(waiting, patience, is_not_done);
        drop(waited);
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.bytes.len() + line.len() > MOST_WAITING {
            waiting.dropped += 1;
        } else {
            waiting.bytes.extend_from_slice(line);
            if waiting.bytes.len() == line.len() {
                self.0.changed.notify_all();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn write_to(&self, mut output: impl Write) {
        let mut taken = Vec::new();
        while self.take(&mut taken) {
            // There is nowhere to tell of it: this is where it would be told.
            output.write_all(&taken).and_then(|()| output.flush()).ok();
            taken.clear();
            taken.shrink_to(ROOM_KEPT);
        }
        self.lock().is_done = true;
        self.changed.notify_all();
    }

    /// Waits for lines and takes them all; false when there are none and no more will come.
    fn take(&self, into: &mut Vec<u8>) -> bool {
        let is_empty = |it: &mut Waiting| it.bytes.is_empty() && !it.is_last;
        let waiting = self.changed.wait_while(self.lock(), is_empty);
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let is_open = |it: &mut Waiting| !it.is_last;
        let gathered = self.changed.wait_timeout_while(waiting, GATHERING, is_open);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut waiting.bytes, into);
        !into.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// An output that tells of each write, and waits for leave to do the next.
    struct Slow {
        written: Sender<Vec<u8>>,
        leave: Receiver<()>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.leave.recv().map_err(io::Error::other)?;
            self.written
                .send(bytes.to_vec())
                .map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Slow, Sender<()>, Receiver<Vec<u8>>) {
        let (written, told) = mpsc::channel();
        let (give, leave) = mpsc::channel();
        (Slow { written, leave }, give, told)
    }

    #[test]
    fn what_was_logged_is_written_in_order_before_the_end() {
        let (output, leave, written) = slow();
        let mut lines = Lines::to(output).unwrap();
        for number in 0..1_000 {
            writeln!(lines, "{number}").unwrap();
            leave.send(()).unwrap();
        }
        lines.end(PATIENCE);
        let all: Vec<u8> = written.try_iter().flatten().collect();
        let expected: String = (0..1_000).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(all).unwrap(), expected);
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted_and_the_rest_is_written() {
        let (output, leave, written) = slow();
        let mut lines = Lines::to(output).unwrap();
        let megabyte = vec![b'x'; 1024 * 1024];
        // At most 4 of them are taken, and 4 wait: the output waits for leave.
        for _ in 0..20 {
            lines.write_all(&megabyte).unwrap();
        }
        let dropped = lines.dropped();
        assert!((12..=19).contains(&dropped), "{dropped}");
        (0..20).try_for_each(|_| leave.send(())).unwrap();
        lines.end(PATIENCE);
        let all: usize = written.try_iter().map(|it| it.len()).sum();
        assert_eq!(all, (20 - dropped) * megabyte.len());
    }

    #[test]
    fn an_output_that_nobody_reads_does_not_hold_up_the_end() {
        let (output, leave, _written) = slow();
        let mut lines = Lines::to(output).unwrap();
        lines.write_all(b"a line").unwrap();
        lines.end(Duration::from_millis(20));
        drop(leave);
        lines.end(PATIENCE);
        assert!(lines.0.lock().is_done);
    }
}
