//! Connections that are recorded.

use std::sync::Arc;

use super::taped::Taped;
use super::{ConnectionKey, Server};
use crate::config::Config;
use crate::connection::Connection;
use crate::engine::{Opened, Session};
use crate::id::Sid;
use crate::packet::Codec;
use crate::record::Recorded;
use crate::time::Instant;

impl<T> Server<T> {
    /// Records the connections that come from now on, each up to so many bytes of a [`Log`](crate::record::Log); `None`:
    /// no more of them. The log of one that is over is given out by [`poll_log`](Self::poll_log), and waits until then:
    /// of the last 64 that are over.
    ///
    /// ```
    /// # use sio_core::config::Config;
    /// # use sio_core::engine::Close;
    /// # use sio_core::id::{HashKey, RequestId};
    /// # use sio_core::record::{Log, Replay};
    /// # use sio_core::server::{Server, bytes::Bytes, http::Request};
    /// # use sio_core::time::Instant;
    /// # let now = Instant::ORIGIN;
    /// let mut server: Server<()> = Server::new(Config::v4(), HashKey([1, 2])).unwrap();
    /// server.record(Some(64 * 1024));
    /// let request = Request::get("/socket.io/?EIO=4&transport=polling").body(Bytes::new()).unwrap();
    /// server.handle_request(now, RequestId(1), request, [7; 15]);
    /// let (_, response) = server.poll_http().unwrap();
    /// assert!(response.http.body().starts_with(b"0{"));
    ///
    /// let connection = server.connection_of("BwcHBwcHBwcHBwcHBwcH").unwrap();
    /// server.close(now, connection, Close::Discard);
    /// while server.poll_event(now).is_some() {}
    /// while server.poll_ws(connection).is_some() {}
    /// let log = Log::read(server.poll_log().unwrap())?;
    /// assert_eq!(Replay::new(log)?.finish(), Ok(()));
    /// # Ok::<(), sio_core::record::LogError>(())
    /// ```
    pub const fn record(&mut self, most: Option<usize>) {
        self.recording = most;
    }

    /// The log of a connection that was recorded and is over.
    pub fn poll_log(&mut self) -> Option<Vec<u8>> {
        self.logs.pop_front()
    }

    /// What was recorded so far of a connection that is not over, put together for this call.
    pub fn log(&self, connection: ConnectionKey) -> Option<Vec<u8>> {
        match &self.entry(connection)?.connection {
            Taped::Off(_) => None,
            Taped::On(recorded) => Some(recorded.log()),
        }
    }

    /// A connection is forgotten.
    pub(super) fn keep_log(&mut self, log: Option<Vec<u8>>) {
        let Some(log) = log else {
            return;
        };
        if self.logs.len() >= LOGS {
            self.logs.pop_front();
        }
        self.logs.push_back(log);
    }

    /// A new connection.
    pub(super) fn taped(&self, now: Instant, sid: Sid, opened: Opened, codec: &Codec) -> Taped<T> {
        let config: Arc<Config> = self.config.clone();
        match self.recording {
            None => {
                let session = Session::new(now, sid, opened, config.clone());
                Taped::Off(Connection::with_codec(now, session, config, codec))
            }
            Some(most) => {
                let recorded = Recorded::open(now, sid, opened, config, codec, most);
                Taped::On(Box::new(recorded))
            }
        }
    }
}

/// Logs that wait to be given out. Past it the oldest is dropped.
const LOGS: usize = 64;
