//! The client's files, read from where a package manager has put them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sio_core::config::ClientFiles;

/// Files below this many bytes are not worth a compressed form.
const WORTH: usize = 1024;

/// Reads the files of the JavaScript client from a directory (`node_modules/socket.io/client-dist`, say),
/// once and for all: those called `socket.io*.js` and their `.map`. A file with `.br` or `.gz` behind its
/// name is its compressed form; where there is no `.gz` it is made here.
///
/// ```no_run
/// use sio_driver::app::{Config, Io, client_files};
///
/// let files = client_files("node_modules/socket.io/client-dist")?;
/// let io = Io::new(Config::default().client_files(files));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The directory or a file in it cannot be read, or there is none of these files in it.
#[doc(alias = "serveClient")]
pub fn client_files(directory: impl AsRef<Path>) -> io::Result<ClientFiles> {
    let directory = directory.as_ref();
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str()
            && name.starts_with("socket.io")
            && name.strip_suffix(".map").unwrap_or(name).ends_with(".js")
        {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() {
        let why = format!("no socket.io*.js in {}", directory.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    let mut files = ClientFiles::new();
    for name in names {
        let content = fs::read(directory.join(&name))?;
        let zipped = match beside(directory, &name, "gz")? {
            None if content.len() >= WORTH => Some(gzip(&content)?),
            given => given,
        };
        files = files.with(&name, content);
        if let Some(zipped) = zipped {
            files = files.with_coded(&name, "gzip", zipped);
        }
        if let Some(brotli) = beside(directory, &name, "br")? {
            files = files.with_coded(&name, "br", brotli);
        }
    }
    Ok(files)
}

fn beside(directory: &Path, name: &str, ending: &str) -> io::Result<Option<Vec<u8>>> {
    match fs::read(directory.join(format!("{name}.{ending}"))) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}
