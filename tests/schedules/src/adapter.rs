//! What a desk knows of adapters: their names.

use std::time::SystemTime;

#[derive(Clone, Debug)]
pub(crate) enum AdapterError {
    Unreachable(String),
}

#[derive(Debug)]
pub(crate) struct InMemory;

#[derive(Debug)]
pub(crate) struct KeptSession;

#[derive(Debug)]
pub(crate) struct SessionClaim;

impl KeptSession {
    pub(crate) const fn size(&self) -> usize {
        0
    }
}

impl SessionClaim {
    pub(crate) const fn size(&self) -> usize {
        0
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ClusterStatus {
    pub(crate) up: bool,
    pub(crate) nodes: usize,
    pub(crate) since: Option<SystemTime>,
    pub(crate) node: Option<String>,
}

impl ClusterStatus {
    pub(crate) const fn new(up: bool, nodes: usize, since: Option<SystemTime>) -> Self {
        let node = None;
        Self {
            up,
            nodes,
            since,
            node,
        }
    }
}
