//! The smallest client: says something to the `echo` server, and prints what comes back.

use sio_tokio::client::{Args, EventName, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let socket = connect("http://localhost:3000").await?;
    socket.on_any(|name: EventName, args: Args| println!("{name} {}", args.elements()));
    for line in std::io::stdin().lines() {
        socket.emit("line", &line?)?;
    }
    socket.close_client().await;
    Ok(())
}
