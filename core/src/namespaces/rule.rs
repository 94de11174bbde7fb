//! By what a parent says for which names it has children.

use super::parameters::Parameters;
use super::pattern::Pattern;

/// Says for which names a parent has children.
pub trait Rule {
    /// Whether it has one of this name. Always the same, of the same name.
    fn judge(&self, name: &str) -> Judgement;
}

/// What a parent says of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// It has a child of the name, with these parameters in it.
    Yes(Parameters),
    /// It has none.
    No,
    /// The application knows.
    Ask,
}

impl Rule for Pattern {
    fn judge(&self, name: &str) -> Judgement {
        self.read(name).map_or(Judgement::No, Judgement::Yes)
    }
}

/// A pattern; none: the application is asked.
impl Rule for Option<Pattern> {
    fn judge(&self, name: &str) -> Judgement {
        match self {
            Some(pattern) => pattern.judge(name),
            None => Judgement::Ask,
        }
    }
}
