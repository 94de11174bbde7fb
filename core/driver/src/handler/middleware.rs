//! Middlewares: closures that decide over sockets and over packets, and what their errors tell the client.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::future::{Future, ready};
use std::sync::Arc;

use sio_core::socket::Refusal;

use crate::error::{Denial, Failure, refusal};
use crate::handle::{Invocation, NamespaceMiddleware, Socket};
use crate::handler::call::{Asynchronous, Synchronous};
use crate::handler::extract::FromEvent;
use crate::sync::BoxFuture;

/// A closure that decides whether a socket may enter a namespace: for
/// [`Namespace::use_`](crate::app::Namespace::use_) and [`Io::use_`](crate::app::Io::use_).
///
/// As a [handler](crate::app::Handler) it takes up to eight arguments that implement [`FromEvent`], is sync or
/// async, and returns `()`, which lets the socket in, or `Result<(), E>`. [`Data`](crate::app::Data) is what the
/// client gave as `auth`. What the client hears of an error is said at [`Verdict`].
///
/// ```
/// # use std::sync::Arc;
/// # use sio_driver::app::{Config, Data, Io, Refusal, Socket, State};
/// # struct Users;
/// # impl Users { async fn find(&self, _: &str) -> Result<Option<u32>, std::io::Error> { Ok(None) } }
/// #[derive(serde::Deserialize)]
/// struct Credentials {
///     token: String,
/// }
///
/// # let io = Io::new(Config::default());
/// io.set_state(Arc::new(Users));
/// io.use_(
///     async |socket: Socket, State(users): State<Arc<Users>>, Data(auth): Data<Credentials>| {
///         // What goes wrong here is the application's affair: the client hears `internal error`.
///         let user = users.find(&auth.token).await?;
///         // This is for the client.
///         let user = user.ok_or_else(|| Refusal::new("unknown token"))?;
///         socket.set_data(user);
///         Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
///     },
/// );
/// ```
#[diagnostic::on_unimplemented(
    message = "this is not a middleware of a namespace",
    label = "not a middleware: its arguments or what it returns are not those of one",
    note = "it takes what a handler does: `socket: Socket`, `State(app): State<Arc<App>>`, `Data(auth): Data<Auth>` for the client's credentials; each by value, at most eight",
    note = "it returns `()`, which lets the socket in, or `Result<(), E>` where `E: Display + 'static`: a `Refusal` or a text is for the client",
    note = "what it captures is `Send + Sync + 'static`, and so is what its future holds (but for `Sync`)",
    note = "more of this: `sio_driver::app::Middleware`"
)]
pub trait Middleware<M>: Send + Sync + 'static {
    /// Asks it.
    fn ask(&self, entering: &Invocation) -> Decision;
}

/// What a middleware says, now or later.
pub struct Decision(pub(crate) BoxFuture<Result<(), Denial>>);

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decision")
    }
}

/// What a middleware may return: `()`, or `Result<(), E>` with any `E: Display`.
///
/// The client is told what the application has chosen for it, and nothing else: a [`Refusal`], its data
/// too; a text (`&'static str`, `String`, `Cow<'static, str>`); a `Refusal` in a `Box<dyn Error + Send + Sync>`. Any
/// other error (of a database, say) refuses with `internal error`, and
/// [`Io::on_error`](crate::app::Io::on_error) hears what it was.
#[diagnostic::on_unimplemented(
    message = "a middleware cannot return `{Self}`",
    label = "neither `()` nor `Result<(), E>`",
    note = "it returns `()`, which lets the socket in, or `Result<(), E>` where `E: Display + 'static`: a `Refusal` or a text is for the client"
)]
pub trait Verdict {
    /// As what the server goes by.
    #[doc(hidden)]
    fn into_decision(self) -> Decision;
}

impl Verdict for () {
    fn into_decision(self) -> Decision {
        Decision(Box::pin(ready(Ok(()))))
    }
}

impl<E: Display + 'static> Verdict for Result<(), E> {
    fn into_decision(self) -> Decision {
        Decision(Box::pin(ready(self.map_err(|error| denial(&error)))))
    }
}

/// What an error of a middleware says, and to whom.
pub(crate) fn denial<E: Display + 'static>(error: &E) -> Denial {
    if let Some(refusal) = refusal(error) {
        return Denial::Refused(refusal.clone());
    }
    let any: &dyn Any = error;
    let is_text = any.is::<&'static str>() || any.is::<String>() || any.is::<Cow<'static, str>>();
    if is_text {
        Denial::Refused(Refusal::new(error.to_string()))
    } else {
        Denial::Failed(Failure::Failed(error.to_string()))
    }
}

macro_rules! middlewares {
    ($($argument:ident),*) => {
        impl<F, R, $($argument),*> Middleware<(Synchronous, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Verdict,
            $($argument: FromEvent,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn ask(&self, entering: &Invocation) -> Decision {
                $(let $argument = match $argument::from_event(entering) {
                    Ok(value) => value,
                    Err(failure) => return Decision(Box::pin(ready(Err(Denial::Failed(failure))))),
                };)*
                self($($argument),*).into_decision()
            }
        }

        impl<F, R, $($argument),*> Middleware<(Asynchronous, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            R::Output: Verdict,
            $($argument: FromEvent,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn ask(&self, entering: &Invocation) -> Decision {
                $(let $argument = match $argument::from_event(entering) {
                    Ok(value) => value,
                    Err(failure) => return Decision(Box::pin(ready(Err(Denial::Failed(failure))))),
                };)*
                let deciding = self($($argument),*);
                Decision(Box::pin(async move { deciding.await.into_decision().0.await }))
            }
        }
    };
}

middlewares!();
middlewares!(A);
middlewares!(A, B);
middlewares!(A, B, C);
middlewares!(A, B, C, D);
middlewares!(A, B, C, D, E);
middlewares!(A, B, C, D, E, G);
middlewares!(A, B, C, D, E, G, H);
middlewares!(A, B, C, D, E, G, H, I);

/// Asks the middlewares of a namespace in turn; the first refusal ends it.
pub(crate) async fn pass(
    middlewares: Arc<[NamespaceMiddleware]>,
    socket: Socket,
) -> Result<(), Denial> {
    for middleware in middlewares.iter() {
        let decision = middleware(&Invocation::entering(&socket));
        decision.await?;
    }
    Ok(())
}
