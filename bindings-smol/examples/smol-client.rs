//! The smallest client: says something to the `echo` server, and prints what comes back.

use sio_smol::client::{Args, EventName, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let socket = connect("http://localhost:3000").await?;
        socket.on_any(|name: EventName, args: Args| println!("{name} {}", args.elements()));
        for line in std::io::stdin().lines() {
            socket.emit("line", &line?)?;
        }
        socket.close_client().await;
        Ok(())
    })
}
