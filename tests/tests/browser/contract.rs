//! The chat's page keeps to the chat's contract, as TypeScript sees both.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use sio_chat::contract::Chat;
use sio_tests::install::{page_packages, workspace};
use sio_tokio::contract::typescript;

/// What TypeScript says of a folder with a page.
fn tsc(page: &Path) -> String {
    let packages = page_packages().join("node_modules");
    let settings = tempfile::tempdir().unwrap();
    let config = settings.path().join("tsconfig.json");
    let options = json!({
        "allowJs": true,
        "checkJs": true,
        "noEmit": true,
        "strict": true,
        // The page's own functions say nothing of their parameters; its socket does.
        "noImplicitAny": false,
        "skipLibCheck": true,
        "target": "es2022",
        "module": "es2022",
        "moduleResolution": "bundler",
        "lib": ["es2022", "dom", "dom.iterable"],
        "types": [],
        "paths": { "socket.io-client": [packages.join("socket.io-client")] },
    });
    let files = [page.join("page.js"), page.join("page.d.ts")];
    let text = json!({ "compilerOptions": options, "files": files });
    fs::write(&config, text.to_string()).unwrap();
    let said = Command::new("node")
        .arg(packages.join("typescript/bin/tsc"))
        .args(["--pretty", "false", "--project"])
        .arg(config)
        .output()
        .expect("node");
    assert_eq!(String::from_utf8_lossy(&said.stderr), "");
    let text = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said.status.success(), text.is_empty(), "{text}");
    text
}

#[test]
fn the_page_keeps_to_the_contract() {
    let page = workspace().join("tests/chat/page");
    let events = page.join("events.d.ts");
    let declared = typescript::declarations::<Chat>().expect("each name once");
    if std::env::var_os("UPDATE_EVENTS").is_some() {
        fs::write(&events, &declared).unwrap();
    }
    let written = fs::read_to_string(&events).unwrap();
    assert_eq!(
        written, declared,
        "UPDATE_EVENTS=1 cargo test -p sio-tests --test browser contract"
    );
    assert_eq!(tsc(&page), "");
}

#[test]
fn a_page_that_does_not_is_found() {
    let page = workspace().join("tests/chat/page");
    let wrong = tempfile::tempdir().unwrap();
    // What stands in a file, what is put there, and what is said of it.
    let mistakes = [
        (
            "page.js",
            r#"socket.on("seen","#,
            r#"socket.on("sight","#,
            "'\"sight\"'",
        ),
        (
            "page.js",
            "({ people, came, left })",
            "({ people, came, gone })",
            "'gone'",
        ),
        ("page.js", "answer.error", "answer.why", "'why'"),
        (
            "composer.js",
            "{ key, text, picture }, (",
            "{ key, text }, (",
            "'Saying'",
        ),
        (
            "composer.js",
            r#""typing", true"#,
            r#""typing", "on""#,
            "'boolean'",
        ),
        (
            "log.js",
            "\"picture\", message.id",
            "\"picture\"",
            "arguments",
        ),
    ];
    for file in fs::read_dir(&page).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let mut text = fs::read_to_string(file.path()).unwrap();
        for (of, before, after, _) in mistakes {
            if of == name {
                assert!(text.contains(before), "{of}: {before}");
                text = text.replacen(before, after, 1);
            }
        }
        fs::write(wrong.path().join(name), text).unwrap();
    }
    let said = tsc(wrong.path());
    for (of, _, after, told) in mistakes {
        let mut lines = said.lines();
        assert!(
            lines.any(|line| line.contains(of) && line.contains(told)),
            "{after}: {said}"
        );
    }
}
