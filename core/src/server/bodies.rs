//! Bodies of requests that come in pieces.

use bytes::Bytes;
use http::request::Parts;

use super::Server;
use crate::deadline::after;
use crate::engine::{Post, PostFailure};
use crate::id::RequestId;
use crate::time::Instant;

impl<T> Server<T> {
    /// The head of a request has arrived, and its body has not, or not all of it: else as
    /// [`handle_request`](Self::handle_request). `true`: the body is wanted. Hand it in by
    /// [`handle_body`](Self::handle_body), and say when it has come whole, by
    /// [`handle_body_end`](Self::handle_body_end), or that it will not, by
    /// [`handle_aborted`](Self::handle_aborted). After `request_body_timeout` it is given up. `false`: the answer
    /// does not wait for it.
    ///
    /// ```
    /// # use sio_core::config::Config;
    /// # use sio_core::id::{HashKey, RequestId};
    /// # use sio_core::server::bytes::Bytes;
    /// # use sio_core::server::http::Request;
    /// # use sio_core::server::{Event, Server};
    /// # use sio_core::time::Instant;
    /// # let now = Instant::ORIGIN;
    /// # let mut server: Server<()> = Server::new(Config::v4(), HashKey([1, 2])).unwrap();
    /// # server.open_namespace("/");
    /// # let request = Request::get("/socket.io/?EIO=4&transport=polling").body(Bytes::new()).unwrap();
    /// # server.handle_request(now, RequestId(1), request, [7; 15]);
    /// let head = Request::post("/socket.io/?EIO=4&transport=polling&sid=BwcHBwcHBwcHBwcHBwcH");
    /// let (head, ()) = head.body(()).unwrap().into_parts();
    /// assert!(server.handle_request_head(now, RequestId(2), &head, [0; 15]));
    /// assert!(server.handle_body(now, RequestId(2), Bytes::from_static(b"4")));
    /// assert!(server.handle_body(now, RequestId(2), Bytes::from_static(b"0")));
    /// server.handle_body_end(now, RequestId(2));
    /// assert!(matches!(server.poll_event(now), Some(Event::Connecting { .. })));
    /// ```
    pub fn handle_request_head(
        &mut self,
        now: Instant,
        id: RequestId,
        head: &Parts,
        random: [u8; 15],
    ) -> bool {
        self.take_in(now, id, head, None, random);
        self.exchanges.body_mut(id).is_some()
    }

    /// Some of a request's body has arrived, in any pieces. What is kept until the last of it is
    /// `max_http_buffer_size` at most for each session, which has one POST at a time. `true`: more is wanted. `false`:
    /// the request has its answer, or what makes one, and nothing of its body is kept.
    pub fn handle_body(&mut self, now: Instant, id: RequestId, piece: Bytes) -> bool {
        let Some((connection, body)) = self.exchanges.body_mut(id) else {
            return false;
        };
        let pushed = body.come.push(piece);
        let it = self.entry(connection);
        if !it.is_some_and(|it| it.connection.session().awaits_body(id)) {
            self.exchanges.take_body(id);
            return false;
        }
        if let Err(failure) = pushed {
            self.end_body(now, id, Some(failure));
        }
        pushed.is_ok()
    }

    /// A request's body has arrived whole. Nothing happens if none is waited for.
    pub fn handle_body_end(&mut self, now: Instant, id: RequestId) {
        self.end_body(now, id, None);
    }

    /// The body of a request is on its way.
    pub(super) fn collect(&mut self, now: Instant, id: RequestId) {
        let until = after(now, self.config.serving.request_body_timeout);
        self.exchanges
            .collect(id, self.config.max_http_buffer_size, until);
    }

    /// Gives those up that have not come in time.
    pub(super) fn expire_bodies(&mut self, now: Instant) {
        while let Some(id) = self.exchanges.late(now) {
            self.end_body(now, id, Some(PostFailure::Timeout));
        }
    }

    fn end_body(&mut self, now: Instant, id: RequestId, failure: Option<PostFailure>) {
        let Some((connection, exchange, mut body)) = self.exchanges.take_body(id) else {
            return;
        };
        let revision = exchange.revision();
        let post = match failure {
            Some(failure) => Post::End(Err(failure)),
            None => exchange.post_end(body.come.take()),
        };
        self.with(connection, |it| {
            it.connection.handle_post(now, id, revision, post);
        });
    }
}

#[cfg(test)]
mod tests;
