//! Rows on a terminal that are written anew as things happen.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::text::plain_line;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A row per name, in the order in which they first appear; gone from the screen when dropped.
#[derive(Debug, Default)]
pub struct Live {
    rows: MultiProgress,
    bars: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Live {
    /// Says what a row is about now.
    pub fn now(&self, row: &str, text: &str) {
        self.bar(row).set_message(plain_line(text));
    }

    /// A line above the rows, which stays.
    pub fn line(&self, text: &str) {
        // A terminal that is gone needs no error.
        let _ = self.rows.println(text);
    }

    /// Takes a row away.
    pub fn done(&self, row: &str) {
        if let Some(bar) = self.bars.lock().expect("nothing panics with the rows in hand").remove(row) {
            bar.finish_and_clear();
        }
    }

    fn bar(&self, row: &str) -> ProgressBar {
        let mut bars = self.bars.lock().expect("nothing panics with the rows in hand");
        let make = || {
            let style = ProgressStyle::with_template("  {spinner} {prefix:<28} {elapsed:>4}  {wide_msg}");
            let bar = self.rows.add(ProgressBar::new_spinner());
            bar.set_style(style.expect("a template that is right"));
            bar.set_prefix(plain_line(row));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        };
        bars.entry(row.to_owned()).or_insert_with(make).clone()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.rows.clear();
    }
}
