//! A client that keeps to a contract.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;
use sio_driver::app::AckError;
use sio_driver::contract::{ClientCall, ClientToServer, Given, ServerToClient, Unexpected};

use super::answer::AckFuture;
use super::error::ClientError;
use super::socket::Socket;

impl Socket {
    /// Sends an event of a [contract](mod@sio_driver::contract), as [`emit`](Self::emit) does.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn tell<E: ClientToServer>(&self, args: &impl Given<E::Args>) -> Result<(), ClientError> {
        self.emit(E::NAME, args)
    }

    /// Sends an event of a contract that has an answer, as [`emit_with_ack`](Self::emit_with_ack) does.
    pub fn ask<E: ClientToServer<Ack: DeserializeOwned>>(
        &self,
        args: &impl Given<E::Args>,
    ) -> Answer<E::Ack> {
        Answer(self.emit_with_ack(E::NAME, args))
    }

    /// The next event of a contract that it was sent and nobody has taken: [`expect_event`](Self::expect_event).
    ///
    /// ```
    /// # sio_sim::contract! {
    /// #     pub Chat
    /// #     server to client { Said = "said"(text: String) -> bool; }
    /// #     client to server { Say = "say"(text: String) -> usize; }
    /// # }
    /// # use sio_sim::contract::Call;
    /// # use sio_sim::{Config, Io, Socket, check};
    /// check(async |sim| {
    ///     let io = Io::new(Config::v4());
    ///     io.of("/").hear(|say: Call<Say>, socket: Socket| {
    ///         socket.broadcast().tell::<Said>(&say.args)?;
    ///         say.reply.send(&1)
    ///     });
    ///     let server = sim.host("server").serve(&io)?;
    ///     let ann = sim.host("ann").client(&server).connect("/").await?;
    ///     let bob = sim.host("bob").client(&server).connect("/").await?;
    ///     assert_eq!(ann.ask::<Say>(&("hello",)).await?, 1);
    ///     assert_eq!(bob.hear::<Said>().await?.args.0, "hello");
    ///     Ok(())
    /// });
    /// ```
    ///
    /// # Errors
    /// None comes within its patience, or it has other arguments.
    pub async fn hear<E: ServerToClient<Args: DeserializeOwned>>(
        &self,
    ) -> Result<ClientCall<E>, ClientError> {
        let event = self.expect_event(E::NAME).await?;
        event.0.try_into().map_err(|why| match why {
            Unexpected::Arguments(why) => ClientError::Mistyped(why),
            // It was taken by its name.
            Unexpected::Name(_) => ClientError::Closed,
        })
    }
}

/// The answer to an event of a contract.
#[must_use = "the answer is for whoever awaits it"]
#[derive(Debug)]
pub struct Answer<T>(AckFuture<(T,)>);

impl<T: DeserializeOwned> Future for Answer<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.0).poll(cx);
        answer.map_ok(|(answer,)| answer)
    }
}
