//! What ends each wait of a server, beside those of a session, which [`sio_core::deadline`] has.
//!
//! | a stream that speaks HTTP | ends by | option |
//! |---|---|---|
//! | a handshake of TLS | [`RequestHead`](Wait::RequestHead) | `request_head_timeout` |
//! | no request has come | [`RequestHead`](Wait::RequestHead) | `request_head_timeout` |
//! | the head of a request has begun | [`RequestHead`](Wait::RequestHead) | `request_head_timeout` |
//! | between two requests | [`KeepAlive`](Wait::KeepAlive) | `keep_alive_timeout` |
//! | the body of a POST, or for a fallback | [`RequestBody`](Wait::RequestBody) | `request_body_timeout` |
//! | a request waits for its session | the session's answer, or its end | |
//! | a response, or one that opens a WebSocket, is not taken | [`Write`](Wait::Write) | `write_timeout` |
//! | our end is closed, the peer's is not | [`Close`](Wait::Close) | `close_timeout` |
//!
//! | a WebSocket | ends by | option |
//! |---|---|---|
//! | of a session | [`Heartbeat`](Wait::Heartbeat) | `ping_interval`, `ping_timeout` |
//! | beside one that polls | [`Upgrade`](Wait::Upgrade) | `upgrade_timeout` |
//! | of an echo | [`Heartbeat`](Wait::Heartbeat), the server's end and [`Close`](Wait::Close) | `ping_interval`, `ping_timeout`, `close_timeout` |
//! | that broke a rule, and takes nothing | [`Write`](Wait::Write) | `write_timeout` |
//! | is being closed, however far that has come | [`Close`](Wait::Close) | `close_timeout` |
//!
//! | a future of the application's | belongs to | which ends by | option |
//! |---|---|---|---|
//! | what runs before requests, an origin's check, `allow_request`, `generate_id` | its request | [`Admission`](Wait::Admission), the server's end | `admission_timeout` |
//! | a fallback | its stream | a client that says no more, and [`KeepAlive`](Wait::KeepAlive); one that is lost, or the server's end, and [`Close`](Wait::Close) | `keep_alive_timeout`, `close_timeout` |
//! | parents that are asked for a namespace, a namespace's middlewares | its ticket | [`Middleware`](Wait::Middleware), the session's end | `middleware_timeout` |
//! | a handler, a packet middleware, a handler of plain messages | its session | the session's end, and [`Departed`](Wait::Departed) | `departed_timeout` |
//! | the same, or what is told of rooms, with more behind it than may wait | its session | [`Pause`](Wait::Pause) | `pause_timeout` |
//!
//! All else that waits, waits in a future that is the application's own to drop: [`Io::close`](crate::app::Io::close),
//! [`AckFuture`](crate::app::AckFuture), [`Ready`](crate::app::Ready), what an adapter asks other nodes.

use std::time::Duration;

use sio_core::config::Config;

/// What ends a state, if nobody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// This is over.
    By(Wait),
    /// The end of what it belongs to, and this after it.
    With(Owner, Wait),
}

/// What something of the application's belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The session of the client for whom it runs.
    Session,
    /// The stream on which a request has come.
    Stream,
}

/// How long something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// `admission_timeout`.
    Admission,
    /// `close_timeout`.
    Close,
    /// `departed_timeout`.
    Departed,
    /// `ping_interval` and `ping_timeout` together.
    Heartbeat,
    /// `keep_alive_timeout`.
    KeepAlive,
    /// `middleware_timeout`.
    Middleware,
    /// `pause_timeout`.
    Pause,
    /// `request_body_timeout`.
    RequestBody,
    /// `request_head_timeout`.
    RequestHead,
    /// `upgrade_timeout`.
    Upgrade,
    /// `write_timeout`.
    Write,
}

