//! A port that somebody else has.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use sio_tests::example::{Binding, example};
use sio_tests::on_each_binding;
use sio_tests::process::Group;
use sio_tokio::{Config, Io};

fn a_port_that_is_taken_is_an_error(binding: Binding) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let io = Io::new(Config::default());
    let listening = match binding {
        Binding::Tokio => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(sio_tokio::listen(address, io))
        }
        Binding::Smol => smol::block_on(sio_smol::listen(address, io)),
    };
    assert_eq!(listening.unwrap_err().kind(), ErrorKind::AddrInUse);
}

/// And ends the servers.
fn a_process_whose_port_is_taken_says_so(binding: Binding) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut command = Command::new(example(binding, "interop"));
    command.env("PORT", port.to_string());
    let ended = Group::start(&mut command).finish(Duration::from_secs(20));
    let code = ended.status.and_then(|status| status.code());
    assert_eq!(code, Some(1), "{}", ended.output);
    assert!(ended.output.contains("AddrInUse"), "{}", ended.output);
    assert!(!ended.output.contains("listening"), "{}", ended.output);
}

/// No test may meet the other binding's server.
fn a_server_is_of_its_binding(binding: Binding) {
    let program = std::fs::read(example(binding, "interop")).unwrap();
    let (own, other) = match binding {
        Binding::Tokio => ("bindings-tokio/src/", "bindings-smol/src/"),
        Binding::Smol => ("bindings-smol/src/", "bindings-tokio/src/"),
    };
    let holds = |text: &str| memchr::memmem::find(&program, text.as_bytes()).is_some();
    assert!(holds(own));
    assert!(!holds(other));
}

on_each_binding! {
    taken: a_port_that_is_taken_is_an_error;
    process: a_process_whose_port_is_taken_says_so;
    own: a_server_is_of_its_binding;
}
