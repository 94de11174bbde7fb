//! The client's files, read from where a package manager has put them.

use std::fs;
use std::io;
use std::path::Path;

use sio_core::config::ClientFiles;

/// Reads the files of the JavaScript client from a directory (`node_modules/socket.io/client-dist`, say),
/// once and for all: those called `socket.io*.js` and their `.map`. A file with `.br` or `.gz` behind its
/// name is its compressed form; where there is no `.gz` the server makes it.
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
        files = files.with(&name, content);
        if let Some(zipped) = beside(directory, &name, "gz")? {
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