/// An enum, and all of its variants.
macro_rules! table {
    ($(#[$about:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $variant:ident,)*
    }) => {
        $(#[$about])*
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

table! {
    /// Something that waits for somebody else.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum State {
        /// A handshake of TLS.
        Establishing,
        /// A stream of which nothing has come.
        FirstRequest,
        /// The rest of a head.
        Head,
        /// A stream between two requests.
        NextRequest,
        /// The body of a POST.
        Body,
        /// The body of a request for a fallback.
        FallbackBody,
        /// A response that is not taken.
        Response,
        /// A stream that is closed, but for its peer.
        Farewell,
        /// A session whose WebSocket is not taken.
        Opening,
        /// A WebSocket that was opened for a session which polls.
        Joining,
        /// A session's WebSocket.
        Open,
        /// A session of which no more is read, since its handlers do not end.
        Paused,
        /// A WebSocket that broke a rule.
        Failed,
        /// A WebSocket that is told to close.
        Closing,
        /// A WebSocket whose peer has said goodbye.
        Answered,
        /// A WebSocket that is closed, but for its peer.
        Deaf,
        /// A WebSocket whose stream has ended.
        Over,
        /// An echo's WebSocket.
        Echo,
        /// What runs before a request.
        Before,
        /// The check of an origin.
        Origin,
        /// What decides over a handshake.
        AllowRequest,
        /// What makes the id of a session.
        SessionId,
        /// A fallback.
        Fallback,
        /// Parents that are asked for a namespace.
        Parents,
        /// The middlewares of a namespace.
        Middlewares,
        /// A packet middleware.
        PacketMiddlewares,
        /// A handler of a socket.
        Handler,
        /// A handler of plain messages.
        Plain,
    }
}

impl State {
    /// The table. A state without a line does not compile.
    pub const fn ends(self) -> Ends {
        match self {
            Self::Establishing | Self::FirstRequest | Self::Head => Ends::By(Wait::RequestHead),
            Self::NextRequest => Ends::By(Wait::KeepAlive),
            Self::Body | Self::FallbackBody => Ends::By(Wait::RequestBody),
            Self::Response | Self::Opening | Self::Failed => Ends::By(Wait::Write),
            Self::Joining => Ends::By(Wait::Upgrade),
            Self::Open | Self::Echo => Ends::By(Wait::Heartbeat),
            Self::Paused => Ends::By(Wait::Pause),
            Self::Farewell | Self::Closing | Self::Answered | Self::Deaf | Self::Over => {
                Ends::By(Wait::Close)
            }
            Self::Before | Self::Origin | Self::AllowRequest | Self::SessionId => {
                Ends::By(Wait::Admission)
            }
            Self::Fallback => Ends::With(Owner::Stream, Wait::KeepAlive),
            Self::Parents | Self::Middlewares => Ends::By(Wait::Middleware),
            Self::PacketMiddlewares | Self::Handler | Self::Plain => {
                Ends::With(Owner::Session, Wait::Departed)
            }
        }
    }
}

impl Wait {
    /// Each wait there is.
    pub const ALL: [Self; 11] = [
        Self::Admission,
        Self::Close,
        Self::Departed,
        Self::Heartbeat,
        Self::KeepAlive,
        Self::Middleware,
        Self::Pause,
        Self::RequestBody,
        Self::RequestHead,
        Self::Upgrade,
        Self::Write,
    ];

    /// Sets the options that say how long it is.
    pub fn set(self, config: &mut Config, time: Duration) {
        match self {
            Self::Admission => config.serving.admission_timeout = time,
            Self::Close => config.close_timeout = time,
            Self::Departed => config.serving.departed_timeout = time,
            Self::Heartbeat => {
                config.ping_interval = time / 2;
                config.ping_timeout = time / 2;
            }
            Self::KeepAlive => config.serving.keep_alive_timeout = time,
            Self::Middleware => config.middleware_timeout = time,
            Self::Pause => config.pause_timeout = time,
            Self::RequestBody => config.serving.request_body_timeout = time,
            Self::RequestHead => config.serving.request_head_timeout = time,
            Self::Upgrade => config.upgrade_timeout = time,
            Self::Write => config.write_timeout = time,
        }
    }
}
