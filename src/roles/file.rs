//! A rendered file.

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative to the project's folder, with `/`.
    pub path: String,
    /// Its bytes.
    pub contents: Vec<u8>,
    /// Whether it is to be executable.
    pub executable: bool,
    /// The role it is for; `None`: for all of them.
    pub role: Option<&'static str>,
}

impl File {
    pub(crate) fn text(path: impl Into<String>, text: String) -> Self {
        let mut contents = text.into_bytes();
        if contents.last() != Some(&b'\n') {
            contents.push(b'\n');
        }
        Self { path: path.into(), contents, executable: false, role: None }
    }
}
