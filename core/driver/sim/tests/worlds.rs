//! Worlds of the driver's own tasks: several clients in weather that lets things go wrong, and then in none, held
//! against a model that knows sets and numbers only. What fails says by its name which property it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use sio_sim::client::{AckFuture, Socket as Client};
use sio_sim::{Ack, AckError, Check, Config, Data, Error, Io, Sim, Socket, State, Weather, secs};

/// What the server knows of everybody.
#[derive(Default)]
struct Model {
    /// How many broadcasts there were.
    said: u64,
    /// How often each socket came and went.
    lives: BTreeMap<String, (u32, u32)>,
}

type Shared = State<Arc<Mutex<Model>>>;

fn app(model: &Arc<Mutex<Model>>) -> Io {
    let io = Io::new(Config::v4());
    io.set_state(model.clone());
    let main = io.of("/");
    main.on_connect(|socket: Socket, State(model): Shared| {
        let mut model = model.lock().unwrap();
        model.lives.entry(socket.id().to_string()).or_default().0 += 1;
        socket.emit("hello", &model.said)
    });
    main.on_disconnect(|socket: Socket, State(model): Shared| {
        let mut model = model.lock().unwrap();
        model.lives.entry(socket.id().to_string()).or_default().1 += 1;
    });
    main.on(
        "say",
        |io: Io, State(model): Shared, Data(number): Data<u64>, ack: Ack| {
            let mut model = model.lock().unwrap();
            model.said += 1;
            io.emit("said", &model.said)?;
            ack.send(&number)
        },
    );
    io
}

/// One of those who take part.
struct Guest {
    name: &'static str,
    client: Client,
    /// The number of the next broadcast, once the server has said hello.
    next: Option<u64>,
    asked: Vec<(u64, AckFuture<u64>)>,
}

impl Guest {
    /// Takes all that it was told.
    async fn hear(&mut self) -> Result<(), Error> {
        while !self.client.heard().is_empty() {
            let event = self.client.next().await?;
            let number: u64 = event.args()?;
            match event.name() {
                // From here on everything counts.
                "hello" => self.next = Some(number + 1),
                _ => {
                    let next = self.next.ok_or("life: an event before the first")?;
                    let name = self.name;
                    if number != next {
                        return Err(format!("reach: {name} got {number} and not {next}").into());
                    }
                    self.next = Some(next + 1);
                }
            }
        }
        Ok(())
    }

    /// Takes the answers that have come.
    fn answers(&mut self) -> Result<(), Error> {
        let mut open = Vec::new();
        for (number, mut answer) in self.asked.drain(..) {
            match (&mut answer).now_or_never() {
                None => open.push((number, answer)),
                Some(Ok(answered)) if answered == number => {}
                Some(Err(AckError::Timeout | AckError::Disconnected | AckError::NotSent)) => {}
                Some(other) => {
                    return Err(format!("ack: {number} was answered by {other:?}").into());
                }
            }
        }
        self.asked = open;
        Ok(())
    }
}

/// What a guest does next.
fn act(sim: &Sim, guest: &mut Guest, number: u64) -> Result<(), Error> {
    match sim.choose(|choices| choices.weighted(&[6, 2, 1, 1])) {
        0 => {
            let answer = guest.client.emit_with_ack("say", &number);
            guest.asked.push((number, answer));
        }
        1 => guest.client.volatile().emit("say", &number)?,
        2 => guest.client.disconnect(),
        _ => guest.client.open(),
    }
    Ok(())
}

/// What happened in some world or other.
type Seen = Mutex<BTreeSet<&'static str>>;

async fn world(sim: Sim, seen: &Seen) -> Result<(), Error> {
    let model = Arc::<Mutex<Model>>::default();
    let io = app(&model);
    let server = sim.host("server").serve(&io)?;
    let mut guests = Vec::new();
    for name in ["ann", "bob", "eve"] {
        let client = sim.host(name).client(&server).connect("/").await?;
        guests.push(Guest {
            name,
            client,
            next: None,
            asked: Vec::new(),
        });
    }
    sim.weather(Weather::rough());
    for number in 0..60 {
        let at = sim.choose(|choices| choices.index(guests.len()));
        act(&sim, &mut guests[at], number)?;
        let wait = sim.choose(|choices| choices.below(3));
        sim.advance(secs(wait)).await;
        for guest in &mut guests {
            guest.hear().await?;
            guest.answers()?;
        }
    }
    sim.calm();
    for guest in &guests {
        guest.client.open();
    }
    // The heartbeat finds what is lost, and who has lost it dials again.
    sim.advance(secs(25 + 20 + 60)).await;
    for guest in &mut guests {
        let name = guest.name;
        if !guest.client.is_connected() {
            return Err(format!("heal: {name} is away still").into());
        }
        guest.hear().await?;
        guest.answers()?;
        if !guest.asked.is_empty() {
            return Err(format!("ack: {name} waits still").into());
        }
        let said = model.lock().unwrap().said;
        if guest.next != Some(said + 1) {
            return Err(format!("heal: {name} has not heard all of {said}").into());
        }
    }
    if io.of("/").len() != guests.len() {
        return Err(format!("dead: {} are in", io.of("/").len()).into());
    }
    drop(guests);
    sim.advance(secs(60)).await;
    sometimes(&sim, &model, seen);
    for (id, life) in &model.lock().unwrap().lives {
        if *life != (1, 1) {
            return Err(format!("life: {id} came and went {life:?} times").into());
        }
    }
    Ok(())
}

/// Notes what this world was good for.
fn sometimes(sim: &Sim, model: &Mutex<Model>, seen: &Seen) {
    let mut seen = seen.lock().unwrap();
    for (_, fault) in sim.history().faults {
        let kinds = ["cut", "partition", "stall"];
        seen.extend(kinds.iter().filter(|kind| fault.starts_with(**kind)));
    }
    if model.lock().unwrap().lives.len() > 3 {
        seen.insert("a guest came back");
    }
}

#[test]
fn what_is_promised_holds_in_rough_weather_and_heals_in_none() {
    let seen = Seen::default();
    Check::new().run(async |sim| world(sim, &seen).await);
    if std::env::var_os("SIO_SIM").is_none() {
        let all = ["a guest came back", "cut", "partition", "stall"];
        assert_eq!(*seen.lock().unwrap(), BTreeSet::from(all));
    }
}
