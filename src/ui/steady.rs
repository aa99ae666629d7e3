//! Lines about what takes long, where nobody sees rows: a log of CI that stands still looks like a run that hangs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::Ui;
use crate::text::plain_line;

/// What takes longer gets a line, and another one each time that this has passed again.
const LONG: Duration = Duration::from_secs(20);

/// What is going on, by row: what it is about, since when, and how many lines it has had.
type Rows = Mutex<BTreeMap<String, (String, Instant, u32)>>;

/// What is going on; the lines end when it is dropped.
#[derive(Debug)]
pub struct Steady(Arc<Rows>);

impl Steady {
    /// Nothing yet.
    #[must_use]
    pub fn new(ui: Ui) -> Self {
        let rows: Arc<Rows> = Arc::default();
        let seen = Arc::downgrade(&rows);
        // Without a thread there are no lines, and nothing else is missing.
        let _ = std::thread::Builder::new().spawn(move || tell(ui, &seen));
        Self(rows)
    }

    /// Says what a row is about from now on.
    pub fn now(&self, row: &str, text: &str) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = rows.get(row).is_some_and(|(before, ..)| before.split(':').next() == text.split(':').next());
        match rows.get_mut(row) {
            // How far it has come is no other step.
            Some(known) if same => text.clone_into(&mut known.0),
            _ => drop(rows.insert(row.to_owned(), (text.to_owned(), Instant::now(), 0))),
        }
    }

    /// Takes a row away.
    pub fn done(&self, row: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(row);
    }
}

fn tell(ui: Ui, rows: &Weak<Rows>) {
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let Some(rows) = rows.upgrade() else { return };
        for (row, (text, since, told)) in rows.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if since.elapsed() < LONG * (*told + 1) {
                continue;
            }
            *told += 1;
            ui.say(&format!("  still {}: {} ({} s)\n", plain_line(row), plain_line(text), since.elapsed().as_secs()));
        }
    }
}
