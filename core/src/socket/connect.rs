//! What a client asks for when it asks for a namespace.

use bytestring::ByteString;

use super::credentials;

/// What a client asks for. A name lives as long as the connection, and credentials as the socket does:
/// neither may keep a read buffer alive.
pub(super) struct ConnectRequest {
    pub(super) namespace: ByteString,
    pub(super) auth: Option<ByteString>,
    pub(super) query: Option<ByteString>,
}

impl ConnectRequest {
    /// As revision 5 says it.
    pub(super) fn of_payload(namespace: &str, auth: Option<ByteString>) -> Self {
        Self {
            namespace: namespace.into(),
            auth: auth.map(|auth| (&*auth).into()),
            query: None,
        }
    }

    /// As revision 4 says it.
    pub(super) fn of_query(name: &str) -> Self {
        let (namespace, query) = credentials::split(name);
        Self {
            namespace: namespace.into(),
            auth: query.and_then(credentials::auth),
            query: query.map(ByteString::from),
        }
    }
}
