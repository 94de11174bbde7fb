//! Joins the chat of the example `chat` from a terminal. What it does is `terminal.rs` of the package `sio-chat`
//! (`tests/chat`); here it gets tokio, and the lines that are typed.
//!
//! ```text
//! cargo run -p sio-tokio --example terminal -- http://127.0.0.1:3000 ann lobby
//! ```

use std::error::Error;

use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let next = async || lines.next_line().await.ok().flatten();
    sio_chat::terminal(sio_tokio::Tokio, std::env::args().skip(1), next).await
}
