//! `permessage-deflate` (RFC 7692): messages compressed and inflated.
//!
//! The deflate itself is flate2's with zlib-rs. Without context takeover a connection holds no state of
//! it: one of the thread serves all.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use http::Response;
use sio_core::config::{Config, PerMessageDeflate};
use sio_core::websocket::{DeflateAgreed, Unfit};

/// What ends a block that is flushed, left out on the wire (§7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The narrowest window that zlib writes for: who may use none as wide sends everything as it is.
const NARROWEST: u8 = 9;

/// The compression agreed on for one connection.
pub(crate) struct Deflate(Box<State>);

struct State {
    form: Form,
    threshold: usize,
    /// The windows that are taken over from message to message, from the first compressed one on.
    /// `None` in the outer place: there is no takeover.
    compress: Option<Option<Compress>>,
    decompress: Option<Option<Decompress>>,
    /// Bits of the peer's window.
    peer_bits: u8,
}

/// How messages to the peer are compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    level: u8,
    bits: u8,
}

impl Deflate {
    /// What the response that grants the WebSocket says was agreed on.
    pub(crate) fn agreed<B>(response: &mut Response<B>, config: &Config) -> Option<Self> {
        let agreed = response.extensions_mut().remove::<DeflateAgreed>()?;
        config
            .per_message_deflate
            .map(|options| Self::new(agreed, options))
    }

    /// What a client of these options may offer.
    pub(crate) const fn offered(options: Option<PerMessageDeflate>) -> Option<PerMessageDeflate> {
        options
    }

    /// What a client's offer came to.
    pub(crate) fn met(agreed: DeflateAgreed, options: PerMessageDeflate) -> Option<Self> {
        let mut seen = agreed;
        seen.server_no_context_takeover = agreed.client_no_context_takeover;
        seen.client_no_context_takeover = agreed.server_no_context_takeover;
        seen.server_max_window_bits = agreed.client_max_window_bits;
        seen.client_max_window_bits = agreed.server_max_window_bits;
        let mut deflate = Self::new(seen, options);
        if seen.server_max_window_bits < NARROWEST {
            deflate.0.threshold = usize::MAX;
        }
        Some(deflate)
    }

    fn new(agreed: DeflateAgreed, options: PerMessageDeflate) -> Self {
        Self(Box::new(State {
            form: Form {
                level: options.level,
                bits: agreed.server_max_window_bits,
            },
            // Nothing is not worth it, and would be the one message that zlib flushes to nothing.
            threshold: options.threshold.max(1),
            compress: (!agreed.server_no_context_takeover).then_some(None),
            decompress: (!agreed.client_no_context_takeover).then_some(None),
            // Clients that are told 8 and use zlib write for 9.
            peer_bits: agreed.client_max_window_bits.max(NARROWEST),
        }))
    }

    /// `head` and `payload` as the payload of a compressed message. `None`: it goes as it is.
    pub(crate) fn deflate(&mut self, head: &[u8], payload: &Bytes) -> Option<Bytes> {
        let State {
            form,
            threshold,
            compress,
            ..
        } = &mut *self.0;
        if head.len().saturating_add(payload.len()) < *threshold {
            return None;
        }
        match compress {
            Some(own) => {
                let context = own.get_or_insert_with(|| form.compress());
                let compressed = deflate(context, head, payload);
                if compressed.is_none() {
                    // A new one refers to nothing that the client has not seen.
                    *own = None;
                }
                compressed.map(Bytes::from)
            }
            None => SHARED.with_borrow_mut(|shared| shared.deflate(*form, head, payload)),
        }
    }

    /// The message of which this is the payload, if it has no more than `limit` bytes.
    pub(crate) fn inflate(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>, Unfit> {
        if payload.is_empty() {
            return Ok(Vec::new());
        }
        let bits = self.0.peer_bits;
        match &mut self.0.decompress {
            Some(own) => {
                let context =
                    own.get_or_insert_with(|| Decompress::new_with_window_bits(false, bits));
                inflate(context, payload, limit)
            }
            None => SHARED.with_borrow_mut(|shared| {
                let context = shared
                    .decompress
                    .get_or_insert_with(|| Decompress::new(false));
                let message = inflate(context, payload, limit);
                context.reset(false);
                message
            }),
        }
    }
}

impl Form {
    fn compress(self) -> Compress {
        Compress::new_with_window_bits(Compression::new(self.level.into()), false, self.bits)
    }
}

thread_local! {
    static SHARED: RefCell<Shared> = const { RefCell::new(Shared::new()) };
}

/// What serves all connections of a thread that take no context over.
struct Shared {
    compress: VecDeque<(Form, Compress)>,
    decompress: Option<Decompress>,
    known: VecDeque<Known>,
    /// The bytes that `known` keeps.
    size: usize,
}

/// A message that others get too, and what it came to.
struct Known {
    /// Kept, so that no other message can have its address; once, so that it is seen when nobody else
    /// has it any more.
    payload: Bytes,
    forms: Vec<Compressed>,
}

/// A message in one form.
struct Compressed {
    form: Form,
    /// The length of what stands before it.
    head: usize,
    /// `None`: it would not have shrunk.
    bytes: Option<Bytes>,
}

/// Compressors that a thread keeps: forms differ where clients ask for small windows.
const COMPRESSORS: usize = 4;

/// Messages of broadcasts that are under way on a thread, and their bytes: more are compressed anew.
const KNOWN: usize = 64;
const KNOWN_BYTES: usize = 1024 * 1024;

impl Shared {
    const fn new() -> Self {
        Self {
            compress: VecDeque::new(),
            decompress: None,
            known: VecDeque::new(),
            size: 0,
        }
    }

