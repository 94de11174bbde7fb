//! What goes by channels, in each dialect.

use bytes::Bytes;

use super::classic::{self, Author};
use super::{cluster, v2};
use crate::config::Dialect;
use crate::message::Message;
use crate::wire::EncodeError;

/// A message as nodes of this dialect publish it.
pub(crate) fn payload(
    dialect: Dialect,
    message: &Message,
    by: Author<'_>,
) -> Result<Bytes, EncodeError> {
    match dialect {
        Dialect::Classic => classic::encode(message, by).map(|(_, bytes)| bytes),
        Dialect::V2 => v2::encode(message, by).map(|(_, bytes)| bytes),
        Dialect::Sharded => cluster::encode(message, by),
        Dialect::Streams => cluster::encode_msgpack(message, by),
    }
}
