//! The proxies that servers stand behind, as Debian ships them, with what their manuals ask for WebSockets.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{install, port::free_address, process::Group, wire::PATIENCE};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// nginx.
    Nginx,
    /// HAProxy.
    HaProxy,
}

/// One that is running, and ends with the test.
#[derive(Debug)]
pub struct ReverseProxy {
    /// Where it listens.
    pub address: SocketAddr,
    _running: Group,
    _folder: TempDir,
}

impl ReverseProxy {
    /// Starts one in front of these servers, and waits until it listens. Requests go round among them.
    pub fn start(software: Software, servers: &[SocketAddr]) -> Self {
        Self::configured(software, |address| match software {
            Software::Nginx => nginx(address, "", servers),
            Software::HaProxy => haproxy(address, "", servers),
        })
    }

    /// One with a configuration of its own, for the address at which it is to listen.
    pub fn configured(
        software: Software,
        configuration: impl FnOnce(SocketAddr) -> String,
    ) -> Self {
        let address = free_address();
        let folder = tempfile::tempdir().expect("a place for its files");
        let file = folder.path().join("conf");
        fs::write(&file, configuration(address)).expect("its configuration");
        let mut command = Command::new(software.program());
        match software {
            Software::Nginx => command.arg("-p").arg(folder.path()).arg("-c").arg(&file),
            Software::HaProxy => command.arg("-db").arg("-f").arg(&file),
        };
        let mut running = Group::start(&mut command);
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(
                running.is_running() && Instant::now() < end,
                "{software:?} does not listen: {:?}",
                running.finish(Duration::ZERO)
            );
            thread::sleep(Duration::from_millis(20));
        }
        Self {
            address,
            _running: running,
            _folder: folder,
        }
    }
}

impl Software {
    fn program(self) -> PathBuf {
        match self {
            Self::Nginx => install::nginx(),
            Self::HaProxy => install::haproxy(),
        }
    }
}

/// The configuration of an nginx in front of these servers, with `balance` among the first lines of `upstream`.
pub fn nginx(address: SocketAddr, balance: &str, servers: &[SocketAddr]) -> String {
    let servers: String = servers
        .iter()
        .map(|server| format!("        server {server};\n"))
        .collect();
    // Whoever runs it as root keeps its folder to himself.
    let user = match rustix::process::geteuid().is_root() {
        true => "user root;",
        false => "",
    };
    format!(
        r#"{user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    map $http_upgrade $connection_upgrade {{
        default upgrade;
        '' '';
    }}
    upstream servers {{
        {balance}
{servers}    }}
    server {{
        listen {address};
        location / {{
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_buffering off;
            proxy_read_timeout 60s;
        }}
    }}
}}
"#
    )
}

/// The configuration of an HAProxy in front of these servers, with `balance` among the first lines of `backend`. A
/// server is called by its place, from 0, and says so by a cookie where `balance` asks for one.
pub fn haproxy(address: SocketAddr, balance: &str, servers: &[SocketAddr]) -> String {
    let cookie = balance.contains("cookie ");
    let servers: String = servers
        .iter()
        .enumerate()
        .map(|(at, server)| {
            let cookie = match cookie {
                true => format!(" cookie {at}"),
                false => String::new(),
            };
            format!("    server s{at} {server}{cookie}\n")
        })
        .collect();
    format!(
        r#"defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h

frontend clients
    bind {address}
    default_backend servers

backend servers
    {balance}
{servers}"#
    )
}
