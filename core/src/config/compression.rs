//! Compression of what polls are answered with.

/// Compression of what polls are answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpCompression {
    /// Bodies of at least so many bytes are compressed.
    pub threshold: usize,
}

impl Default for HttpCompression {
    fn default() -> Self {
        Self { threshold: 1024 }
    }
}
