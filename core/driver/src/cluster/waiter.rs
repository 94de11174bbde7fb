//! Who waits for the answer to a question.

use std::collections::BTreeSet;

use sio_cluster::message::Reply;
use sio_cluster::node::{Answers as Told, End};
use sio_core::id::SocketId;
use sio_core::packet::Args;

use super::told;
use crate::adapter::{AdapterError, Answers, Gathered, RemoteSocket, ServerAnswer};
use crate::sync::one_shot::Answer;

pub(super) type Gives<T> = Answer<Result<Gathered<T>, AdapterError>>;

/// Who waits, with what is known here.
#[derive(Debug)]
pub(super) enum Waiter {
    Sockets(Vec<RemoteSocket>, Gives<Vec<RemoteSocket>>),
    Ids(Vec<SocketId>, Gives<Vec<SocketId>>),
    Number(usize, Gives<usize>),
    Rooms(Vec<String>, Gives<Vec<String>>),
    Servers(Gives<Vec<ServerAnswer>>),
    RoomsOf(Answer<Result<Vec<String>, AdapterError>>),
    One(Answer<Result<(), AdapterError>>),
    /// The server of one node.
    Server(Answer<Result<Args, AdapterError>>),
    Clients(Answers),
    Heard(Answer<()>),
}

/// Why other nodes could not be asked.
pub(super) fn unreachable(end: End) -> AdapterError {
    let why = match end {
        End::Refused => "too many questions are open (max_open_questions)",
        End::Closed => "the server has closed",
        End::Down | End::Counted | End::Timeout | _ => "the broker is away",
    };
    AdapterError::Unreachable(why.to_owned())
}

/// Why nobody has said that it has that socket.
fn nowhere(end: End) -> AdapterError {
    match end {
        End::Down | End::Refused | End::Closed => unreachable(end),
        End::Counted | End::Timeout | _ => AdapterError::Nowhere,
    }
}

/// Why the one node that was asked has not answered.
fn unanswered(end: End) -> AdapterError {
    match end {
        End::Down | End::Refused | End::Closed => unreachable(end),
        End::Counted => AdapterError::NoNode,
        End::Timeout | _ => AdapterError::Timeout,
    }
}

impl Waiter {
    /// Where clients' answers come together, if it is these that are awaited.
    pub(super) fn answers(&self) -> Option<Answers> {
        match self {
            Self::Clients(answers) => Some(answers.clone()),
            Self::Sockets(..)
            | Self::Ids(..)
            | Self::Number(..)
            | Self::Rooms(..)
            | Self::Servers(_)
            | Self::RoomsOf(_)
            | Self::One(_)
            | Self::Server(_)
            | Self::Heard(_) => None,
        }
    }

    /// Nobody could be asked, for this reason, or nobody hears what they answer: what is known here is told. `unknown`
    /// is how many nodes are silent.
    pub(super) fn lost(self, why: &AdapterError, unknown: usize) {
        match self {
            Self::Sockets(all, answer) => answer.give(Ok(Gathered::new(all, unknown))),
            Self::Ids(all, answer) => answer.give(Ok(Gathered::new(all, unknown))),
            Self::Number(here, answer) => answer.give(Ok(Gathered::new(here, unknown))),
            Self::Rooms(all, answer) => answer.give(Ok(Gathered::new(all, unknown))),
            Self::Servers(answer) => answer.give(Err(why.clone())),
            Self::RoomsOf(answer) => answer.give(Err(why.clone())),
            Self::One(answer) => answer.give(Err(why.clone())),
            Self::Server(answer) => answer.give(Err(why.clone())),
            Self::Clients(answers) => answers.silent(unknown),
            Self::Heard(answer) => answer.give(()),
        }
    }

    /// Tells what has come; `unknown` is how many nodes are silent where nobody could be asked.
    pub(super) fn end(self, namespace: &str, told: Told, unknown: usize) {
        let silent = told.silent_nodes.map_or(unknown, number);
        let replies = told.got.into_iter();
        match self {
            Self::Sockets(mut all, answer) => {
                for answer in replies {
                    if let Reply::Sockets(sockets) = answer.reply {
                        let sockets = sockets.iter();
                        all.extend(sockets.map(|it| told::remote_socket(namespace, it)));
                    }
                }
                answer.give(Ok(Gathered::new(all, silent)));
            }
            Self::Ids(mut all, answer) => {
                for answer in replies {
                    if let Reply::Ids(ids) = answer.reply {
                        all.extend(ids.iter().map(|id| SocketId::told(id)));
                    } else if let Reply::Sockets(sockets) = answer.reply {
                        all.extend(sockets.iter().map(|it| SocketId::told(&it.id)));
                    }
                }
                answer.give(Ok(Gathered::new(all, silent)));
            }
            Self::Number(here, answer) => {
                let mut all = here;
                for answer in replies {
                    if let Reply::Ids(ids) = answer.reply {
                        all = all.saturating_add(ids.len());
                    } else if let Reply::Sockets(sockets) = answer.reply {
                        all = all.saturating_add(sockets.len());
                    }
                }
                answer.give(Ok(Gathered::new(all, silent)));
            }
            Self::Rooms(here, answer) => {
                let mut all: BTreeSet<String> = here.into_iter().collect();
                for answer in replies {
                    if let Reply::Rooms(rooms) = answer.reply {
                        all.extend(rooms);
                    }
                }
                answer.give(Ok(Gathered::new(all.into_iter().collect(), silent)));
            }
            // There were only the others to ask.
            Self::Servers(answer)
                if replies.len() == 0
                    && matches!(told.end, End::Down | End::Refused | End::Closed) =>
            {
                answer.give(Err(unreachable(told.end)));
            }
            Self::Servers(answer) => {
                let mut all = Vec::new();
                for answer in replies {
                    if let Reply::Value(args) = answer.reply {
                        let node = answer.from.map(|uid| uid.as_str().to_owned());
                        all.push(ServerAnswer::new(node, args));
                    }
                }
                answer.give(Ok(Gathered::new(all, silent)));
            }
            Self::RoomsOf(answer) => {
                let mut found = Err(nowhere(told.end));
                for answer in replies {
                    if let Reply::Rooms(rooms) = answer.reply {
                        found = Ok(rooms);
                    }
                }
                answer.give(found);
            }
            Self::One(answer) => {
                let done = replies.len() > 0;
                answer.give(done.then_some(()).ok_or_else(|| nowhere(told.end)));
            }
            Self::Server(answer) => {
                let mut found = Err(unanswered(told.end));
                for answer in replies {
                    if let Reply::Value(args) = answer.reply {
                        found = Ok(args);
                    }
                }
                answer.give(found);
            }
            Self::Clients(answers) => {
                let mut asked = number(told.missing);
                for answer in replies {
                    if let Reply::Ack { from, args } = answer.reply {
                        asked = asked.saturating_add(1);
                        answers.answer(from.map(|id| SocketId::told(&id)), Ok(args));
                    }
                }
                answers.expect(asked);
                answers.silent(silent);
            }
            Self::Heard(answer) => answer.give(()),
        }
    }
}

fn number(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
