//! Test your handlers: a page to read; there is no code here.
//!
//! # A story
//!
//! An application is an [`Io`] with handlers, made by a function that `main` and tests both call. A test serves it on
//! one host, lets clients come from others, and says what each of them has to hear:
//!
//! ```
//! use sio_sim::{Ack, Config, Data, Io, Socket, check};
//!
//! fn app() -> Io {
//!     let io = Io::new(Config::v4());
//!     let chat = io.of("/");
//!     chat.on_connect(|socket: Socket| socket.join("lobby"));
//!     chat.on("say", |socket: Socket, Data(text): Data<String>, ack: Ack| {
//!         socket.to("lobby").emit("said", &text)?;
//!         ack.send(&"delivered")
//!     });
//!     io
//! }
//!
//! check(async |sim| {
//!     let server = sim.host("server").serve(&app())?;
//!     let ann = sim.host("ann").client(&server).connect("/").await?;
//!     let bob = sim.host("bob").client(&server).connect("/").await?;
//!     assert_eq!(ann.emit_with_ack::<String>("say", &"hello").await?, "delivered");
//!     assert_eq!(bob.expect::<String>("said").await?, "hello");
//!     assert!(ann.heard().is_empty());
//!     Ok(())
//! });
//! ```
//!
//! [`check`] plays it in 100 worlds. In each of them tasks run in another order, bytes come in other pieces and at
//! other times, and clients come by another transport ([`Builder::transports`](crate::client::Builder::transports) says
//! one). What holds in one of them by luck does not hold in all.
//!
//! # What a client does
//!
//! | | |
//! |---|---|
//! | waits for an event, by its name | [`expect`](crate::client::Socket::expect), which also acknowledges it; [`expect_event`](crate::client::Socket::expect_event), to answer otherwise or not at all |
//! | says something | [`emit`](crate::client::Socket::emit), [`emit_with_ack`](crate::client::Socket::emit_with_ack), [`volatile`](crate::client::Socket::volatile), [`timeout`](crate::client::Socket::timeout) |
//! | comes and goes | [`connected`](crate::client::Socket::connected), [`disconnected`](crate::client::Socket::disconnected), [`disconnect`](crate::client::Socket::disconnect); by itself it comes back, as the official clients do |
//! | was told nothing else | [`heard`](crate::client::Socket::heard) |
//! | has credentials, a query, another revision | [`Builder`](crate::client::Builder) |
//! | is in several namespaces | [`Client::connect`](crate::client::Client::connect), of [`Socket::client`](crate::client::Socket::client) |
//!
//! Who waits for something that does not come fails after 120 s, with what it heard instead. They pass at once, as all
//! time does here: [`Sim::advance`] lets an hour pass in which nobody does anything.
//!
//! # What can go wrong
//!
//! | fault | by hand |
//! |---|---|
//! | two hosts do not reach each other; neither is told | [`partition`](Sim::partition), until [`heal`](Sim::heal) |
//! | one direction stands still | [`hold`](Sim::hold), until [`release`](Sim::release) |
//! | connections break off, and both sides are told | [`cut`](Sim::cut) |
//! | a process stands still | [`stall`](Sim::stall) |
//! | a machine is put to sleep, and its clock stands still | [`suspend`](Sim::suspend) |
//! | names are not known, known late, or never answered | [`lookups`](Sim::lookups), of clients that dial [`by_name`](crate::client::Builder::by_name) |
//! | a process is killed, and started again | [`crash`](Sim::crash), [`restart`](Sim::restart) with what [`serve_with`](Host::serve_with) makes |
//! | a clock jumps | [`jump`](Sim::jump) |
//! | several of these, now and then | [`weather`](Sim::weather) with [`Weather::rough`], until [`calm`](Sim::calm) |
//!
//! # What makes a story fail
//!
//! An error or a panic of its own; a panic in a handler ([`Check::may_panic`] lets it pass); and what is left when it is
//! over: then whatever is wrong ends, all clients leave, and within an hour of virtual time there must be no session, no
//! task and no unanswered emit any more. So there is nothing to clean up in a test, and what an application forgets to
//! end is found.
//!
//! A failure says with which seed, by which command that seed is played alone, and who said what to whom: the end of it as
//! text, all of it as a page.
//!
//! ```text
//!               ann     server  bob
//!       0.004s  o------->       | 42["say","hello"]
//!       0.004s  |       o-------> 42["said","hello"]
//!      10.000s  ** partition bob | server
//!
//! with SIO_SIM=17, after 130.004s: bob waited 120s for "said", and heard nothing
//!
//!   again:  SIO_SIM='17' cargo test -p chat a_member_is_told
//!   page:   /tmp/sio-sim/a-member-is-told-17.html
//! ```
//!
//! # Time, tasks, chance
//!
//! Handlers that only await what is sio's (acks, emits) need nothing. With the feature `tokio`, timers of
//! `tokio::time`, tasks of `tokio::spawn` and its channels run in virtual time, too; `tokio::select!` needs `biased`, or
//! a seed does not say all. What waits for another thread (`spawn_blocking`, a database) has no place in a world: give
//! the application something in memory instead. A clock of the system, a random number of its own, or the order of a
//! `HashMap` make a story go another way each time; where one fails, it is said if it did.
//!
//! What is drawn by the story itself comes from [`Sim::choose`], and then the seed says that, too.

#[cfg(doc)]
use crate::{Check, Host, Io, Sim, Weather, check};
