//! A client's session by requests: a GET that is always there, POSTs one after the other (§13).

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};

use super::state::{Pending, Posted, State};
use super::{Mark, Session, SessionEvent};
use crate::client::reason::Failure;
use crate::deadline::after;
use crate::engine::{Body, CloseReason, Flags, Framing, split};
use crate::id::RequestId;
use crate::message::Encoded;
use crate::protocol::Eio;
use crate::time::Instant;

impl Session {
    /// A request was answered, or could not be made or answered.
    pub fn handle_response(
        &mut self,
        now: Instant,
        id: RequestId,
        response: Result<Response<Bytes>, Failure>,
    ) {
        self.advance(now);
        let State::Polling(polling) = &mut self.state else {
            return;
        };
        if polling.get == Some(id) {
            polling.get = None;
            match self.body(response) {
                Ok(body) => self.payload(body),
                Err(failure) => self.fail(failure),
            }
        } else if let Some(Posted { carries, .. }) = polling.post.take_if(|post| post.id == id) {
            let farewell = polling.farewell;
            match answered(response) {
                Err(failure) => self.fail(failure),
                // What it says is of no use.
                Ok(_) => {
                    self.left = carries;
                    self.ping.unread = false;
                    // All was said, goodbye last.
                    if farewell && self.queue.is_empty() {
                        self.end(CloseReason::ForcedClose, None);
                    }
                }
            }
        } else {
            return;
        }
        self.switch();
    }

    /// The packets of an answer to a GET.
    fn payload(&mut self, body: Body) {
        let most = self.config.max_packets_per_payload;
        for packet in split(body, most) {
            match packet {
                Ok(packet) => self.packet(packet),
                Err(_) => self.fail(Failure::Protocol),
            }
            if self.is_closed() {
                return;
            }
        }
        // A session that is opened by requests is opened by the first.
        if self.handshake.is_none() {
            self.fail(Failure::Protocol);
        }
    }

    fn body(&self, response: Result<Response<Bytes>, Failure>) -> Result<Body, Failure> {
        let response = answered(response)?;
        if response.body().len() > self.config.max_message_bytes {
            return Err(Failure::Protocol);
        }
        let revision = self.config.revision;
        let kind = response.headers().get(CONTENT_TYPE);
        let is_binary = kind.is_some_and(|kind| kind == "application/octet-stream");
        let body = response.into_body();
        if is_binary && revision == Eio::V3 {
            return Ok(Body::Binary(body));
        }
        let text = ByteString::try_from(body).map_err(|_| Failure::Protocol)?;
        Ok(Body::text(revision, text))
    }

    /// Makes the requests that are to be made now.
    pub(super) fn request(&mut self) {
        self.handle_silence(self.now);
        let State::Polling(polling) = &self.state else {
            return;
        };
        let pausing = polling.is_pausing();
        let (gets, posts) = (polling.get.is_none(), polling.post.is_none());
        if self.handshake.is_none() || pausing {
            return;
        }
        if gets && self.closing.is_none() {
            let id = self.draw_id();
            self.pending.push_back(Pending::Get(id));
            if let State::Polling(polling) = &mut self.state {
                polling.get = Some(id);
            }
        }
        if posts {
            self.post();
        }
    }

    fn post(&mut self) {
        let is_closing = self.closing.is_some();
        let State::Polling(polling) = &mut self.state else {
            return;
        };
        if is_closing && !polling.farewell {
            polling.farewell = true;
            // However much waits: it is the last.
            let goodbye = Encoded::text(Bytes::from_static(b"1"), Vec::new());
            self.queued = self.queued.wrapping_add(1);
            self.queue
                .push_marked(goodbye, Flags::default(), Mark::default());
        }
        if self.queue.is_empty() {
            return;
        }
        let handshake = self.handshake.as_ref();
        let most = handshake.map_or(usize::MAX, |it| it.max_payload);
        let (framing, body) = self
            .queue
            .take_body(self.config.revision, most, |mark| mark.apart);
        let id = self.draw_id();
        let silence = self.times().silence();
        let timeout = self.config.request_timeout.unwrap_or(silence);
        let by = after(self.now, timeout);
        let binary = framing == Framing::Binary;
        self.pending.push_back(Pending::Post(id, binary, body));
        let carries = self.handed();
        if let State::Polling(polling) = &mut self.state {
            polling.post = Some(Posted { id, by, carries });
        }
    }

    /// Goes over to the WebSocket, if it was agreed on and no request is under way any more.
    pub(super) fn switch(&mut self) {
        let State::Polling(polling) = &self.state else {
            return;
        };
        let idle = polling.get.is_none() && polling.post.is_none();
        if idle && polling.is_pausing() {
            self.take_over();
            self.events.push_back(SessionEvent::Upgraded);
        }
    }
}

/// An answer that is none but a good one.
fn answered(response: Result<Response<Bytes>, Failure>) -> Result<Response<Bytes>, Failure> {
    let response = response?;
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    Err(Failure::refused(status, response.body()))
}
