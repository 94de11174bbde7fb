//! Running a story by many seeds.

mod played;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use sio_driver::binding::Server;

use crate::choices::{Choices, List, shrink};
use crate::sim::Sim;

pub use played::Played;

/// What a story may fail with: anything.
pub type Error = Box<dyn std::error::Error>;

/// Plays a story by 100 seeds, each in a world of its own. [`Check`] can be told more.
///
/// A story fails by an error, by a panic (its own, or that of a handler), and by what it leaves behind: when it is
/// over everything that goes wrong ends, all clients leave, and then no session, no task and no ack may be left.
///
/// What fails is told with its seed. Then what was drawn in it is made smaller, as far as it fails the same way, and that
/// is told: the command that plays it again (the variable `SIO_SIM` names one seed, or a [`List`]), who said what to
/// whom, and where that is as a page.
///
/// # Panics
/// If it fails with one of the seeds.
#[track_caller]
pub fn check(story: impl AsyncFn(Sim) -> Result<(), Error>) {
    Check::new().run(story);
}

/// How a story is played.
#[derive(Clone, Debug)]
#[must_use = "nothing is played before `run`"]
pub struct Check {
    seeds: u64,
    panics: bool,
    precise: bool,
    kept: Option<PathBuf>,
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

/// What a world is drawn from.
#[derive(Clone, Debug)]
enum Source {
    Seed(u64),
    List(List),
}

/// How long what was closed may take to be gone, in virtual time: longer than any wait that is not endless.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How many worlds are played to find a smaller one that fails.
const TRIES: usize = 400;

thread_local! {
    /// What has panicked in worlds of this thread.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Whether panics of this thread are not to be printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

impl Check {
    /// By 100 seeds.
    pub const fn new() -> Self {
        Self {
            seeds: 100,
            panics: false,
            precise: false,
            kept: None,
        }
    }

    /// By so many seeds.
    pub const fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    /// First by the [`List`]s that are kept in the files of this folder, one in each: those of worlds that have failed
    /// once. A path that is not absolute is one of the package's.
    pub fn kept(mut self, folder: impl Into<PathBuf>) -> Self {
        self.kept = Some(folder.into());
        self
    }

    /// Handlers may panic: that is what the story is about.
    pub const fn may_panic(mut self) -> Self {
        self.panics = true;
        self
    }

    /// The clock goes by nanoseconds, also where the feature `tokio` is on, whose clock goes by milliseconds: there is
    /// nothing of tokio's in the story then.
    pub const fn precise(mut self) -> Self {
        self.precise = true;
        self
    }

    /// Plays a story.
    ///
    /// # Panics
    /// If it fails with one of the seeds, or what is kept cannot be read.
    #[track_caller]
    pub fn run(self, story: impl AsyncFn(Sim) -> Result<(), Error>) {
        let (sources, once) = match std::env::var("SIO_SIM") {
            Ok(text) => (vec![Source::read(&text)], true),
            Err(_) => {
                let kept = self.kept.as_deref().map(kept).unwrap_or_default();
                let seeds = (0..self.seeds).map(Source::Seed);
                (kept.into_iter().chain(seeds).collect(), false)
            }
        };
        for source in sources {
            let played = self.play(source.choices(), &story);
            if let Err(why) = &played.result {
                let told = tell(&source, why, &played.sim);
                let same = self.is_same(&source, &played, &story);
                match once || !same {
                    true => panic!("{told}"),
                    false => panic!("{told}{}", self.tell_smaller(&played, &story)),
                }
            }
        }
    }

    /// Plays a story once, by what is drawn from here, and says what came of it instead of failing.
    pub fn play(&self, choices: Choices, story: impl AsyncFn(Sim) -> Result<(), Error>) -> Played {
        watch_panics();
        let sim = Sim::drawing(choices);
        PANICS.take();
        let whole = async {
            story(sim.clone()).await.map_err(|why| why.to_string())?;
            settle(&sim).await
        };
        let played = panic::catch_unwind(AssertUnwindSafe(|| match self.precise {
            true => sim.play(whole),
            false => run(&sim, whole),
        }));
        let panics = PANICS.take();
        let result = match played {
            Err(what) => Err(words(&*what)),
            Ok(Ok(())) if !self.panics && !panics.is_empty() => {
                Err(format!("a handler panicked: {}", panics.join("; ")))
            }
            Ok(result) => result,
        };
        Played { sim, result }
    }

    /// Whether it goes the same way twice. If not, that is said.
    fn is_same(
        &self,
        source: &Source,
        played: &Played,
        story: &impl AsyncFn(Sim) -> Result<(), Error>,
    ) -> bool {
        let again = self.play(source.choices(), story);
        let same = again.sim.trace() == played.sim.trace();
        if !same {
            eprintln!(
                "It does not go the same way twice: something comes from outside of the simulation, a clock, a random \
                 number or the order of a hash map."
            );
        }
        same
    }

    /// Looks for a smaller world that fails the same way, and tells of it.
    fn tell_smaller(
        &self,
        played: &Played,
        story: &impl AsyncFn(Sim) -> Result<(), Error>,
    ) -> String {
        let kind = played.kind();
        // Each of those that spin takes as long as a thousand others.
        let tries = if played.spins() { 0 } else { TRIES };
        QUIET.set(true);
        let list = shrink(played.sim.drawn(), tries, |list| {
            let again = self.play(Choices::from_list(list), story);
            (again.kind() == kind).then(|| again.choices())
        });
        let small = self.play(Choices::from_list(&list), story);
        QUIET.set(false);
        match &small.result {
            Err(why) => format!("\n{}", tell(&Source::List(list), why, &small.sim)),
            Ok(()) => String::new(),
        }
    }
}

/// The lists that are kept in a folder, by the names of its files.
fn kept(folder: &Path) -> Vec<Source> {
    let wrong = |why: &dyn fmt::Display| -> ! { panic!("{}: {why}", folder.display()) };
    let entries = std::fs::read_dir(folder).unwrap_or_else(|why| wrong(&why));
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap_or_else(|why| wrong(&why)).path())
        .collect();
    files.sort();
    let lists = files.iter().map(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_else(|why| wrong(&why));
        let list: List = text.parse().unwrap_or_else(|why| wrong(&why));
        Source::List(list)
    });
    lists.collect()
}

