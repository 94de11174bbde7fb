//! What packets may hold, as the configuration says.

use crate::config::Config;
use crate::packet::Limits;

pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        attachments: config.max_attachments,
        binary: config.max_binary_packet,
        depth: config.max_json_depth,
        arguments: config.max_arguments,
        name: config.max_event_name_bytes,
        namespace: config.max_namespace_bytes,
    }
}
