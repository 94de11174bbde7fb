//! An event, as it came.

use sio_driver::app::EmitError;
use sio_driver::app::core::packet::{FromArgs, IntoArgs};
use sio_driver::client;

use super::error::ClientError;

/// An event that a server has sent.
#[derive(Debug)]
pub struct Event(pub(super) client::Event);

impl Event {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its arguments.
    ///
    /// # Errors
    /// They are others.
    pub fn args<T: FromArgs>(&self) -> Result<T, ClientError> {
        T::from_args(&self.0.args).map_err(ClientError::Mistyped)
    }

    /// Whether the server waits for an answer.
    pub fn wants_answer(&self) -> bool {
        self.0.ack.is_requested()
    }

    /// Answers it, if the server waits for that.
    ///
    /// # Errors
    /// The answer cannot be written.
    pub fn answer(self, args: &(impl IntoArgs + ?Sized)) -> Result<(), ClientError> {
        match self.0.ack.send(args) {
            // Who has gone has no answer to wait for.
            Ok(()) | Err(EmitError::Disconnected) => Ok(()),
            Err(why) => Err(why.into()),
        }
    }
}
