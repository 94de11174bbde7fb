//! TLS for clients, by rustls.

use std::io;
use std::sync::Arc;

use sio_driver::client::BoxStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::stream::{Compat, Uncompat};

/// What TLS needs to know.
pub(crate) type Tls = Arc<ClientConfig>;

/// Whoever the platform trusts is trusted.
#[cfg(feature = "platform-verifier")]
pub(crate) fn usual() -> io::Result<Tls> {
    use rustls_platform_verifier::Verifier;
    use tokio_rustls::rustls::crypto::ring::default_provider;

    let provider = Arc::new(default_provider());
    let verifier = Verifier::new(provider.clone()).map_err(io::Error::other)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(not(feature = "platform-verifier"))]
pub(crate) fn usual() -> io::Result<Tls> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "who is trusted is to be said (`Builder::tls`), without the feature `platform-verifier`",
    ))
}

pub(crate) async fn secure(tls: &Tls, host: &str, stream: BoxStream) -> io::Result<BoxStream> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(tls.clone());
    let stream = connector.connect(name, Uncompat(stream)).await?;
    Ok(Box::new(Compat(stream)))
}
