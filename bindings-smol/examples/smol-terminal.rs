//! Joins the chat of the example `smol-chat` from a terminal. What it does is `terminal.rs` of the package `sio-chat`
//! (`tests/chat`); here it gets smol, and the lines that are typed.
//!
//! ```text
//! cargo run -p sio-smol --example smol-terminal -- http://127.0.0.1:3000 ann lobby
//! ```

use std::error::Error;

use smol::Unblock;
use smol::io::{AsyncBufReadExt, BufReader};
use smol::stream::StreamExt;

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(Unblock::new(std::io::stdin())).lines();
    let next = async || lines.next().await.and_then(Result::ok);
    let arguments = std::env::args().skip(1);
    smol::block_on(sio_chat::terminal(sio_smol::Smol::new(), arguments, next))
}
