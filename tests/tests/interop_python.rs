//! python-socketio of both lines, its threaded and its asyncio client, against the `interop`
//! servers: `tests/interop/python/suite.py`.

use sio_tests::{example::Binding, install::Packages, on_each_binding, suite::Suite};

fn client(binding: Binding, packages: Packages, kind: &str, transport: &str) {
    Suite::python("python/suite.py", packages)
        .server(binding, "interop")
        .env("CLIENT", kind)
        .env("TRANSPORT", transport)
        .run();
}

on_each_binding! {
    v5_threads_polling: |binding| client(binding, Packages::Current, "threads", "polling");
    v5_threads_websocket: |binding| client(binding, Packages::Current, "threads", "websocket");
    v5_threads_upgrade: |binding| client(binding, Packages::Current, "threads", "upgrade");
    v5_asyncio_polling: |binding| client(binding, Packages::Current, "asyncio", "polling");
    v5_asyncio_websocket: |binding| client(binding, Packages::Current, "asyncio", "websocket");
    v5_asyncio_upgrade: |binding| client(binding, Packages::Current, "asyncio", "upgrade");
    v4_threads_polling: |binding| client(binding, Packages::Line4, "threads", "polling");
    v4_threads_websocket: |binding| client(binding, Packages::Line4, "threads", "websocket");
    v4_threads_upgrade: |binding| client(binding, Packages::Line4, "threads", "upgrade");
    v4_asyncio_polling: |binding| client(binding, Packages::Line4, "asyncio", "polling");
    v4_asyncio_websocket: |binding| client(binding, Packages::Line4, "asyncio", "websocket");
    v4_asyncio_upgrade: |binding| client(binding, Packages::Line4, "asyncio", "upgrade");
}
