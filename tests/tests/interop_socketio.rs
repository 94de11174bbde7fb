//! socket.io-client from npm, three versions over three ways to connect, against the `interop`
//! example: `tests/interop/socketio.js`.

use sio_tests::suite::Suite;

fn client(version: &str, transport: &str) {
    Suite::node("socketio.js")
        .server("interop")
        .env("CLIENT", version)
        .env("TRANSPORT", transport)
        .run();
}

macro_rules! clients {
    ($($name:ident: $version:literal, $transport:literal;)*) => {$(
        #[test]
        fn $name() {
            client($version, $transport);
        }
    )*};
}

clients! {
    v4_8_polling: "4.8", "polling";
    v4_8_websocket: "4.8", "websocket";
    v4_8_upgrade: "4.8", "upgrade";
    v4_0_polling: "4.0", "polling";
    v4_0_websocket: "4.0", "websocket";
    v4_0_upgrade: "4.0", "upgrade";
    v3_1_polling: "3.1", "polling";
    v3_1_websocket: "3.1", "websocket";
    v3_1_upgrade: "3.1", "upgrade";
}
