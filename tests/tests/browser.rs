//! The chat example in a headless Chromium: `tests/interop/suites/browser.js`.

use sio_tests::{install::chromium, suite::Suite};

#[test]
fn chat() {
    Suite::node("browser.js")
        .example("chat")
        .env("CHROMIUM", chromium())
        .run();
}
