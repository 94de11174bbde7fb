//! The chat of both examples, in the simulation.

use std::time::Duration;

use serde_json::{Value, json};
use sio_sim::client::{ClientError, Socket};
use sio_sim::{AckError, check, secs};

/// Comes into a room, as the page does whenever it is connected.
async fn join(socket: &Socket, nick: &str, room: &str) -> Result<Value, AckError> {
    let wish = json!({ "nick": nick, "room": room, "key": format!("{nick}0secret") });
    socket.emit_with_ack("join", &(wish,)).await
}

async fn say(socket: &Socket, key: &str, text: &str) -> Result<Value, AckError> {
    let saying = json!({ "key": key, "text": text, "picture": null });
    socket.emit_with_ack("say", &(saying,)).await
}

/// The texts of a room's history.
fn texts(welcome: &Value) -> Vec<&str> {
    let history = welcome["history"].as_array().unwrap();
    let texts = history.iter().map(|message| &message["text"]);
    texts.map(|text| text.as_str().unwrap()).collect()
}

/// The next message that a page shows.
async fn shown(socket: &Socket) -> Result<Value, ClientError> {
    let event = socket.expect_event("message").await?;
    let message = event.args()?;
    event.answer(&true)?;
    Ok(message)
}

#[test]
fn what_is_said_is_shown_and_who_said_it_hears_that() {
    check(async |sim| {
        let server = sim.host("server").serve(&sio_chat::app())?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        let bob = sim.host("bob").client(&server).connect("/").await?;
        let eve = sim.host("eve").client(&server).connect("/").await?;
        assert_eq!(join(&ann, "ann", "lobby").await?["ok"], true);
        assert_eq!(join(&bob, "bob", "lobby").await?["ok"], true);
        assert_eq!(join(&eve, "eve", "coffee").await?["ok"], true);
        assert_eq!(say(&ann, "1", "hello").await?["ok"], true);
        let message = shown(&bob).await?;
        assert_eq!(
            (&message["nick"], &message["text"]),
            (&json!("ann"), &json!("hello"))
        );
        let seen: Value = ann.expect("seen").await?;
        assert_eq!((&seen["by"], &seen["of"]), (&json!(1), &json!(1)));
        // Said again, since its answer might have been lost: it is not shown twice.
        assert_eq!(say(&ann, "1", "hello").await?["id"], message["id"]);
        sim.advance(secs(30)).await;
        for other in [&ann, &bob, &eve] {
            assert!(!other.heard().contains(&"message".to_owned()));
        }
        Ok(())
    });
}

#[test]
fn who_was_cut_off_is_missed_and_finds_what_was_said_meanwhile() {
    check(async |sim| {
        let io = sio_chat::app();
        let server = sim.host("server").serve(&io)?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        let bob = sim.host("bob").client(&server).connect("/").await?;
        join(&ann, "ann", "lobby").await?;
        join(&bob, "bob", "lobby").await?;
        sim.partition("bob", "server");
        say(&ann, "1", "anybody?").await?;
        sim.advance(secs(90)).await;
        assert_eq!(io.of("/").len(), 1);
        loop {
            let people: Value = ann.expect("people").await?;
            if people["left"] == "bob" {
                break;
            }
        }
        sim.heal();
        assert_eq!(bob.disconnected().await?, "ping timeout");
        bob.connected().await?;
        let welcome = join(&bob, "bob", "lobby").await?;
        assert_eq!(texts(&welcome), ["anybody?"]);
        Ok(())
    });
}

#[test]
fn a_message_is_kept_once_although_its_answer_was_lost() {
    check(async |sim| {
        let server = sim.host("server").serve(&sio_chat::app())?;
        let ann = sim.host("ann").client(&server).connect("/").await?;
        join(&ann, "ann", "lobby").await?;
        for (key, text) in [("1", "one"), ("2", "two"), ("3", "three")] {
            let saying = json!({ "key": key, "text": text, "picture": null });
            let answer = ann.emit_with_ack::<Value>("say", &(saying,));
            // Before it arrives, or after, or after it was answered.
            let wait = sim.choose(|choices| choices.below(10_000));
            sim.advance(Duration::from_micros(wait)).await;
            sim.cut("ann", "server");
            // As the page does it: it comes in again, and says it again if it was not answered.
            let answered = answer.await.is_ok_and(|it| it["ok"] == true);
            sim.advance(secs(10)).await;
            ann.connected().await?;
            assert_eq!(join(&ann, "ann", "lobby").await?["ok"], true);
            if !answered {
                assert_eq!(say(&ann, key, text).await?["ok"], true);
            }
        }
        let bob = sim.host("bob").client(&server).connect("/").await?;
        let welcome = join(&bob, "bob", "lobby").await?;
        assert_eq!(texts(&welcome), ["one", "two", "three"]);
        Ok(())
    });
}
