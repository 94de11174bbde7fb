//! The same over TLS, on both bindings: what a handshake may do, and what it may not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_tungstenite::client_async;
use async_tungstenite::tokio::TokioAdapter;
use async_tungstenite::tungstenite::Message;
use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use futures_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use futures_util::StreamExt;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tests::example::Binding;
use sio_tests::on_each_binding;
use sio_tokio::{Config, Io, Socket};
use tokio::net::TcpStream;

use crate::client::calm;
use crate::here::{connect, within};
use crate::world::{Served, apart, run};

/// For `localhost`, signed by itself, for these tests only.
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.der");
const KEY: &[u8] = include_bytes!("tls/key.der");

fn serve(binding: Binding, io: Io) -> (SocketAddr, Served) {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![CERTIFICATE.into()], key)
        .unwrap();
    let tls = Arc::new(tls);
    apart(move |listener| match binding {
        Binding::Tokio => {
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(async {
                listener.set_nonblocking(true)?;
                let listener = tokio::net::TcpListener::from_std(listener)?;
                sio_tokio::serve_tls(listener, tls, io).await
            })
        }
        Binding::Smol => {
            let listener = smol::Async::new(listener)?;
            smol::block_on(sio_smol::serve_tls(listener, tls, io))
        }
    })
}

async fn ends(io: &Io, served: Served) {
    within("the server to close", io.close()).await;
    let served = within("serve to return", served).await;
    served.unwrap().unwrap();
}

async fn connected(address: SocketAddr) -> TlsStream<TokioAdapter<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CERTIFICATE.into()).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, TokioAdapter::new(stream))
        .await
        .unwrap()
}

/// A server that says to each socket what it thinks of its connection.
fn telling(config: Config) -> Io {
    let io = Io::new(config);
    io.of("/").on_connect(|socket: Socket| {
        let handshake = socket.handshake();
        let address = handshake.address;
        let local = address.is_some_and(|from| from.ip().is_loopback());
        socket.emit("secure", &(handshake.secure, local))
    });
    io
}

fn a_websocket_is_secure_and_ends_with_the_server(binding: Binding) {
    run(async {
        let io = telling(calm());
        let (address, served) = serve(binding, io.clone());
        let url = "wss://localhost/socket.io/?EIO=4&transport=websocket";
        let stream = connected(address).await;
        let (mut client, _) = client_async(url, stream).await.unwrap();
        let mut texts = Vec::new();
        client.send(Message::text("40")).await.unwrap();
        while texts.len() < 3 {
            let message = within("a message", client.next()).await.unwrap().unwrap();
            texts.push(message.into_text().unwrap());
        }
        assert_eq!(texts[2].as_str(), r#"42["secure",true,true]"#);
        ends(&io, served).await;
        // It was told, and the stream has an end.
        while within("the end", client.next())
            .await
            .is_some_and(|it| it.is_ok())
        {}
    });
}

fn requests_are_answered(binding: Binding) {
    run(async {
        let io = telling(calm());
        let (address, served) = serve(binding, io.clone());
        let mut stream = connected(address).await;
        let request = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: localhost\r\n\
                       connection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = String::new();
        within("the answer", stream.read_to_string(&mut answer))
            .await
            .unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        ends(&io, served).await;
    });
}

fn what_is_no_handshake_or_half_of_one_is_hung_up_on(binding: Binding) {
    run(async {
        let io = telling(calm().request_head_timeout(Duration::from_secs(1)));
        let (address, served) = serve(binding, io.clone());
        // A request in the clear; the beginning of a handshake; nothing at all.
        for said in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"\x16\x03\x01\x02\x00\x01",
            b"",
        ] {
            let mut stream = connect(address).await;
            stream.write_all(said).await.unwrap();
            stream.flush().await.unwrap();
            let mut answer = Vec::new();
            // A reset is an end, too.
            let _ = within("the end", stream.read_to_end(&mut answer)).await;
            assert!(!answer.starts_with(b"HTTP"));
        }
        // Others still get in.
        drop(connected(address).await);
        ends(&io, served).await;
    });
}

on_each_binding! {
    a_websocket: a_websocket_is_secure_and_ends_with_the_server;
    requests: requests_are_answered;
    no_handshake: what_is_no_handshake_or_half_of_one_is_hung_up_on;
}
