//! Globs of the data, compiled once a thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use globset::{GlobBuilder, GlobMatcher};

/// A glob without braces that hold a slash: the folder that it begins with, and what is matched.
#[derive(Debug)]
pub(super) struct FileGlob {
    /// The folder in plain letters.
    pub(super) folder: String,
    /// Whether only files right in that folder fit.
    pub(super) flat: bool,
    matcher: GlobMatcher,
}

impl FileGlob {
    /// As it is written.
    pub(super) fn text(&self) -> &str {
        self.matcher.glob().glob()
    }

    /// Whether a path, seen from where the glob starts, fits.
    pub(super) fn is_match(&self, path: &str) -> bool {
        self.matcher.is_match(path)
    }
}

thread_local! {
    static KNOWN: RefCell<HashMap<String, Rc<Vec<FileGlob>>>> = RefCell::default();
}

/// The globs that a text stands for: braces are taken apart.
pub(super) fn globs(text: &str) -> Rc<Vec<FileGlob>> {
    let text = text.strip_prefix("../").unwrap_or(text).trim_start_matches(['^', '/']);
    if let Some(known) = KNOWN.with_borrow(|known| known.get(text).cloned()) {
        return known;
    }
    let globs: Rc<Vec<FileGlob>> = Rc::new(alternatives(text).iter().filter_map(|one| glob(one)).collect());
    KNOWN.with_borrow_mut(|known| known.insert(text.to_owned(), Rc::clone(&globs)));
    globs
}

fn glob(text: &str) -> Option<FileGlob> {
    let matcher = GlobBuilder::new(text).literal_separator(true).build().ok()?.compile_matcher();
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", text));
    let plain = |text: &str| !text.contains(['*', '?', '[', '{']);
    let flat = plain(folder) && !name.contains("**");
    let begins: Vec<&str> = folder.split('/').take_while(|part| plain(part)).collect();
    Some(FileGlob { folder: if flat { folder.to_owned() } else { begins.join("/") }, flat, matcher })
}

/// `a{b,c}d` is `abd` and `acd`.
fn alternatives(text: &str) -> Vec<String> {
    let Some((open, close)) = text.find('{').and_then(|open| Some((open, open + text[open..].find('}')?))) else {
        return vec![text.to_owned()];
    };
    let rest = alternatives(&text[close + 1..]);
    let inner = text[open + 1..close].split(',');
    inner.flat_map(|one| rest.iter().map(move |rest| format!("{}{one}{rest}", &text[..open]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_taken_apart_and_folders_are_known() {
        let found = globs("^{a,b/c}.{x,y}");
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|one| one.flat));
        assert_eq!(found[2].folder, "b");
        let deep = globs("a/**/*.x");
        assert!(!deep[0].flat && deep[0].folder == "a" && deep[0].is_match("a/b/c.x") && deep[0].is_match("a/c.x"));
    }
}
