//! Two servers that are one chat, over Redis: open the pages of both, enter the same room, and talk.
//!
//! ```text
//! cargo run --release -p sio-smol --example smol-cluster
//! ```
//!
//! `REDIS_URL` says where Redis is (`redis://127.0.0.1/`), `HOST` and `PORT` where the first server listens (127.0.0.1,
//! 3000); the second has the port after it.

use std::io;

use sio_smol::Smol;

fn main() -> io::Result<()> {
    let url = sio_chat::redis_url().unwrap_or_else(|| "redis://127.0.0.1/".to_owned());
    let (host, first) = sio_chat::address()?;
    smol::block_on(async {
        let mut serving = Vec::new();
        for port in [first, first.wrapping_add(1)] {
            let chat = sio_chat::app();
            // All that makes it one with the others.
            match sio_redis::connect(&Smol::new(), &url).await {
                Ok(cluster) => chat
                    .set_adapter(cluster.adapter())
                    .map_err(io::Error::other)?,
                Err(why) => {
                    eprintln!("{}", sio_chat::no_redis(&url, &why));
                    std::process::exit(1);
                }
            }
            // The first start fetches the page's client, which takes its time.
            let server = sio_chat::with_page(chat);
            let listener = smol::net::TcpListener::bind((host.as_str(), port)).await?;
            println!("{}", sio_chat::ready(listener.local_addr()?));
            serving.push(smol::spawn(sio_smol::serve(listener, server)));
        }
        for server in serving {
            server.await?;
        }
        Ok(())
    })
}
