//! Time on a busy machine. Where more threads want to run than there are processors, everything takes longer, and that breaks
//! no promise. So a [`Watch`] goes slower the more there is to run: whatever is waited for has as long as it would have on a
//! machine of its own.
//!
//! The number of runnable threads is the fourth field of `/proc/loadavg` (proc(5)). Where there is no such file, a watch goes
//! as clocks do. Of an engine on another machine, only the load of this one is known.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::text;

/// A watch goes at most so many times slower than a clock.
const SLOWEST: f64 = 10.0;

/// How often a watch is looked at by those who wait.
const TICK: Duration = Duration::from_millis(100);

/// Counts the time since it was started, as the machine has it.
pub(crate) struct Watch {
    started: Instant,
    read: Mutex<Read>,
}

/// What the watch showed when it was last looked at.
struct Read {
    at: Instant,
    shown: Duration,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, read: Mutex::new(Read { at: now, shown: Duration::ZERO }) }
    }

    /// What it shows. It is right as far as somebody looks at it now and then.
    pub(crate) fn elapsed(&self) -> Duration {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let passed = (now - read.at).div_f64(slowness());
        read.shown += passed;
        read.at = now;
        read.shown
    }

    /// The time since it was started, for people.
    pub(crate) fn by_clock(&self) -> Duration {
        self.started.elapsed()
    }

    /// How many times slower than a clock it went so far: 1 where the machine had nothing else to do.
    pub(crate) fn slowness(&self) -> f64 {
        let shown = self.elapsed().as_secs_f64();
        if shown > 0.0 { self.started.elapsed().as_secs_f64() / shown } else { 1.0 }
    }
}

/// Waits until a watch would show so much.
pub(crate) async fn pause(length: Duration) {
    let watch = Watch::start();
    loop {
        let left = length.saturating_sub(watch.elapsed());
        if left.is_zero() {
            return;
        }
        sleep(left.min(TICK)).await;
    }
}

/// What comes of some work; none if a watch shows more than `length` before.
pub(crate) async fn within<T>(length: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = Box::pin(work);
    tokio::select! {
        biased;
        done = &mut work => Some(done),
        () = pause(length) => None,
    }
}

/// A length of time for somebody else's clock, as long as it would be on a watch that goes on as slowly as now.
pub(crate) fn stretched(length: Duration) -> Duration {
    length.mul_f64(slowness())
}

/// How many threads want to run for each processor of this machine, at the moment; this one aside, and at least one.
pub(crate) fn slowness() -> f64 {
    let line = text::read_text(Path::new("/proc/loadavg"), text::SMALL).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    runnable(&line).map_or(1.0, |threads| share(threads.saturating_sub(1), processors))
}

fn share(threads: u32, processors: usize) -> f64 {
    (f64::from(threads) / f64::from(u32::try_from(processors).unwrap_or(u32::MAX))).clamp(1.0, SLOWEST)
}

/// The runnable threads of a line such as `0.20 0.18 0.12 1/80 11206`.
fn runnable(line: &str) -> Option<u32> {
    line.split_whitespace().nth(3)?.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_slow_where_there_is_more_to_run_than_processors() {
        assert_eq!(runnable("0.20 0.18 0.12 11/80 11206\n"), Some(11));
        assert!(["", "0.20 0.18", "a b c d e"].iter().all(|line| runnable(line).is_none()));
        for (threads, processors, slower) in [(0, 2, 1.0), (2, 2, 1.0), (3, 2, 1.5), (20, 2, 10.0), (900, 2, 10.0)] {
            assert!((share(threads, processors) - slower).abs() < f64::EPSILON, "{threads} on {processors}");
        }
    }

    #[tokio::test]
    async fn a_watch_never_goes_faster_than_a_clock() {
        let (clock, watch) = (Instant::now(), Watch::start());
        pause(Duration::from_millis(120)).await;
        assert!(clock.elapsed() >= Duration::from_millis(120) && watch.elapsed() <= clock.elapsed());
        assert!(watch.slowness() >= 1.0);
        assert_eq!(within(Duration::from_mins(1), async { 7 }).await, Some(7));
        assert_eq!(within(Duration::from_millis(1), std::future::pending::<()>()).await, None);
    }
}
