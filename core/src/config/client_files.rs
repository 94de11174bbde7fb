//! The files of the JavaScript client (§24).

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use crate::id::HashKey;

/// The files of the JavaScript client, by their names: those of both lines (`socket.io.js`,
/// `socket.io.min.js`, `socket.io.slim.js`, `socket.io.msgpack.min.js`, `socket.io.esm.min.js`, and the
/// `.map` of each). Cheap to clone.
///
/// Each is answered with an `ETag` made from its bytes, with 304 to who has it, and with the best of the
/// compressed forms that were given. A server of `sio-driver` makes the form for `gzip` itself where none was given and the
/// file has 1 KiB or more. Other methods than GET and HEAD get 405.
///
/// ```
/// use sio_core::config::{ClientFiles, Config};
///
/// let files = ClientFiles::new()
///     .with("socket.io.js", &b"/* the client */"[..])
///     .with("socket.io.js.map", &b"{}"[..]);
/// let config = Config::default().client_files(files);
/// ```
#[derive(Clone, Default)]
pub struct ClientFiles(pub(crate) Arc<BTreeMap<Box<str>, ClientFile>>);

/// One of the files.
#[derive(Clone)]
pub(crate) struct ClientFile {
    /// With its quotes.
    pub(crate) tag: HeaderValue,
    pub(crate) plain: Bytes,
    /// Name of the coding and bytes, the best first.
    pub(crate) coded: Vec<(&'static str, Bytes)>,
}

/// The codings that compressed forms may have, the best first.
const CODINGS: [&str; 3] = ["br", "gzip", "deflate"];

impl ClientFiles {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, in place of one of the same name. One that is not called like a file of the client's
    /// (`socket.io*.js`, `socket.io*.js.map`) is never asked for.
    #[must_use]
    pub fn with(mut self, name: &str, content: impl Into<Bytes>) -> Self {
        let plain = content.into();
        // The key need not be secret: whoever can choose these files owns the server.
        let mut hasher = HashKey([0x7369_6f20_636c_6965, 0x6e74_2066_696c_6573]).build_hasher();
        hasher.write(&plain);
        let tag = format!("\"{:016x}-{:x}\"", hasher.finish(), plain.len());
        let Ok(tag) = HeaderValue::try_from(tag) else {
            unreachable!("digits make a header's value")
        };
        let file = ClientFile {
            tag,
            plain,
            coded: Vec::new(),
        };
        Arc::make_mut(&mut self.0).insert(name.into(), file);
        self
    }

    /// Adds a compressed form (`br`, `gzip` or `deflate`) of a file that was added. Others are ignored.
    #[must_use]
    pub fn with_coded(mut self, name: &str, coding: &str, content: impl Into<Bytes>) -> Self {
        let rank = |name: &str| CODINGS.iter().position(|known| *known == name);
        if let Some(coding) = rank(coding).and_then(|at| CODINGS.get(at))
            && let Some(file) = Arc::make_mut(&mut self.0).get_mut(name)
        {
            file.coded.retain(|(its, _)| its != coding);
            file.coded.push((coding, content.into()));
            file.coded.sort_by_key(|(its, _)| rank(its));
        }
        self
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }

    /// The compressed forms that one has, the best first.
    pub fn codings(&self, name: &str) -> impl Iterator<Item = &'static str> {
        let coded = self.0.get(name).map_or(&[][..], |file| &file.coded);
        coded.iter().map(|(coding, _)| *coding)
    }

    /// The bytes of one of those.
    pub fn coded(&self, name: &str, coding: &str) -> Option<&Bytes> {
        let mut coded = self.0.get(name)?.coded.iter();
        coded
            .find(|(its, _)| *its == coding)
            .map(|(_, bytes)| bytes)
    }

    /// The bytes of one.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.get(name).map(|file| &file.plain)
    }
}

impl fmt::Debug for ClientFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_with_their_forms_the_best_first() {
        let files = ClientFiles::new()
            .with("socket.io.min.js", &b"small"[..])
            .with("socket.io.js", &b"old"[..])
            .with_coded("socket.io.js", "gzip", &b"old form"[..])
            .with("socket.io.js", &b"plain"[..])
            .with_coded("socket.io.js", "gzip", &b"first"[..])
            .with_coded("socket.io.js", "br", &b"best"[..])
            .with_coded("socket.io.js", "gzip", &b"good"[..])
            .with_coded("socket.io.js", "zip", &b"unknown"[..])
            .with_coded("socket.io.esm.js", "br", &b"of none"[..]);
        let names: Vec<_> = files.names().collect();
        assert_eq!(names, ["socket.io.js", "socket.io.min.js"]);
        assert_eq!(
            files.codings("socket.io.js").collect::<Vec<_>>(),
            ["br", "gzip"]
        );
        assert_eq!(files.codings("socket.io.min.js").count(), 0);
        assert_eq!(files.codings("socket.io.esm.js").count(), 0);
        let coded = |coding| files.coded("socket.io.js", coding).map(|it| &it[..]);
        assert_eq!(coded("gzip"), Some(&b"good"[..]));
        assert_eq!(coded("br"), Some(&b"best"[..]));
        assert_eq!((coded("deflate"), coded("zip")), (None, None));
        assert_eq!(files.get("socket.io.js").unwrap(), "plain");
        assert_eq!(files.get("socket.io.esm.js"), None);
        assert_eq!(
            format!("{files:?}"),
            r#"["socket.io.js", "socket.io.min.js"]"#
        );
    }
}
