//! A headless Chromium: the chat examples, `tests/interop/suites/browser.js`, and the bundle of the 2.5
//! client on a page of another origin, `tests/interop/suites/browser_legacy.js`. What TypeScript says of the chat's page.
//! And the page that admins have.

#[path = "browser/admin.rs"]
mod admin;
#[path = "browser/contract.rs"]
mod contract;

use sio_tests::{install::chromium, on_each_binding, suite::Suite};

on_each_binding! {
    admins: admin::page;
    chat: |binding| {
        Suite::node("browser.js")
            .example(binding, "chat")
            .env("CHROMIUM", chromium())
            .run();
    };
    the_client_of_the_2_x_line: |binding| {
        Suite::node("browser_legacy.js")
            .server(binding, "interop")
            .env("CHROMIUM", chromium())
            .run();
    };
}
