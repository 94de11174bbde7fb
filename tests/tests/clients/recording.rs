//! The recordings as they lie in `tests/vectors/clients`.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use sio_tests::install::workspace;

/// Of one client, in one version.
#[derive(Debug, Deserialize)]
pub(crate) struct Recording {
    /// Its name and version.
    pub(crate) client: String,
    /// What it was made of.
    #[serde(rename = "built")]
    _built: String,
    /// Where the bytes are from.
    #[serde(rename = "how")]
    _how: String,
    pub(crate) conversations: BTreeMap<String, Vec<Step>>,
}

/// What happens on one of the client's connections.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    /// Which connection, opened by its first step.
    pub(crate) on: u32,
    #[serde(flatten)]
    pub(crate) deed: Deed,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    /// In one write, as it was written.
    Sends(Bytes),
    Hears(Heard),
    /// The client says that nothing more comes.
    Leaves,
    /// The server closes the connection.
    Ends,
}

/// A text with holes (see [`template`](crate::template)), then bytes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bytes {
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    hex: String,
    /// The frames that end in these bytes.
    #[serde(default)]
    pub(crate) says: Vec<Heard>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Heard {
    /// A response.
    Answer(Answer),
    Text(String),
    /// In hexadecimal digits, as the next two.
    Binary(String),
    Ping(String),
    Pong(String),
    /// A close frame, with its code.
    Close(Option<u16>),
    /// One of these: a poll may be overtaken by the request that ends its session.
    Either(Vec<Self>),
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Lines that must be there, letter for letter.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    #[serde(default)]
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) body_hex: String,
}

impl Bytes {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        unhex(&self.hex)
    }
}

/// All of them, by the names of their files.
pub(crate) fn all() -> BTreeMap<String, Recording> {
    let folder = workspace().join("tests/vectors/clients");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let recordings = paths.map(|path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let recording = serde_json::from_str(&text);
        let recording = recording.unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, recording)
    });
    recordings.collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}