    fn deflate(&mut self, form: Form, head: &[u8], payload: &Bytes) -> Option<Bytes> {
        let known = self.known.iter().position(|known| {
            known.payload.as_ptr() == payload.as_ptr() && known.payload.len() == payload.len()
        });
        let its_forms = known.and_then(|at| self.known.get(at));
        let same = |it: &&Compressed| it.form == form && it.head == head.len();
        if let Some(same) = its_forms.and_then(|known| known.forms.iter().find(same)) {
            return same.bytes.clone();
        }
        let context = self.context(form);
        let bytes = deflate(context, head, payload)
            .filter(|bytes| bytes.len() < head.len().saturating_add(payload.len()))
            .map(Bytes::from);
        context.reset();
        let compressed = Compressed {
            form,
            head: head.len(),
            bytes: bytes.clone(),
        };
        if let Some(known) = known.and_then(|at| self.known.get_mut(at)) {
            self.size = self.size.saturating_add(compressed.size());
            known.forms.push(compressed);
            return bytes;
        }
        self.forget();
        // One that is larger would stay when all who get it have gone.
        if !payload.is_unique() && payload.len() <= KNOWN_BYTES / 2 {
            let known = Known {
                payload: payload.clone(),
                forms: vec![compressed],
            };
            self.size = self.size.saturating_add(known.size());
            self.known.push_back(known);
        }
        bytes
    }

    fn context(&mut self, form: Form) -> &mut Compress {
        let at = match self.compress.iter().position(|(its, _)| *its == form) {
            Some(at) => at,
            None => {
                if self.compress.len() >= COMPRESSORS {
                    self.compress.pop_front();
                }
                self.compress.push_back((form, form.compress()));
                self.compress.len() - 1
            }
        };
        &mut self.compress[at].1
    }

    /// Lets go of what has reached everybody, and of the oldest past the limits.
    fn forget(&mut self) {
        self.known.retain(|known| !known.payload.is_unique());
        self.size = self.known.iter().map(Known::size).sum();
        while self.known.len() >= KNOWN || self.size > KNOWN_BYTES {
            let Some(oldest) = self.known.pop_front() else {
                break;
            };
            self.size = self.size.saturating_sub(oldest.size());
        }
    }
}

impl Known {
    fn size(&self) -> usize {
        let forms = self.forms.iter().map(Compressed::size);
        forms.fold(self.payload.len(), usize::saturating_add)
    }
}

impl Compressed {
    fn size(&self) -> usize {
        self.bytes.as_ref().map_or(0, Bytes::len)
    }
}

fn deflate(context: &mut Compress, head: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    // Text of any kind shrinks to less than half.
    let mut out = Vec::with_capacity(payload.len() / 2 + 64);
    for (mut input, flush) in [(head, FlushCompress::None), (payload, FlushCompress::Sync)] {
        loop {
            if out.len() == out.capacity() {
                out.reserve(out.len());
            }
            let before = context.total_in();
            match context.compress_vec(input, &mut out, flush) {
                Ok(Status::Ok | Status::BufError) => {}
                Ok(Status::StreamEnd) | Err(_) => return None,
            }
            input = after(input, context.total_in() - before);
            if input.is_empty() && out.len() < out.capacity() {
                break;
            }
        }
    }
    out.truncate(out.strip_suffix(&TAIL)?.len());
    Some(out)
}

/// What is left of it.
fn after(input: &[u8], taken: u64) -> &[u8] {
    let taken = usize::try_from(taken).unwrap_or(usize::MAX);
    input.get(taken..).unwrap_or_default()
}

/// How much room an inflated message is given at first, as a multiple of what came.
const USUAL_RATIO: usize = 4;

/// Final blocks of one message that are read. One is what a peer writes that knows no better way to
/// flush; each costs as much as a message.
const ENDS: usize = 16;

fn inflate(context: &mut Decompress, payload: &[u8], limit: usize) -> Result<Vec<u8>, Unfit> {
    let most = limit.saturating_add(1);
    let mut out = Vec::with_capacity(payload.len().saturating_mul(USUAL_RATIO).min(most));
    let mut ends = 0;
    for mut input in [payload, &TAIL] {
        while !input.is_empty() || out.len() == out.capacity() {
            if out.len() > limit {
                return Err(Unfit::TooLarge);
            }
            if out.len() == out.capacity() {
                out.reserve_exact(out.len().max(64).min(most - out.len()));
            }
            let (read, written) = (context.total_in(), out.len());
            let status = context
                .decompress_vec(input, &mut out, FlushDecompress::Sync)
                .map_err(|_| Unfit::Malformed)?;
            let taken = context.total_in() - read;
            input = after(input, taken);
            match status {
                // A final block. What follows it is a stream of its own, with an empty window: who ends
                // one by zlib has begun anew, too (§7.2.3.4).
                Status::StreamEnd => {
                    ends += 1;
                    if ends > ENDS {
                        return Err(Unfit::Malformed);
                    }
                    context.reset(false);
                }
                Status::Ok | Status::BufError => {
                    if taken == 0 && written == out.len() {
                        if input.is_empty() {
                            break;
                        }
                        return Err(Unfit::Malformed);
                    }
                }
            }
        }
    }
    if ends > 0 {
        // The end that was left out may stand after a final block as the half of another one.
        context.reset(false);
    }
    if out.len() > limit {
        return Err(Unfit::TooLarge);
    }
    if out.capacity() / 2 > out.len() {
        // The application may keep it.
        out.shrink_to_fit();
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
