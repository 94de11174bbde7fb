//! A property that does not hold.

use std::fmt;

/// What has to hold in every world, by the name that a failure prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// What a socket received is a prefix of what was sent to it, attachments whole, across an upgrade.
    Prefix,
    /// Every emit with ack ends once, by its time, with its own socket's answer.
    Ack,
    /// A broadcast reaches exactly whom a map of sets says, each once.
    Reach,
    /// Connecting, connected, disconnecting, disconnected, once each; no event outside.
    Life,
    /// Every request and every ticket is answered once, in time.
    Answer,
    /// No connection ends without a cause that the world made.
    Blame,
    /// Who is gone is let go within its deadline.
    Dead,
    /// What is volatile is dropped if the client was not ready, else delivered.
    Volatile,
    /// What was accepted before a graceful end arrives before it.
    Farewell,
    /// Nothing goes beyond its limit, and nothing is refused before it.
    Bounds,
    /// No deadline in the past, no spinning, no work that nobody is told of.
    Pace,
    /// No request reaches another's session.
    Secret,
    /// After the last fault both sides agree in time, and all that was accepted has arrived.
    Heal,
    /// When all have left nothing remains.
    Rest,
    /// What arrived before a process stood still counts before deadlines do.
    Patience,
    /// Who comes back is told what it missed, once and in order, or there is a reason why not.
    Recovery,
    /// What is said at one node is heard at the others, once and in its order, or it is said that it may not be.
    Cluster,
    /// What a history leads to in the core and in the driver's tasks is the same.
    Levels,
    /// One source of choices, one trace.
    Same,
    /// No input is too much for a machine: none panics.
    Total,
}

impl Property {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Prefix,
        Self::Ack,
        Self::Reach,
        Self::Life,
        Self::Answer,
        Self::Blame,
        Self::Dead,
        Self::Volatile,
        Self::Farewell,
        Self::Bounds,
        Self::Pace,
        Self::Secret,
        Self::Heal,
        Self::Rest,
        Self::Patience,
        Self::Recovery,
        Self::Cluster,
        Self::Levels,
        Self::Same,
        Self::Total,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Ack => "ack",
            Self::Reach => "reach",
            Self::Life => "life",
            Self::Answer => "answer",
            Self::Blame => "blame",
            Self::Dead => "dead",
            Self::Volatile => "volatile",
            Self::Farewell => "farewell",
            Self::Bounds => "bounds",
            Self::Pace => "pace",
            Self::Secret => "secret",
            Self::Heal => "heal",
            Self::Rest => "rest",
            Self::Patience => "patience",
            Self::Recovery => "recovery",
            Self::Cluster => "cluster",
            Self::Levels => "levels",
            Self::Same => "same",
            Self::Total => "total",
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// That a property does not hold, and how that shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub property: Property,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property, self.seen)
    }
}

/// Ends the world: [`outcome`](crate::outcome) catches it. Not a panic, so that nothing is printed of the many that are seen while
/// a list is made smaller.
pub(crate) fn fail(property: Property, seen: String) -> ! {
    std::panic::resume_unwind(Box::new(Failure { property, seen }))
}

/// Ends the world if something does not hold.
macro_rules! hold {
    ($property:ident, $holds:expr, $($seen:tt)+) => {
        if !$holds {
            $crate::failure::fail($crate::failure::Property::$property, format!($($seen)+));
        }
    };
}

pub(crate) use hold;
