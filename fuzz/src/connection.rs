//! One end of a WebSocket that sends back what it is told, and the other end, which listens to it.

use bytes::Bytes;
use sio_core::message::Message;
use sio_core::websocket::write::MessageType;
use sio_core::websocket::{Connection, Embedder, End, Event, Limits, Masks, Phase, Unfit};

const LIMITS: Limits = Limits {
    message: 1000,
    fragments: 5,
    deflate: false,
};

/// What stands for compression, if it was agreed on: every bit is turned over.
#[derive(Clone)]
struct Turned(bool);

impl Embedder for Turned {
    fn compresses(&self) -> bool {
        self.0
    }

    fn deflate(&mut self, head: &[u8], payload: &Bytes) -> Option<Bytes> {
        Some(head.iter().chain(payload).map(|byte| !byte).collect())
    }

    fn inflate(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>, Unfit> {
        match payload {
            [b'!'] => Err(Unfit::Malformed),
            long if long.len() > limit => Err(Unfit::TooLarge),
            fits => Ok(fits.iter().map(|byte| !byte).collect()),
        }
    }
}

/// What was heard and what was answered.
#[derive(Debug, Default, PartialEq)]
struct Story {
    events: Vec<Event>,
    answered: Vec<u8>,
}

/// The first byte says which end it is, whether messages may be compressed, and how the rest is cut.
pub(crate) fn run(input: &[u8]) {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let (is_client, compresses) = (first & 1 != 0, first & 2 != 0);
    let masks = Masks::from_random([*first; 16]);
    let client = Connection::client(LIMITS, masks, Turned(compresses));
    let server = Connection::server(LIMITS, Turned(compresses));
    let (one, mut other) = match is_client {
        true => (client, server),
        false => (server, client),
    };
    let whole = tell(one.clone(), [bytes].into_iter());
    let cut = usize::from(first / 4).max(1);
    assert_eq!(tell(one, bytes.chunks(cut)), whole);
    for event in &whole.events {
        match event {
            Event::Message(Message::Text(text)) => assert!(text.len() <= LIMITS.message),
            Event::Message(Message::Binary(data)) => assert!(data.len() <= LIMITS.message),
            Event::Pong(payload) => assert!(payload.len() <= 125),
            Event::Ping | Event::Ignored | Event::Closed(_) => {}
        }
    }
    let mut events = whole.events.iter();
    let closed = events.position(|event| matches!(event, Event::Closed(_)));
    assert!(
        closed.is_none() || events.next().is_none(),
        "once, and last"
    );
    // Whatever was said to it, the other end finds no fault with what it answers.
    other.handle_bytes(&whole.answered);
    let heard: Vec<Event> = std::iter::from_fn(|| other.poll_event()).collect();
    for event in &heard {
        assert!(
            !matches!(event, Event::Closed(End::Violation(_))),
            "{event:?}"
        );
    }
    let messages = |events: &[Event]| -> Vec<Event> {
        let is_message = |event: &&Event| matches!(event, Event::Message(_));
        events.iter().filter(is_message).cloned().collect()
    };
    assert_eq!(messages(&heard), messages(&whole.events));
}

fn tell<'a>(mut end: Connection<Turned>, pieces: impl Iterator<Item = &'a [u8]>) -> Story {
    let mut story = Story::default();
    for piece in pieces {
        end.handle_bytes(piece);
        while let Some(event) = end.poll_event() {
            match &event {
                Event::Message(Message::Text(text)) => {
                    end.send(MessageType::Text, b"", text.as_bytes(), true);
                }
                Event::Message(Message::Binary(data)) => {
                    end.send(MessageType::Binary, b"", data, false)
                }
                Event::Ping | Event::Pong(_) | Event::Ignored | Event::Closed(_) => {}
            }
            story.events.push(event);
            write(&mut end, &mut story);
        }
    }
    end.handle_end();
    let lost = end.poll_event();
    assert!(
        matches!(lost, None | Some(Event::Closed(End::Lost))),
        "{lost:?}"
    );
    end.close(None);
    write(&mut end, &mut story);
    assert!(matches!(end.phase(), Phase::Over | Phase::Deaf));
    assert!(!end.has_room());
    story
}

fn write(end: &mut Connection<Turned>, story: &mut Story) {
    loop {
        let output = end.poll_output();
        if output.is_empty() {
            return;
        }
        let count = output.len();
        story.answered.extend_from_slice(output);
        end.handle_written(count);
    }
}
