//! What TLS is done with.

use std::fmt;

/// What TLS is done with, all of it in PEM: whom is trusted, and how this server shows who it is.
///
/// ```no_run
/// use sio_redis::{Certificates, Redis};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let certificates = Certificates::default()
///     .trusting(std::fs::read("redis-ca.pem")?)
///     .identity(std::fs::read("app.pem")?, std::fs::read("app.key")?);
/// let redis = Redis::new("rediss://redis.internal:6380/")?.certificates(certificates)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Certificates {
    trusted: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificates {
    /// Trusts these authorities, and none of the usual ones.
    #[must_use]
    pub fn trusting(mut self, authorities: impl Into<Vec<u8>>) -> Self {
        self.trusted = Some(authorities.into());
        self
    }

    /// Shows this certificate, to which the key belongs, to a Redis that asks for one.
    #[must_use]
    pub fn identity(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((certificate.into(), key.into()));
        self
    }
}

impl From<Certificates> for redis::TlsCertificates {
    fn from(its: Certificates) -> Self {
        Self {
            client_tls: its
                .identity
                .map(|(client_cert, client_key)| redis::ClientTlsConfig {
                    client_cert,
                    client_key,
                }),
            root_cert: its.trusted,
        }
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}
