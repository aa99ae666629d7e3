//! How many checks run at once: containers wait more than they work, but those that compile or test want a processor each.
//!
//! On two processors python's contracts took 36 s with three checks at once, 26 s with five, and no less with more. With five
//! of Java's on a busy machine, a start that takes seven seconds took a minute. So a few checks always run, and more run
//! where the machine has room.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::lab::pace;

/// How often a check that waits for its turn looks again.
const LOOK: Duration = Duration::from_millis(200);

/// With so many threads that want each processor, there is no room for more.
const FULL: f64 = 1.5;

/// The checks that run.
pub(super) struct Turns {
    running: AtomicUsize,
    always: usize,
    most: usize,
}

/// One check's turn; it ends when this is dropped.
pub(super) struct Turn<'a>(&'a AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    /// On an engine with so many processors.
    pub(super) fn of(processors: u64) -> Self {
        let processors = usize::try_from(processors).unwrap_or(1).clamp(1, 4);
        Self { running: AtomicUsize::new(0), always: processors, most: 2 * processors + 1 }
    }

    /// How many may run at once where there is room.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The next turn, when there is one.
    pub(super) async fn next(&self) -> Turn<'_> {
        self.next_if(|| pace::slowness() < FULL).await
    }

    async fn next_if(&self, has_room: impl Fn() -> bool) -> Turn<'_> {
        loop {
            let running = self.running.load(Ordering::Relaxed);
            let may = running < self.always || running < self.most && has_room();
            let taken = may
                && self.running.compare_exchange(running, running + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if taken {
                return Turn(&self.running);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_than_a_few_run_only_where_there_is_room() {
        let turns = Turns::of(2);
        let waits = async |has_room: bool| {
            tokio::time::timeout(LOOK * 2, turns.next_if(|| has_room)).await.map_err(|_| "it waits")
        };
        let (_one, _two) = (waits(false).await.unwrap(), waits(false).await.unwrap());
        assert!(waits(false).await.is_err());
        let more = [waits(true).await.unwrap(), waits(true).await.unwrap(), waits(true).await.unwrap()];
        assert!(waits(true).await.is_err(), "five are the most on two processors");
        drop(more);
        assert!(waits(true).await.is_ok());
    }
}
