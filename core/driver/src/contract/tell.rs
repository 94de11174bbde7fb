//! Saying events of a contract.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;
use sio_core::id::SocketId;

use super::{ClientToServer, Given, ServerToClient};
#[cfg(feature = "blocking")]
use crate::client::blocking::{self, WaitError};
use crate::client::{self, Emitter, First, Sent};
use crate::error::{AckError, EmitError};
use crate::handle::{
    AckFuture, Direct, Io, Namespace, ParentNamespace, Replies, RepliesFuture, Socket, To,
    ToChildren,
};

/// The answer to an event of a contract, of one.
///
/// The event is on its way already. Dropping the future is always safe; the answer is ignored then.
#[must_use = "the event is sent, but nobody waits for the answer"]
#[derive(Debug)]
pub struct Answer<T>(AckFuture<(T,)>);

impl<T: DeserializeOwned> Future for Answer<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.0).poll(cx);
        answer.map_ok(|(answer,)| answer)
    }
}

/// The answers to an event of a contract, of all it was for.
#[must_use = "the event is sent, but nobody waits for the answers"]
#[derive(Debug)]
pub struct Answers<T>(RepliesFuture<(T,)>);

impl<T: DeserializeOwned> Future for Answers<T> {
    type Output = Result<Replies<T>, EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let replies = Pin::new(&mut self.0).poll(cx);
        replies.map_ok(|replies| {
            let bare = |answer: Result<(T,), AckError>| answer.map(|(answer,)| answer);
            let named = |(id, answer): (SocketId, _)| (id, bare(answer));
            Replies {
                answers: replies.answers.into_iter().map(named).collect(),
                others: replies.others.into_iter().map(bare).collect(),
                missing: replies.missing,
                silent_nodes: replies.silent_nodes,
            }
        })
    }
}

macro_rules! tell_method {
    ($type:ty, $direction:ident, $said:ty) => {
        impl $type {
            /// Emits an event of a [contract](mod@crate::contract), as [`emit`](Self::emit) does.
            ///
            /// # Errors
            /// As [`emit`](Self::emit).
            pub fn tell<E: $direction>(
                &self,
                args: &impl Given<E::Args>,
            ) -> Result<$said, EmitError> {
                self.emit(E::NAME, args)
            }
        }
    };
}

macro_rules! ask_method {
    ($type:ty, $direction:ident, $answer:ident) => {
        impl $type {
            /// Emits an event of a [contract](mod@crate::contract) that has an answer, as
            /// [`emit_with_ack`](Self::emit_with_ack) does.
            pub fn ask<E: $direction<Ack: DeserializeOwned>>(
                &self,
                args: &impl Given<E::Args>,
            ) -> $answer<E::Ack> {
                $answer(self.emit_with_ack(E::NAME, args))
            }
        }
    };
}

tell_method!(Socket, ServerToClient, ());
tell_method!(Direct, ServerToClient, ());
tell_method!(To, ServerToClient, ());
tell_method!(Namespace, ServerToClient, ());
tell_method!(Io, ServerToClient, ());
tell_method!(ParentNamespace, ServerToClient, ());
tell_method!(ToChildren, ServerToClient, ());
tell_method!(client::Socket, ClientToServer, ());
tell_method!(Emitter, ClientToServer, Sent);
tell_method!(First, ClientToServer, ());

#[cfg(feature = "blocking")]
macro_rules! ask_and_wait_method {
    ($type:ty) => {
        impl $type {
            /// Emits an event of a [contract](mod@crate::contract) that has an answer, as
            /// [`emit_with_ack`](Self::emit_with_ack) does, and waits for it.
            ///
            /// # Errors
            /// As [`emit_with_ack`](Self::emit_with_ack).
            pub fn ask<E: ClientToServer<Ack: DeserializeOwned>>(
                &self,
                args: &impl Given<E::Args>,
            ) -> Result<E::Ack, WaitError<AckError>> {
                let (answer,) = self.emit_with_ack(E::NAME, args)?;
                Ok(answer)
            }
        }
    };
}

ask_method!(Socket, ServerToClient, Answer);
ask_method!(Direct, ServerToClient, Answer);
ask_method!(To, ServerToClient, Answers);
ask_method!(Namespace, ServerToClient, Answers);
ask_method!(Io, ServerToClient, Answers);
ask_method!(client::Socket, ClientToServer, Answer);
ask_method!(Emitter, ClientToServer, Answer);
ask_method!(First, ClientToServer, Answer);

#[cfg(feature = "blocking")]
ask_and_wait_method!(blocking::Socket);
#[cfg(feature = "blocking")]
ask_and_wait_method!(blocking::Emitter);
