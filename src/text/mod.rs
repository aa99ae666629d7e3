//! What every module does with files, paths and words: read a file with a limit, name a place in it, clean a path, guess
//! which word was meant, list things, take an image's name apart. Knows nothing of dockwright.

mod bounds;
mod clean;
mod file;
mod image;
mod path;
mod place;
mod tree;
mod words;

pub use bounds::{Bounds, leads_to};
pub use clean::{json_without_commands, plain, plain_line};
pub use file::{SMALL, Unreadable, Why, begin, open, parts, read, read_text, read_text_in};
pub use image::ImageName;
pub use path::{clean, join};
pub use place::{Place, Placed, column_of, line_of};
pub use tree::each_text;
pub use words::{listed, nearest};
