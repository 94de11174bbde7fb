//! What is asked for before each attempt: credentials, and where to dial.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use sio_core::client::Dial;
use sio_core::packet::{Args, IntoArgs};

use super::event::Attempt;
use super::inner::{MakeAuth, MakeDial};

/// Credentials by a function of the application's.
pub(super) fn make_auth<F, R, V, E>(make: F) -> Arc<MakeAuth>
where
    F: Fn(Attempt) -> R + Send + Sync + 'static,
    R: Future<Output = Result<V, E>> + Send + 'static,
    V: IntoArgs,
    E: Display,
{
    Arc::new(move |attempt| {
        let made = make(attempt);
        Box::pin(async move {
            let auth = made.await.map_err(|error| error.to_string())?;
            Args::from_arguments(&auth).map_err(|error| error.to_string())
        })
    })
}

/// Where to dial, by a function of the application's.
pub(super) fn make_dial<F, R, E>(make: F) -> Arc<MakeDial>
where
    F: Fn(Dial, Attempt) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Dial, E>> + Send + 'static,
{
    Arc::new(move |dial, attempt| {
        let made = make(dial, attempt);
        Box::pin(async move { made.await.ok() })
    })
}
