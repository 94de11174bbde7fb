//! Where Redis is: at an address, wherever its sentinels say, or, a Redis Cluster, at several at once.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "Redis has many kinds of values, of which a reply has one or two"
)]

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClientBuilder, ClusterConfig};
use redis::{
    Client, Cmd, Connection, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, RedisError, RedisResult, Value, cmd,
};

use crate::way::{BlockingWay, Wanted, Way};

/// Where connections are made to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// With sentinels, all of it but the address counts.
    client: Client,
    sentinels: Option<Arc<Sentinels>>,
    /// Some of those of whom a Redis Cluster is made.
    nodes: Option<Arc<[ConnectionInfo]>>,
    #[cfg(feature = "rustls")]
    certificates: Option<Arc<redis::TlsCertificates>>,
}

#[derive(Debug)]
struct Sentinels {
    /// What they call the Redis that is looked for.
    name: String,
    clients: Vec<Client>,
}

/// As good as for ever.
const NEVER: Duration = Duration::from_secs(24 * 3600);

impl Place {
    pub(crate) fn new(info: ConnectionInfo) -> RedisResult<Self> {
        Ok(Self {
            client: opened(info)?,
            sentinels: None,
            nodes: None,
            #[cfg(feature = "rustls")]
            certificates: None,
        })
    }

    /// A Redis Cluster, of whom these are some. What the first says of users and TLS is for all.
    pub(crate) fn spread(nodes: Vec<ConnectionInfo>) -> RedisResult<Self> {
        let Some(first) = nodes.first() else {
            return Err((ErrorKind::InvalidClientConfig, "no node is named").into());
        };
        let mut place = Self::new(first.clone())?;
        let nodes: Arc<[ConnectionInfo]> = nodes.into();
        place.nodes = Some(nodes.clone());
        // What cannot be is told at once.
        place.all(&nodes).build()?;
        Ok(place)
    }

