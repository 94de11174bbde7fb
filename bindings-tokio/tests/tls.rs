//! The same over TLS.

mod common;

use std::sync::Arc;

use async_tungstenite::tokio::client_async;
use async_tungstenite::tungstenite::Message;
use common::{calm, within};
use futures_util::StreamExt;
use sio_tokio::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use sio_tokio::rustls::{ClientConfig, RootCertStore, ServerConfig};
use sio_tokio::{Io, Socket};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// For `localhost`, signed by itself, for these tests only.
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.der");
const KEY: &[u8] = include_bytes!("tls/key.der");

#[tokio::test]
async fn a_websocket_over_tls_is_secure_and_ends_with_the_server() {
    let io = Io::new(calm());
    io.of("/").on_connect(|socket: Socket| {
        let handshake = socket.handshake();
        let local = handshake
            .address
            .is_some_and(|from| from.ip().is_loopback());
        socket.emit("secure", &(handshake.secure, local))
    });
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![CERTIFICATE.into()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY)),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(sio_tokio::serve_tls(listener, Arc::new(tls), io.clone()));

    let mut roots = RootCertStore::empty();
    roots.add(CERTIFICATE.into()).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let url = "wss://localhost/socket.io/?EIO=4&transport=websocket";
    let (mut client, _) = client_async(url, stream).await.unwrap();
    let mut texts = Vec::new();
    client.send(Message::text("40")).await.unwrap();
    while texts.len() < 3 {
        let message = within("a message", client.next()).await.unwrap().unwrap();
        texts.push(message.into_text().unwrap());
    }
    assert_eq!(texts[2].as_str(), r#"42["secure",true,true]"#);

    // What is no TLS is hung up on.
    let plain = common::refused(address, b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(!plain.starts_with(b"HTTP"));
    drop(client);
    within("the end", io.close()).await;
    within("serve to return", task).await.unwrap().unwrap();
}
