//! What a desk knows of adapters: their names.

use std::time::SystemTime;

#[derive(Debug)]
pub(crate) struct AdapterError;

#[derive(Debug)]
pub(crate) struct InMemory;

#[derive(Debug)]
pub(crate) struct KeptSession;

#[derive(Debug)]
pub(crate) struct SessionClaim;

#[derive(Clone, Debug)]
pub(crate) struct ClusterStatus {
    up: bool,
    pub(crate) nodes: usize,
    at: Option<SystemTime>,
}

impl ClusterStatus {
    pub(crate) const fn new(up: bool, nodes: usize, at: Option<SystemTime>) -> Self {
        Self { up, nodes, at }
    }
}
