//! What may stand between a client and its server: TLS, and proxies.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use futures_rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use futures_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use sio_driver::client::{Client, ConnectError, Dialer, TransportFailure};

use crate::here::within;
use crate::server::{WAYS, builder, io, served};
use crate::world::{Tokio, apart, run};

/// For `localhost`, signed by itself, for these tests only.
const CERTIFICATE: &[u8] = include_bytes!("../faults/tls/certificate.der");
const KEY: &[u8] = include_bytes!("../faults/tls/key.der");

fn trusting(certificates: &[&'static [u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add((*certificate).into()).unwrap();
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
}

/// Over TLS it is as it is without; and whoever is not trusted is not spoken to.
async fn secure<R: Dialer<Tls = Arc<ClientConfig>>>(runtime: R) {
    let (server, _) = io();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let tls = ServerConfig::builder().with_no_client_auth();
    let tls = tls.with_single_cert(vec![CERTIFICATE.into()], key).unwrap();
    let serving = server.clone();
    let (address, ended) = apart(move |listener| {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            sio_tokio::serve_tls(listener, Arc::new(tls), serving).await
        })
    });
    let url = format!("https://localhost:{}", address.port());
    for way in WAYS {
        let client = Client::builder_on(runtime.clone(), &url).unwrap();
        let client = client.transports(way).tls(trusting(&[CERTIFICATE]));
        let client = client.build().unwrap();
        let socket = client.socket("/");
        within("the namespace", socket.connect()).await.unwrap();
        let said: String = within("an echo", socket.emit_with_ack("echo", &"safe"))
            .await
            .unwrap();
        assert_eq!(said, "safe");
        within("the client to close", client.close()).await;

        let client = Client::builder_on(runtime.clone(), &url).unwrap();
        let client = client.transports(way).tls(trusting(&[]));
        let client = client.reconnection(None).build().unwrap();
        let socket = client.socket("/");
        let Err(ConnectError::Transport(error)) = within("an end", socket.connect()).await else {
            panic!("nobody vouches for it");
        };
        assert_eq!(error.failure, TransportFailure::Tls);
        within("the client to close", client.close()).await;
    }
    within("the server to close", server.close()).await;
    within("serve to return", ended).await.unwrap().unwrap();
}

/// A proxy of both kinds, that asks for a user and a password, and leads on to where it is asked to.
fn proxy() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            thread::spawn(|| lead_on(stream));
        }
    });
    address
}

fn lead_on(mut client: TcpStream) -> Option<()> {
    let mut first = [0];
    client.read_exact(&mut first).ok()?;
    let target = match first {
        [5] => by_socks(&mut client)?,
        _ => by_http(&mut client)?,
    };
    let server = TcpStream::connect(target).ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(std::net::Shutdown::Write)
    });
    let (mut from, mut to) = (server, client);
    let _ = std::io::copy(&mut from, &mut to);
    to.shutdown(std::net::Shutdown::Write).ok()
}

fn by_http(client: &mut TcpStream) -> Option<String> {
    let mut head = b"C".to_vec();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).ok()?;
    // "it's me:secret"
    if !head.contains("Proxy-Authorization: Basic aXQncyBtZTpzZWNyZXQ=\r\n") {
        let _ = client.write_all(b"HTTP/1.1 407 Who are you?\r\n\r\n");
        return None;
    }
    client
        .write_all(b"HTTP/1.1 200 Here you are\r\n\r\n")
        .ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    Some(target.to_owned())
}

fn by_socks(client: &mut TcpStream) -> Option<String> {
    let mut read = |count| {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes).ok()?;
        Some((bytes, client.try_clone().ok()?))
    };
    let (count, _) = read(1)?;
    let (methods, mut back) = read(count[0].into())?;
    if !methods.contains(&2) {
        back.write_all(&[5, 0xff]).ok()?;
        return None;
    }
    back.write_all(&[5, 2]).ok()?;
    let (said, _) = read(2)?;
    let (user, _) = read(said[1].into())?;
    let (count, _) = read(1)?;
    let (password, _) = read(count[0].into())?;
    let welcome = user == b"it's me" && password == b"secret";
    back.write_all(&[1, u8::from(!welcome)]).ok()?;
    let (head, _) = read(4)?;
    let host = match head[3] {
        1 => {
            let (four, _) = read(4)?;
            format!("{}.{}.{}.{}", four[0], four[1], four[2], four[3])
        }
        3 => {
            let (count, _) = read(1)?;
            String::from_utf8(read(count[0].into())?.0).ok()?
        }
        _ => return None,
    };
    let (port, _) = read(2)?;
    back.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).ok()?;
    Some(format!("{host}:{}", u16::from_be_bytes([port[0], port[1]])))
}

/// By each transport, through a proxy of each kind; and one that refuses is said to.
async fn proxies<R: Dialer>(runtime: R) {
    let (world, _) = served(&Tokio { workers: 2 }).await;
    let proxy = proxy();
    for scheme in ["http", "socks5", "socks5h"] {
        for way in WAYS {
            let url = format!("{scheme}://it%27s%20me:secret@{proxy}");
            let client = builder(&world, runtime.clone()).transports(way);
            let client = client.proxy(&url).unwrap().build().unwrap();
            let socket = client.socket("/");
            within("the namespace", socket.connect()).await.unwrap();
            let said: String = within("an echo", socket.emit_with_ack("echo", &scheme))
                .await
                .unwrap();
            assert_eq!(said, scheme);
            within("the client to close", client.close()).await;
        }
        let client = builder(&world, runtime.clone()).reconnection(None);
        let client = client.proxy(&format!("{scheme}://{proxy}")).unwrap();
        let client = client.build().unwrap();
        let outcome = within("an end", client.socket("/").connect()).await;
        let Err(ConnectError::Transport(error)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(error.failure, TransportFailure::Proxy);
        within("the client to close", client.close()).await;
    }
    world.ends().await;
}

#[test]
fn tls_on_tokio() {
    run(secure(sio_tokio::Tokio));
}

#[test]
fn tls_on_smol() {
    run(secure(sio_smol::Smol::new()));
}

#[test]
fn proxies_on_tokio() {
    run(proxies(sio_tokio::Tokio));
}

#[test]
fn proxies_on_smol() {
    run(proxies(sio_smol::Smol::new()));
}
