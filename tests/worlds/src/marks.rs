//! What worlds have to reach: where nothing of it happens, nothing of it is proven.

use std::fmt;

/// Marks that a world has reached.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks(u64);

macro_rules! marks {
    ($($(#[$doc:meta])* $mark:ident,)*) => {
        /// Something that has to happen in some world.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Mark {
            $($(#[$doc])* $mark,)*
        }

        const ALL: &[Mark] = &[$(Mark::$mark,)*];

        /// The names of all marks.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($mark),)*];
    };
}

marks! {
    /// An ack outlived its socket.
    AckOutlived,
    /// A client that waited was not answered in time.
    AckTimedOut,
    /// As many acks waited as may.
    TooManyAcks,
    /// A session went over to its WebSocket with packets queued.
    UpgradedWithBacklog,
    /// A second WebSocket was sent away.
    SecondCandidate,
    /// One was cut before it had taken over.
    CandidateCut,
    /// A volatile packet was dropped.
    VolatileDropped,
    /// A client was closed that reads too slowly.
    SlowReader,
    /// A ping was missed.
    PingTimeout,
    /// A client joined no namespace in time.
    NotJoined,
    /// A packet's attachments did not come.
    Incomplete,
    /// Nobody decided over a namespace.
    Undecided,
    /// Somebody decided after that.
    DecidedTooLate,
    /// Somebody was in as many rooms as may be.
    TooManyRooms,
    /// A handshake was refused for want of room.
    TurnedAway,
    /// A request came by the id of a session that is over.
    StrangeRequest,
    /// The server had died with clients on it.
    ServerDied,
    /// What came while the server stood still lay there.
    LayThere,
    /// A client had said something while it was away, and it came.
    SaidWhileAway,
    /// A socket was taken out with something on its way to it.
    TakenOutBehindWords,
    /// Who read slowly was waited for.
    ReadSlowly,
    /// Who reads nothing went over to its WebSocket with packets queued.
    SlowUpgrade,
    /// A graceful end was waited for.
    EndAwaited,
    /// A client that talks and answers no ping was let go of.
    TalkedOnly,
    /// A client brought a namespace into being.
    BroughtIntoBeing,
    /// A handshake was let in late, and one over which nobody decided was not.
    AdmittedLate,
    KnockedInVain,
    /// A broadcast left its sender or a room out.
    LeftOut,
    /// A client came back as who it was, and one did whose socket was there still.
    Recovered,
    RecoveredElsewhere,
    /// It was told what it had missed.
    MissedSomething,
    /// A client came back as another.
    NotRecovered,
    /// A client was told that its server's name is not known, and another waited for that in vain.
    NotFound,
    NeverFound,
    /// A client was never told where to dial, by which credentials, or what to say first.
    DialForgotten,
    AuthForgotten,
    FirstWordForgotten,
    /// A socket said its first word before what it had kept.
    FirstWord,
    /// A client's machine was suspended for longer than a heartbeat.
    Suspended,
    /// The server stood still when a ping waited that nobody had fetched.
    StoppedAtPing,
    /// A parent said late that it has a child, and the child was there by then.
    NamedLate,
    /// A client presented what it had before it came back.
    FromBefore,
}

impl Marks {
    pub(crate) const fn reach(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u64;
    }

    /// Those of several worlds.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is reached by none of them.
    pub fn missing(self) -> Vec<String> {
        let missing = ALL.iter().filter(|mark| !self.has(**mark));
        missing.map(|mark| format!("{mark:?}")).collect()
    }

    /// The names of what is reached.
    pub fn reached(self) -> impl Iterator<Item = &'static str> {
        let all = ALL.iter().zip(NAMES);
        all.filter(move |(mark, _)| self.has(**mark))
            .map(|(_, name)| *name)
    }

    const fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u64) != 0
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.reached()).finish()
    }
}
