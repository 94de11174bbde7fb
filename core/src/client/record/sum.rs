//! What came out of a client, in four bytes.

use std::hash::{Hash, Hasher};

use http::{Request, header::HeaderMap};

use crate::client::event::{Event, Work, WsOut};
use crate::client::reason::{ConnectError, Failure, TransportError};
use crate::id::RequestId;
use crate::message::Part;
use crate::record::{Sum, of_frame};

/// Of what is to be done about HTTP.
pub(super) fn of_work(work: &Work) -> u32 {
    let mut sum = Sum::default();
    match work {
        Work::Request { id, request } => {
            of_request(*id, request, &mut sum);
            sum.write(request.body());
        }
        Work::OpenWebSocket { id, request } => of_request(*id, request, &mut sum),
        Work::Abort(id) => id.hash(&mut sum),
    }
    std::mem::discriminant(work).hash(&mut sum);
    sum.short()
}

fn of_request<B>(id: RequestId, request: &Request<B>, sum: &mut Sum) {
    id.hash(sum);
    sum.write(request.method().as_str().as_bytes());
    sum.write(request.uri().to_string().as_bytes());
    for (name, value) in request.headers() {
        sum.write(name.as_str().as_bytes());
        sum.write(value.as_bytes());
    }
}

/// Bytes of the names and values of headers.
pub(super) fn size(headers: &HeaderMap) -> usize {
    let sizes = headers
        .iter()
        .map(|(name, value)| (name.as_str().len(), value.len()));
    sizes.fold(0, |sum, (name, value)| {
        sum.saturating_add(name).saturating_add(value)
    })
}

/// Of what goes to a WebSocket.
pub(super) fn of_ws(out: &WsOut) -> u32 {
    let mut sum = Sum::default();
    match out {
        WsOut::Frame {
            head,
            part,
            compress,
        } => {
            let (text, bytes) = match part {
                Part::Text(bytes) => (true, bytes),
                Part::Binary(bytes) => (false, bytes),
            };
            if head.is_empty() {
                return of_frame(text, bytes, *compress);
            }
            sum.write(head);
            sum.write(bytes);
            (text, *compress).hash(&mut sum);
        }
        WsOut::Ping => sum.write(b"ping"),
        WsOut::Close(code) => code.hash(&mut sum),
    }
    sum.short()
}

/// Of what has happened: what it is and to whom, and how large it is.
#[inline]
pub(super) fn of_event<T>(event: &Event<T>) -> u32 {
    if let Event::Message {
        socket,
        name,
        args,
        ack,
    } = event
    {
        let (id, stay) = match ack {
            Some(ack) => (Some(ack.id()), ack.stay),
            None => (None, 0),
        };
        let mut sum = Sum::of_message(*socket, name, args.size(), id);
        stay.hash(&mut sum);
        return sum.short();
    }
    of_other(event)
}

/// Of one that is no message, which most are.
#[cold]
fn of_other<T>(event: &Event<T>) -> u32 {
    let mut sum = Sum::default();
    std::mem::discriminant(event).hash(&mut sum);
    match event {
        Event::DialWanted { attempt, .. }
        | Event::Opened { attempt }
        | Event::Attempt { attempt } => attempt.hash(&mut sum),
        Event::AuthWanted { ticket } => ticket.socket().hash(&mut sum),
        Event::Entering {
            ticket,
            id,
            recovered,
        } => (ticket.socket(), id.as_str().len(), recovered).hash(&mut sum),
        Event::Connected {
            socket,
            id,
            recovered,
        } => (socket, id.as_str().len(), recovered).hash(&mut sum),
        Event::Acked { socket, answer, .. } => {
            socket.hash(&mut sum);
            answer.as_ref().map(|args| args.size()).hash(&mut sum);
        }
        Event::ConnectError {
            socket,
            error,
            active,
        } => {
            (socket, active).hash(&mut sum);
            of_error(error, &mut sum);
        }
        Event::Error { socket, payload } => {
            (socket, payload.as_ref().map(|it| it.len())).hash(&mut sum);
        }
        Event::Flushed {
            socket, outcome, ..
        } => (socket, outcome).hash(&mut sum),
        Event::Disconnected {
            socket,
            reason,
            active,
        } => (socket, reason, active).hash(&mut sum),
        Event::Waiting { attempt, wait } => (attempt, wait).hash(&mut sum),
        Event::Failed { attempt, error } => {
            attempt.hash(&mut sum);
            of_failure(error, &mut sum);
        }
        Event::UpgradeFailed(error) => of_failure(error, &mut sum),
        Event::Malformed(fault) => std::mem::discriminant(fault).hash(&mut sum),
        // A message is summed by itself.
        Event::Message { .. }
        | Event::GaveUp
        | Event::Upgraded
        | Event::Pinged
        | Event::Writable
        | Event::Closed => {}
    }
    sum.short()
}

fn of_error(error: &ConnectError, sum: &mut Sum) {
    std::mem::discriminant(error).hash(sum);
    match error {
        ConnectError::Refused(refusal) => refusal.message.len().hash(sum),
        ConnectError::Transport(error) => of_failure(error, sum),
        ConnectError::Auth(why) => std::mem::discriminant(why).hash(sum),
        ConnectError::Timeout | ConnectError::OldServer | ConnectError::Stopped => {}
    }
}

fn of_failure(error: &TransportError, sum: &mut Sum) {
    error.transport.hash(sum);
    std::mem::discriminant(&error.failure).hash(sum);
    if let Failure::Http {
        status,
        code,
        message,
    } = &error.failure
    {
        (status.as_u16(), code, message.as_ref().map(String::len)).hash(sum);
    }
}