impl Source {
    fn choices(&self) -> Choices {
        match self {
            Self::Seed(seed) => Choices::from_seed(*seed),
            Self::List(list) => Choices::from_list(list),
        }
    }

    /// # Panics
    /// If it is none.
    fn read(text: &str) -> Self {
        match text.trim().parse() {
            Ok(seed) => Self::Seed(seed),
            Err(_) => {
                let list = text.trim().trim_matches(['[', ']']).parse();
                Self::List(list.unwrap_or_else(|why| panic!("SIO_SIM: {why}")))
            }
        }
    }
}

impl fmt::Display for Source {
    /// As `SIO_SIM` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(seed) => write!(f, "{seed}"),
            Self::List(list) => write!(f, "[{list}]"),
        }
    }
}

/// Waits until nothing is left, and says what is.
async fn settle(sim: &Sim) -> Result<(), String> {
    sim.calm();
    let servers = sim.world.with(|state| std::mem::take(&mut state.servers));
    for server in &servers {
        // Everybody has left, and is known to have.
        if !within(sim, server.closed()).await {
            return Err("sockets are left, although all clients have gone".to_owned());
        }
    }
    for server in &servers {
        if !within(sim, Server::close(server)).await {
            return Err("a server does not close".to_owned());
        }
    }
    drop(servers);
    let until = sim.elapsed() + PATIENCE;
    loop {
        let left = left(sim);
        if left.is_empty() {
            break;
        }
        if sim.elapsed() > until {
            return Err(format!("tasks are left: {}", left.join(", ")));
        }
        sim.sleep(Duration::from_secs(1)).await;
    }
    match sim.world.with(|state| state.open_acks) {
        0 => Ok(()),
        open => Err(format!("{open} acks have neither come nor ended")),
    }
}

/// The tasks that are left, but for the story.
fn left(sim: &Sim) -> Vec<String> {
    let mut left = sim.left();
    left.retain(|name| name != "main");
    #[cfg(feature = "tokio")]
    if crate::paused::tasks() > 0 {
        left.push(format!("{} of tokio's", crate::paused::tasks()));
    }
    left
}

#[cfg(not(feature = "tokio"))]
fn run<T>(sim: &Sim, story: impl Future<Output = T>) -> T {
    sim.play(story)
}

#[cfg(feature = "tokio")]
fn run<T>(sim: &Sim, story: impl Future<Output = T>) -> T {
    crate::paused::play(sim, story)
}

/// Whether something ends in time.
async fn within(sim: &Sim, future: impl Future<Output = ()>) -> bool {
    let (future, end) = (std::pin::pin!(future), std::pin::pin!(sim.sleep(PATIENCE)));
    let first = futures_util::future::select(future, end).await;
    matches!(first, futures_util::future::Either::Left(_))
}

/// Says all there is to know of a world that failed, on stderr. Gives the short of it.
fn tell(source: &Source, why: &str, sim: &Sim) -> String {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main");
    let chart = sim.chart();
    eprintln!("{}", chart.tail(60));
    let short = format!("with SIO_SIM={source}, after {:?}: {why}", sim.elapsed());
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "..".to_owned());
    eprintln!("{short}\n\n  again:  SIO_SIM='{source}' cargo test -p {package} {test}");
    let name: String = format!("{test}-{source}")
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(100)
        .collect();
    let folder = std::env::temp_dir().join("sio-sim");
    let page = folder.join(format!("{name}.html"));
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&page, chart.page(&format!("{test}: {short}"))));
    match written {
        Ok(()) => eprintln!("  page:   {}\n", page.display()),
        Err(error) => eprintln!("  page:   none, since {}: {error}\n", page.display()),
    }
    short
}

/// What a panic says.
fn words(what: &(dyn Any + Send)) -> String {
    let text = what.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| what.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}

/// From now on what panics in a world is known, also where it is caught.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if Sim::current().is_some() {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                let what = words(info.payload());
                PANICS.with_borrow_mut(|panics| panics.push(format!("{what} ({place})")));
            }
            if !QUIET.get() {
                before(info);
            }
        }));
    });
}