    /// Found by these sentinels, under the name that stood for its host.
    pub(crate) fn watched(mut self, sentinels: &[&str]) -> RedisResult<Self> {
        let name = match self.client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. }
                if self.nodes.is_none() =>
            {
                host.clone()
            }
            _ => {
                return Err((
                    ErrorKind::InvalidClientConfig,
                    "sentinels know no such Redis",
                )
                    .into());
            }
        };
        if sentinels.is_empty() {
            return Err((ErrorKind::EmptySentinelList, "no sentinel is named").into());
        }
        let clients = sentinels.iter().map(|url| self.made(*url));
        let clients = clients.collect::<RedisResult<_>>()?;
        self.sentinels = Some(Arc::new(Sentinels { name, clients }));
        Ok(self)
    }

    /// By TLS with these.
    #[cfg(feature = "rustls")]
    pub(crate) fn certified(mut self, certificates: redis::TlsCertificates) -> RedisResult<Self> {
        self.certificates = Some(Arc::new(certificates));
        let info = self.client.get_connection_info().clone();
        self.client = self.made(info)?;
        if let Some(sentinels) = self.sentinels.take() {
            let clients = sentinels.clients.iter();
            let clients = clients.map(|it| self.made(it.get_connection_info().clone()));
            let clients = clients.collect::<RedisResult<_>>()?;
            let name = sentinels.name.clone();
            self.sentinels = Some(Arc::new(Sentinels { name, clients }));
        }
        Ok(self)
    }

    fn made(&self, info: impl IntoConnectionInfo) -> RedisResult<Client> {
        let info = info.into_connection_info()?;
        #[cfg(feature = "rustls")]
        if let Some(certificates) = &self.certificates
            // Certificates are nothing to a connection without TLS.
            && let ConnectionAddr::TcpTls { .. } = info.addr()
        {
            provide();
            return Client::build_with_tls(info, (**certificates).clone());
        }
        opened(info)
    }

    /// How long connecting may take, where each of its steps may take so long: a sentinel is dialled and asked, and so
    /// is the Redis that it tells of.
    pub(crate) fn longest(&self, patience: Duration) -> Duration {
        let steps = self.sentinels.as_ref();
        let steps = steps.map_or(1, |it| it.clients.len().saturating_mul(4));
        patience.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        self.nodes.is_some()
    }

    pub(crate) async fn connect(&self, wanted: Wanted) -> RedisResult<Way> {
        if let Some(nodes) = &self.nodes {
            let mut all = self.all(nodes).connection_timeout(wanted.patience);
            all = all.response_timeout(wanted.answers.unwrap_or(NEVER));
            if let Some(pushes) = wanted.pushes {
                all = all.push_sender(move |push| {
                    pushes(push);
                    Ok::<(), ()>(())
                });
            }
            let client = all.build()?;
            return Ok(Way::Cluster(client.get_async_connection().await?));
        }
        let connecting = self.connect_to_one(&wanted);
        Ok(Way::One(connecting.await?))
    }

    async fn connect_to_one(&self, wanted: &Wanted) -> RedisResult<MultiplexedConnection> {
        let (patience, config) = (wanted.patience, wanted.config());
        let Some(sentinels) = &self.sentinels else {
            let connecting = self
                .client
                .get_multiplexed_async_connection_with_config(&config);
            return connecting.await;
        };
        let short = Wanted {
            patience,
            answers: Some(patience),
            pushes: None,
        };
        let short = short.config();
        let mut failure = nowhere();
        for sentinel in &sentinels.clients {
            let found = async {
                let asking = sentinel.get_multiplexed_async_connection_with_config(&short);
                let told = sentinels.ask().query_async(&mut asking.await?).await?;
                let client = self.client_at(told)?;
                let connecting = client.get_multiplexed_async_connection_with_config(&config);
                let connection = connecting.await?;
                // Whoever connects may have set no end to what is awaited.
                let mut asked = connection.clone();
                asked.set_response_timeout(patience);
                is_master(cmd("ROLE").query_async(&mut asked).await?)?;
                Ok(connection)
            };
            match found.await {
                Ok(connection) => return Ok(connection),
                // Another one may know better.
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    /// The same, by this thread. An answer may take so long.
    pub(crate) fn connect_blocking(
        &self,
        patience: Duration,
        answers: Duration,
    ) -> RedisResult<BlockingWay> {
        if let Some(nodes) = &self.nodes {
            let client = self.all(nodes).build()?;
            let config = ClusterConfig::new()
                .set_connection_timeout(patience)
                .set_response_timeout(answers);
            let connection = client.get_connection_with_config(config)?;
            return Ok(BlockingWay::Cluster(Box::new(connection)));
        }
        let connection = self.connect_to_one_blocking(patience)?;
        connection.set_read_timeout(Some(answers))?;
        connection.set_write_timeout(Some(answers))?;
        Ok(BlockingWay::One(connection))
    }

    fn connect_to_one_blocking(&self, patience: Duration) -> RedisResult<Connection> {
        let patient = |client: &Client| {
            let connection = client.get_connection_with_timeout(patience)?;
            connection.set_read_timeout(Some(patience))?;
            connection.set_write_timeout(Some(patience))?;
            RedisResult::Ok(connection)
        };
        let Some(sentinels) = &self.sentinels else {
            return patient(&self.client);
        };
        let mut failure = nowhere();
        for sentinel in &sentinels.clients {
            let found = patient(sentinel).and_then(|mut asked| {
                let told = sentinels.ask().query(&mut asked)?;
                let mut connection = patient(&self.client_at(told)?)?;
                is_master(cmd("ROLE").query(&mut connection)?)?;
                Ok(connection)
            });
            match found {
                Ok(connection) => return Ok(connection),
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    /// The crate's own client for a Redis Cluster: it finds whoever has a slot. It repeats nothing by itself, since it
    /// does so, too, with what may have arrived.
    fn all(&self, nodes: &[ConnectionInfo]) -> ClusterClientBuilder {
        let all = ClusterClientBuilder::new(nodes.iter().cloned())
            .use_protocol(ProtocolVersion::RESP3)
            .retries(0);
        #[cfg(feature = "rustls")]
        if let ConnectionAddr::TcpTls { .. } = self.client.get_connection_info().addr() {
            provide();
            if let Some(certificates) = &self.certificates {
                return all.certs((**certificates).clone());
            }
        }
        all
    }

    /// The Redis at the address that a sentinel has told.
    fn client_at(&self, told: Option<(String, u16)>) -> RedisResult<Client> {
        let (host, port) = told.ok_or_else(nowhere)?;
        let info = self.client.get_connection_info().clone();
        let at = match info.addr() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        self.made(info.set_addr(at))
    }
}

fn opened(info: ConnectionInfo) -> RedisResult<Client> {
    #[cfg(feature = "rustls")]
    if let ConnectionAddr::TcpTls { .. } = info.addr() {
        provide();
    }
    Client::open(info)
}

/// The redis crate does TLS by whichever provider the process has, and panics where it has none, or several.
#[cfg(feature = "rustls")]
fn provide() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster: its one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

impl Sentinels {
    fn ask(&self) -> Cmd {
        let mut ask = cmd("SENTINEL");
        ask.arg("get-master-addr-by-name").arg(&self.name);
        ask
    }
}

fn nowhere() -> RedisError {
    let why = "no sentinel knows a Redis of this name";
    (ErrorKind::MasterNameNotFoundBySentinel, why).into()
}

/// One that was told of late may be a replica by now, and publishes to its own clients alone.
fn is_master(role: Value) -> RedisResult<()> {
    let Value::Array(parts) = role else {
        return Err((ErrorKind::UnexpectedReturnType, "no role").into());
    };
    match parts.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(()),
        Some(Value::SimpleString(role)) if role == "master" => Ok(()),
        _ => Err((ErrorKind::Io, "the Redis that was found is a replica").into()),
    }
}
