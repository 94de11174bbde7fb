//! Compression of WebSocket messages (RFC 7692).

/// Compression of WebSocket messages: a server's for clients that offer it, a client's offer to servers.
///
/// What is said of the server here is about what the server sends, whose configuration it ever is in.
///
/// Without context takeover, as is the default, every message is compressed by itself: a connection
/// holds nothing between messages, and a broadcast is compressed once for all on a thread. With it
/// messages that are alike shrink further, and a connection holds, from its first compressed message
/// on, for what is sent 4 × 2^`server_max_window_bits` bytes and 250 kB more (380 kB with 15 bits), and
/// for what comes 45 kB.
#[doc(alias = "perMessageDeflate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerMessageDeflate {
    /// Messages of at least so many bytes are compressed: 1 024.
    pub threshold: usize,
    /// How hard to try, from 0 (not at all) over 1 (fast) to 9: 6.
    pub level: u8,
    /// Whether each message of the server is compressed by itself: `true`. A client may ask for it anyway.
    #[doc(alias = "serverNoContextTakeover")]
    pub server_no_context_takeover: bool,
    /// Whether each message of the client is: `true`. A server may ask for it anyway.
    #[doc(alias = "clientNoContextTakeover")]
    pub client_no_context_takeover: bool,
    /// The window for what the server sends, as a power of two from 9 to 15: 15, which is 32 KiB. Clients may ask
    /// for less.
    #[doc(alias = "serverMaxWindowBits")]
    pub server_max_window_bits: u8,
    /// The window for what the client sends, as a power of two from 9 to 15: 15. With less, a server declines the
    /// offers of clients that cannot be told so.
    #[doc(alias = "clientMaxWindowBits")]
    pub client_max_window_bits: u8,
}

impl Default for PerMessageDeflate {
    fn default() -> Self {
        Self {
            threshold: 1024,
            level: 6,
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: WIDEST,
            client_max_window_bits: WIDEST,
        }
    }
}

/// What zlib can be told: with 8 bits it writes what 8 bits cannot read.
pub(crate) const NARROWEST: u8 = 9;
pub(crate) const WIDEST: u8 = 15;

impl PerMessageDeflate {
    /// Whether the windows and the level are such as there are.
    pub(crate) fn is_sound(&self) -> bool {
        let windows = NARROWEST..=WIDEST;
        windows.contains(&self.server_max_window_bits)
            && windows.contains(&self.client_max_window_bits)
            && self.level <= 9
    }
}
