//! Requests: which of them open a session, whose the others are, and what they are answered.

use bytes::Bytes;
use http::request::Parts;

use super::waiting::Asker;
use super::{Server, Upgraded};
use crate::engine::{HandshakeError, Post, PostFailure, RequestKind, Response, Route};
use crate::id::RequestId;
use crate::time::Instant;

impl<T> Server<T> {
    /// A request has arrived, with its whole body: one that comes in pieces begins with
    /// [`handle_request_head`](Self::handle_request_head). `random` becomes the session's id if it opens one.
    /// The response comes from [`poll_http`](Self::poll_http).
    pub fn handle_request(
        &mut self,
        now: Instant,
        id: RequestId,
        request: http::Request<Bytes>,
        random: [u8; 15],
    ) {
        let (head, body) = request.into_parts();
        self.take_in(now, id, &head, Some(body), random);
    }

    /// The same; `body`: all of it, or nothing yet.
    pub(super) fn take_in(
        &mut self,
        now: Instant,
        id: RequestId,
        head: &Parts,
        body: Option<Bytes>,
        random: [u8; 15],
    ) {
        match self.acceptor.route(head) {
            Route::NotOurs => {
                let mut response = http::Response::new(Bytes::new());
                *response.status_mut() = http::StatusCode::NOT_FOUND;
                self.answer(id, response);
            }
            Route::Answered(response) => self.answer(id, response),
            Route::Open(exchange) if exchange.kind() == RequestKind::WebSocket => {
                // It belongs to `handle_upgrade`, where it would have been taken.
                self.answer(id, exchange.refuse(&HandshakeError::BadRequest));
            }
            Route::Open(exchange) => {
                let _ = self.begin(now, exchange, Asker::Poll(id), head, random);
            }
            Route::Session {
                sid,
                exchange,
                over,
            } => {
                let Some(connection) = self.find(&sid) else {
                    return self.answer(id, exchange.refuse(&HandshakeError::UnknownSid));
                };
                let revision = exchange.revision();
                let post = match exchange.kind() {
                    RequestKind::Poll => None,
                    RequestKind::Post { .. } if over => {
                        Some(Post::Whole(Err(PostFailure::TooLarge)))
                    }
                    // Not looked at: the answer is known.
                    RequestKind::Post { .. } if !exchange.reads_body() => {
                        Some(exchange.post(Bytes::new()))
                    }
                    RequestKind::Post { .. } => {
                        Some(body.map_or(Post::Begun, |body| exchange.post(body)))
                    }
                    RequestKind::WebSocket => {
                        return self.answer(id, exchange.refuse(&HandshakeError::BadRequest));
                    }
                };
                self.wait(id, exchange, connection);
                let awaited = self.with(connection, |it| {
                    match post {
                        Some(post) => it.connection.handle_post(now, id, revision, post),
                        None => it.connection.handle_poll(now, id, revision),
                    }
                    it.connection.session().awaits_body(id)
                });
                if awaited == Some(true) {
                    self.collect(now, id);
                }
            }
        }
    }

    /// A request to become a WebSocket has arrived. `random` becomes the session's id if it opens one.
    pub fn handle_upgrade(&mut self, now: Instant, head: &Parts, random: [u8; 15]) -> Upgraded {
        match self.acceptor.route(head) {
            Route::NotOurs => {
                let mut response = http::Response::new(Bytes::new());
                *response.status_mut() = http::StatusCode::NOT_FOUND;
                Upgraded::Refused(response)
            }
            Route::Answered(response) => Upgraded::Refused(response),
            Route::Open(exchange) | Route::Session { exchange, .. }
                if exchange.kind() != RequestKind::WebSocket =>
            {
                Upgraded::Refused(exchange.refuse(&HandshakeError::BadRequest))
            }
            Route::Open(exchange) => {
                let begun = self.begin(now, exchange, Asker::Upgrade, head, random);
                let Some(upgraded) = begun else {
                    unreachable!("something becomes of each request for a WebSocket");
                };
                upgraded
            }
            Route::Session { sid, exchange, .. } => {
                let Some(connection) = self.find(&sid) else {
                    return Upgraded::Refused(exchange.refuse(&HandshakeError::UnknownSid));
                };
                let (revision, base64) = (exchange.revision(), exchange.base64());
                let attached = self.with(connection, |it| {
                    it.connection.handle_ws_open(now, revision, base64)
                });
                self.hold_websocket(connection);
                let response = exchange.switch();
                if attached == Some(true) {
                    Upgraded::Attached {
                        connection,
                        response,
                    }
                } else {
                    Upgraded::Unwanted {
                        connection,
                        response,
                    }
                }
            }
        }
    }

    /// The client has dropped a request that was not answered yet.
    pub fn handle_aborted(&mut self, now: Instant, id: RequestId) {
        if self.abort_handshake(now, id) {
            return;
        }
        if let Some(connection) = self.exchanges.of(id) {
            self.with(connection, |it| it.connection.handle_aborted(now, id));
        }
    }

    /// Answers a request by itself.
    pub(super) fn answer(&mut self, id: RequestId, http: http::Response<Bytes>) {
        let response = Response {
            http,
            compress: None,
            initial: false,
        };
        self.responses.push_back((id, response));
    }
}
