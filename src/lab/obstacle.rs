//! Why something could not be done. What that means for a contract is not known here.

use crate::error::{Error, Result};
use crate::text::Place;

/// What an attempt comes to.
pub(crate) type Attempt<T> = std::result::Result<T, Obstacle>;

/// Why an attempt could not go on.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// The engine failed, or a file cannot be read.
    Engine(Error),
    /// There is nothing to try it with: a role is off, or an image did not build.
    Off(String),
    /// dockwright.toml does not say what has to be known for it; and what to write there.
    Undeclared { why: String, hint: String },
    /// It cannot be seen here, whatever the user's files say.
    Unseen(Box<Reason>),
    /// What the user's files ask for does not work.
    Refused(Box<Reason>),
}

/// What there is to say of it.
#[derive(Debug, Clone)]
pub(crate) struct Reason {
    pub(crate) why: String,
    /// What was wanted, where that is not plain.
    pub(crate) expected: Option<String>,
    /// The line that is to answer for it.
    pub(crate) place: Option<Place>,
    /// The end of a container's log.
    pub(crate) log: Vec<String>,
}

impl Reason {
    /// One sentence without a full stop.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), expected: None, place: None, log: Vec::new() }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub(crate) fn log(mut self, log: Vec<String>) -> Self {
        self.log = log;
        self
    }

    pub(crate) fn unseen(self) -> Obstacle {
        Obstacle::Unseen(Box::new(self))
    }

    pub(crate) fn refused(self) -> Obstacle {
        Obstacle::Refused(Box::new(self))
    }
}

impl Obstacle {
    pub(crate) fn off(why: impl Into<String>) -> Self {
        Self::Off(why.into())
    }

    /// For people.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Engine(error) => error.to_string(),
            Self::Off(why) | Self::Undeclared { why, .. } => why.clone(),
            Self::Unseen(reason) | Self::Refused(reason) => reason.why.clone(),
        }
    }
}

/// What an attempt came to; none where it could not be done.
///
/// # Errors
/// The engine's own.
pub(crate) fn if_possible<T>(attempt: Attempt<T>) -> Result<Option<T>> {
    match attempt {
        Ok(done) => Ok(Some(done)),
        Err(Obstacle::Engine(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// For commands that stop there.
impl From<Obstacle> for Error {
    fn from(obstacle: Obstacle) -> Self {
        let error = Error::description(obstacle.told());
        match obstacle {
            Obstacle::Engine(error) => error,
            Obstacle::Undeclared { hint, .. } => error.hint(hint),
            _ => error,
        }
    }
}
