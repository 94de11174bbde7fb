//! The compressed forms of the client's files.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use sio_core::config::ClientFiles;

/// Files below this many bytes are not worth a compressed form.
const WORTH: usize = 1024;

/// Adds the forms that nobody has given: once, so that no client has to wait for it.
pub(crate) fn compressed(files: ClientFiles) -> ClientFiles {
    let plain = |name: &str| {
        let content = files.get(name)?;
        let is_zipped = files.codings(name).any(|coding| coding == "gzip");
        (content.len() >= WORTH && !is_zipped).then(|| content.clone())
    };
    let missing = files.names().filter_map(|name| Some((name, plain(name)?)));
    let made: Vec<_> = missing
        .filter_map(|(name, content)| {
            let zipped = gzip(&content).ok()?;
            (zipped.len() < content.len()).then(|| (name.to_owned(), zipped))
        })
        .collect();
    made.into_iter().fold(files, |files, (name, zipped)| {
        files.with_coded(&name, "gzip", zipped)
    })
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn what_does_not_get_smaller_is_left() {
        let mut state = 1_u32;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_be_bytes()[0]
        };
        let noise: Vec<u8> = (0..2 * WORTH).map(|_| noise()).collect();
        let files = compressed(ClientFiles::new().with("socket.io.js", noise));
        assert_eq!(files.codings("socket.io.js").count(), 0);
    }

    #[test]
    fn what_is_worth_it_has_a_form_and_a_given_one_stays() {
        let long = "x".repeat(WORTH);
        let files = ClientFiles::new()
            .with("socket.io.js", long.clone())
            .with("socket.io.min.js", "x".repeat(WORTH - 1))
            .with("socket.io.slim.js", long.clone())
            .with_coded("socket.io.slim.js", "gzip", "given")
            .with_coded("socket.io.slim.js", "br", "given");
        let files = compressed(files);
        let codings = |name| files.codings(name).collect::<Vec<_>>();
        assert_eq!(codings("socket.io.js"), ["gzip"]);
        assert_eq!(codings("socket.io.min.js"), [] as [&str; 0]);
        assert_eq!(codings("socket.io.slim.js"), ["br", "gzip"]);
        assert_eq!(files.coded("socket.io.slim.js", "gzip").unwrap(), "given");
        let zipped = files.coded("socket.io.js", "gzip").unwrap().clone();
        assert!(zipped.len() < 100);
        let mut text = String::new();
        GzDecoder::new(&zipped[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, long);
        // Once: what is there is not made again.
        let again = compressed(files.clone());
        assert_eq!(
            again.coded("socket.io.js", "gzip").unwrap().as_ptr(),
            zipped.as_ptr()
        );
    }
}
