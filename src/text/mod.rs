//! What every module does with files, paths and words: read a file with a limit, name a place in it, clean a path, guess
//! which word was meant, list things, take an image's name apart. Knows nothing of dockwright.

mod file;
mod image;
mod path;
mod place;
mod words;

pub use file::{SMALL, Unreadable, Why, read, read_text};
pub use image::ImageName;
pub use path::{clean, join};
pub use place::{Place, Placed, column_of, line_of};
pub use words::{listed, nearest};
