//! Where Redis is.

use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult, cmd};
use sio_driver::binding::Runtime;
use sio_driver::cluster::{Cluster, Dialect, Options};

use crate::broker::RedisBroker;
#[cfg(feature = "rustls")]
use crate::certificates::Certificates;
use crate::emitter::Emitter;
use crate::error::RedisError;
use crate::outlet::Outlet;
use crate::place::Place;
use crate::policy::Policy;
use crate::way::Wanted;

/// Where Redis is, and how it is talked to.
///
/// ```no_run
/// # use sio_driver::binding::Runtime;
/// use sio_redis::{Dialect, Options, Redis};
///
/// # fn example(runtime: impl Runtime, io: sio_driver::app::Io) -> Result<(), Box<dyn std::error::Error>> {
/// let redis = Redis::new("redis://:secret@redis.internal:6379/")?;
/// let cluster = redis.join(&runtime, Options::new(Dialect::Sharded).key("chat"));
/// io.set_adapter(cluster.adapter())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Redis {
    place: Place,
    policy: Policy,
}

impl Redis {
    /// The Redis of a URL: `redis://user:password@host:port/`, or `rediss://` for TLS. Nothing is connected yet.
    ///
    /// # Errors
    /// The URL is none, or one for which a feature is missing.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self {
            place: Place::new(at(url)?)?,
            policy: Policy::default(),
        })
    }

    /// The Redis Cluster of which these URLs are some, one at least of which is there when it is connected to: it
    /// tells of the others. What the first says of user, password and TLS is for all of them. Nothing is connected yet.
    ///
    /// ```no_run
    /// # use sio_driver::binding::Runtime;
    /// use sio_redis::{Dialect, Options, Redis};
    ///
    /// # fn example(runtime: impl Runtime, io: sio_driver::app::Io) -> Result<(), Box<dyn std::error::Error>> {
    /// let redis = Redis::cluster(&["redis://10.0.0.1:7000/", "redis://10.0.0.2:7000/", "redis://10.0.0.3:7000/"])?;
    /// let cluster = redis.join(&runtime, Options::new(Dialect::Sharded));
    /// io.set_adapter(cluster.adapter())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Dialect::Sharded`] is made for it: what is said there goes through the one shard that has the channel's slot,
    /// where in the other dialects all shards hear all of it. It keeps its order within a channel: in
    /// [`Subscriptions::All`](crate::Subscriptions::All) all that one server says to a namespace, otherwise what it
    /// says to one room. In [`Dialect::Streams`] a stream lies on one shard, too.
    ///
    /// It is [`Up`](sio_driver::app::ClusterEvent::Up) while all of its masters can be reached, and when one fails, is
    /// promoted, or gives a slot away on which is listened, it is told
    /// [`Down`](sio_driver::app::ClusterEvent::Down) and connected to anew, at once: what others have said until the next
    /// `Up` was not heard, as in any outage.
    ///
    /// A slot that moves is followed once it has moved. Until then, what is for a stream or a session in it that has gone
    /// ahead, or is new, is asked for elsewhere (`ASK`), which is not followed: it waits, and where the slot takes longer
    /// than [`ping_timeout`](Self::ping_timeout) it is `Down` until it has moved. What is published is told where it was
    /// all the while. An emitter tries five times, and fails.
    ///
    /// # Errors
    /// A URL is none, or there is none of them, or they cannot belong together.
    pub fn cluster(urls: &[&str]) -> Result<Self, RedisError> {
        let nodes = urls.iter().map(|url| at(url));
        Ok(Self {
            place: Place::spread(nodes.collect::<RedisResult<_>>()?)?,
            policy: Policy::default(),
        })
    }

    /// Finds it by these sentinels, URLs each, and finds it again when it has failed over. The host of the Redis' own
    /// URL is the name by which they know it; its user, password and TLS are for whichever it is. A user needs `+role`
    /// beside what it needs anyway.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), sio_redis::RedisError> {
    /// let redis = sio_redis::Redis::new("redis://app:secret@mymaster/")?
    ///     .sentinels(&["redis://10.0.0.1:26379/", "redis://10.0.0.2:26379/", "redis://10.0.0.3:26379/"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What was published to one that failed and had not told its replicas is lost, as whatever an outage takes; a
    /// stream whose end has gone back with it is told of by
    /// [`ClusterEvent::Lost`](sio_driver::app::ClusterEvent::Lost).
    ///
    /// # Errors
    /// A URL is none, or there is none of them, or they are to find a Redis Cluster, which needs none.
    pub fn sentinels(mut self, sentinels: &[&str]) -> Result<Self, RedisError> {
        self.place = self.place.watched(sentinels)?;
        Ok(self)
    }

    /// Does TLS with these, where a URL says `rediss`.
    ///
    /// # Errors
    /// They cannot be read.
    #[cfg(feature = "rustls")]
    pub fn certificates(mut self, certificates: Certificates) -> Result<Self, RedisError> {
        self.place = self.place.certified(certificates.into())?;
        Ok(self)
    }

    /// How long a connection may take to be made. Default: 3 s.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.policy.connect_timeout = timeout;
        self
    }

    /// How long nothing may come before Redis is asked whether it is there. Default: 1 s.
    #[must_use]
    pub const fn ping_interval(mut self, interval: Duration) -> Self {
        self.policy.ping_interval = interval;
        self
    }

    /// How long an answer may take before the connection is given up; three times as long while messages come by it,
    /// behind which the answer may stand. In a Redis Cluster messages come by other connections than what is said, so
    /// that only who listens has longer. Default: 3 s.
    #[must_use]
    pub const fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.policy.ping_timeout = timeout;
        self
    }

    /// Bytes of messages that may wait to be written to it, and to be answered. Past it the connection is given up,
    /// except where a single message is longer and waits alone. In streams twice the `append_window` of
    /// [`Options::node`] is beside it, for what is added again when the connection is back. Default: 8 MiB.
    #[must_use]
    pub const fn max_unsent_bytes(mut self, bytes: usize) -> Self {
        self.policy.max_unsent_bytes = bytes;
        self
    }

    /// Bytes of messages that may wait to be looked at by this server. Past it the connection is given up, except where
    /// a single message is longer and waits alone. Default: 8 MiB.
    #[must_use]
    pub const fn max_unread_bytes(mut self, bytes: usize) -> Self {
        self.policy.max_unread_bytes = bytes;
        self
    }

    /// Joins a server to the cluster: for its [`adapter`](Cluster::adapter). Connects as soon as it can, and again
    /// whenever it has to; whether it is there
    /// [`on_cluster`](sio_driver::app::Namespace::on_cluster) tells.
    pub fn join(self, runtime: &impl Runtime, options: Options) -> Cluster {
        let mut policy = self.policy;
        if options.node.dialect == Dialect::Streams {
            let again = options.node.append_window.saturating_mul(2);
            policy.max_unsent_bytes = policy.max_unsent_bytes.saturating_add(again);
        }
        let broker = RedisBroker::new(runtime.clone(), self.place, policy);
        Cluster::join(runtime, broker, options)
    }

    /// Something that speaks to the servers of a cluster, and is none. Nothing is connected yet.
    ///
    /// Of the options, the dialect and the key have to be the servers'.
    pub fn emitter(self, options: Options) -> Emitter {
        Emitter::new(Outlet::new(self.place, self.policy), options.node)
    }

    /// Whether it can be reached now.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn check(&self) -> Result<(), RedisError> {
        let wanted = Wanted {
            patience: self.policy.connect_timeout,
            answers: Some(self.policy.ping_timeout),
            pushes: None,
        };
        let mut way = self.place.connect(wanted).await?;
        way.is_whole().await?;
        way.send(&cmd("PING")).await?.extract_error()?;
        Ok(())
    }
}

fn at(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone();
    let settings = settings.set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}

/// Joins a server to the cluster of this Redis, on the wire of `@socket.io/redis-adapter`, if Redis is there now.
/// If it goes later it is waited for.
///
/// # Errors
/// The URL is none, or Redis cannot be reached. A server that is to start without it joins by [`Redis::join`], and so does
/// one that is to join by a [Redis Cluster](Redis::cluster).
pub async fn connect(runtime: &impl Runtime, url: &str) -> Result<Cluster, RedisError> {
    let redis = Redis::new(url)?;
    redis.check().await?;
    Ok(redis.join(runtime, Options::new(Dialect::Classic)))
}
