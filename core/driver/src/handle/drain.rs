//! Emptying a server without a jolt: nobody new is let in, and those who are there are sent away bit by bit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use sio_core::waves::Waves;

use super::Io;
use crate::mailbox::task_handle::TaskHandle;

impl Io {
    /// Lets no more clients in, on all its engines, and those that are [bound](Self::bind) to it later: their handshakes
    /// are answered with 503 and `Retry-After`, so that a balancer, or they themselves, go elsewhere. Those that are here
    /// stay until they are [sent away](Self::send_away), or the server is [closed](Self::close). The engines are attached
    /// by it, if they are not yet. There is no way back.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sio_driver::app::{Io, Waves};
    /// # async fn sleep(_: Duration) {}
    /// # async fn example(io: Io) {
    /// io.drain();
    /// // Spread over 25 s, so that those that take them in are not overrun: 4 % a second.
    /// let mut waves = Waves::over(Duration::from_secs(25));
    /// while let Some(wait) = io.send_wave(&mut waves) {
    ///     sleep(wait).await;
    /// }
    /// // Bounded by a timeout of the runtime's, it waits until they are gone.
    /// io.close().await;
    /// # }
    /// ```
    pub fn drain(&self) {
        self.inner.draining.store(true, Ordering::Relaxed);
        for endpoint in self.attach_all() {
            endpoint.drain();
        }
    }

    /// Whether no more clients are let in: it [drains](Self::drain), or is closing.
    pub fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::Relaxed) || self.is_closing()
    }

    /// Sends so many clients away, as [`close`](Self::close) does with all: their sockets end with `server shutting
    /// down`, what is queued is still delivered, and they are not told to stay away: they dial again at once, after
    /// a delay of their own. Says how many are left that were not sent away.
    ///
    /// Unless it [drains](Self::drain), they may come back to this server.
    pub fn send_away(&self, most: usize) -> usize {
        let mut all = self.tasks();
        all.retain(|task| !task.is_sent_away());
        let rest = all.split_off(most.min(all.len()));
        for task in all {
            task.send_away();
        }
        rest.len()
    }

    /// Sends the next wave of a plan away ([`send_away`](Self::send_away)): so many a second, or all spread over a time. How
    /// long to wait for the next; `None`: nobody is left who was not sent away.
    pub fn send_wave(&self, waves: &mut Waves) -> Option<Duration> {
        let left = self.send_away(0);
        let left = self.send_away(waves.next(left));
        (left > 0).then_some(Waves::BETWEEN)
    }

    /// What a balancer that asks for this server's health is answered: 200 and `ok`, or 503 and `draining` with
    /// `Retry-After`, for a route of the application's or [`Server::fallback`](crate::app::Server::fallback).
    ///
    /// ```
    /// # use sio_driver::app::{Bytes, Config, Io, Server, http};
    /// let io = Io::new(Config::v4());
    /// let health = io.clone();
    /// let server = Server::new(io).fallback(move |request: http::Request<Bytes>| {
    ///     std::future::ready(match request.uri().path() {
    ///         "/healthz" => health.health(),
    ///         _ => http::Response::new(Bytes::from_static(b"something else")),
    ///     })
    /// });
    /// ```
    pub fn health(&self) -> Response<Bytes> {
        let draining = self.is_draining();
        let mut response = Response::new(Bytes::from_static(match draining {
            true => b"draining",
            false => b"ok",
        }));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if draining {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    }

    /// All its connections: of its own engine and those that are bound to it, and single ones that it was handed.
    pub(super) fn tasks(&self) -> Vec<Arc<TaskHandle>> {
        let endpoints = self.endpoints();
        let sessions = endpoints
            .iter()
            .flat_map(|endpoint| endpoint.sessions.all());
        let mut all: Vec<_> = sessions.collect();
        all.extend(self.engines().handed(&endpoints));
        all
    }
}
