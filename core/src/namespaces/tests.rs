//! Namespaces that come and go.

use super::*;

type All = Namespaces<u32, Option<Pattern>>;

const CLIENT: ClientNumber = ClientNumber(1);

fn namespaces(change: impl FnOnce(&mut Config)) -> All {
    let mut config = Config::v4();
    change(&mut config);
    let mut all = All::new(&config);
    all.open("/", None, || 0);
    all
}

fn pattern(text: &str) -> Option<Pattern> {
    Some(text.parse().unwrap())
}

/// A client asks for a child and gets it.
fn bring(all: &mut All, name: &str, client: ClientNumber) -> Option<NamespaceKey> {
    let key = match all.search(name, client) {
        Search::Found(key) => key,
        Search::Child(birth) => all.bring(name, birth, client, || 7)?,
        Search::Ask(_) | Search::Nowhere => return None,
    };
    all.enter(key);
    Some(key)
}

#[test]
fn a_namespace_is_made_once_and_found_by_its_name() {
    let mut all = namespaces(|_| ());
    assert_eq!((all.len(), all.is_empty()), (1, false));
    let main = all.find("/").unwrap();
    let chat = all.open(&whole_name("chat"), None, || 2);
    assert_eq!(all.open("/chat", None, || 3), chat);
    assert_eq!(all.find("/chat"), Some(chat));
    assert_eq!((all.find("chat"), all.find("")), (None, None));
    assert_eq!((all.get(main), all.get(chat)), (Some(&0), Some(&2)));
    assert_eq!(all.name(chat).map(|name| &**name), Some("/chat"));
    *all.get_mut(chat).unwrap() = 4;
    let seen: Vec<_> = all.iter().map(|(name, its)| (&**name, *its)).collect();
    assert_eq!(seen, [("/", 0), ("/chat", 4)]);
    all.enter(chat);
    assert_eq!(all.leave(chat), None, "no child");
    assert!(all.remove("/chat") && !all.remove("/chat"));
    assert_eq!((all.find("/chat"), all.get(chat)), (None, None));
    assert_ne!(all.open("/chat", None, || 5), chat);
}

#[test]
fn the_first_parent_has_the_child() {
    let mut all = namespaces(|_| ());
    let numbered = all.add_parent(pattern("/room/{id}"));
    let asked = all.add_parent(None);
    let anything = all.add_parent(pattern("/{*rest}"));
    let Search::Child(birth) = all.search("/room/7", CLIENT) else {
        panic!("it matches");
    };
    assert_eq!(birth.parent, numbered);
    assert_eq!(birth.parameters.get("id"), Some("7"));
    assert_eq!(all.search("/x", CLIENT), Search::Ask(asked));
    let Search::Child(birth) = all.search_behind("/x", CLIENT, asked) else {
        panic!("the next one has it");
    };
    assert_eq!(birth.parent, anything);
    let end = all.search_behind("/x", CLIENT, anything);
    assert_eq!(end, Search::Nowhere);
    // Somebody else was quicker, while the parent was asked.
    let key = all.bring("/x", birth.clone(), CLIENT, || 1).unwrap();
    assert_eq!(all.search_behind("/x", CLIENT, asked), Search::Found(key));
    let again = all.bring("/x", birth, ClientNumber(2), || 2);
    assert_eq!((again, all.get(key)), (Some(key), Some(&1)));
    assert_eq!(all.birth(key).unwrap().parent, anything);
    assert!(all.parent(anything).is_some() && all.parents().count() == 3);
    // What the application opens is asked of nobody.
    assert_eq!(all.birth_of("/y").unwrap().parent, anything);
    for name in ["room/7", "", "/room/7?x=1"] {
        assert_eq!(all.search(name, CLIENT), Search::Nowhere, "{name}");
        assert_eq!(all.birth_of(name), None, "{name}");
    }
}

#[test]
fn a_child_goes_with_its_last_guest() {
    let mut all = namespaces(|_| ());
    all.add_parent(pattern("/room/{id}"));
    let key = bring(&mut all, "/room/7", CLIENT).unwrap();
    assert!(all.is_passing(key));
    assert_eq!(bring(&mut all, "/room/7", ClientNumber(2)), Some(key));
    assert_eq!((all.leave(key), all.brought()), (None, 1));
    assert_eq!((all.leave(key), all.brought()), (Some(7), 0));
    // Told twice.
    assert_eq!((all.leave(key), all.len()), (None, 1));
    let again = bring(&mut all, "/room/7", CLIENT).unwrap();
    assert_ne!(again, key);
    assert_eq!(all.leave(key), None, "another one of that name");
    // Removed with somebody in it, who goes on with what belongs to it.
    assert!(all.remove("/room/7") && all.find("/room/7").is_none());
    assert!(!all.is_there(again) && all.get(again) == Some(&7));
    assert_eq!((all.brought(), all.len()), (0, 1));
    let next = bring(&mut all, "/room/7", CLIENT).unwrap();
    assert_eq!((all.leave(again), all.get(again)), (Some(7), None));
    assert_eq!(all.find("/room/7"), Some(next), "that one is another");
}

#[test]
fn a_child_stays_where_none_is_cleaned_up_and_where_the_application_wants_it() {
    let mut all = namespaces(|config| config.cleanup_empty_child_namespaces = false);
    all.add_parent(pattern("/room/{id}"));
    let key = bring(&mut all, "/room/7", CLIENT).unwrap();
    assert_eq!((all.leave(key), all.brought()), (None, 1));

    let mut all = namespaces(|_| ());
    all.add_parent(pattern("/room/{id}"));
    let key = bring(&mut all, "/room/7", CLIENT).unwrap();
    assert_eq!(all.open("/room/7", None, || 1), key);
    assert_eq!((all.brought(), all.is_passing(key)), (0, false));
    assert_eq!((all.leave(key), all.len()), (None, 2));
    let birth = all.birth_of("/room/8");
    let opened = all.open("/room/8", birth, || 8);
    assert_eq!(all.birth(opened).unwrap().parameters.get("id"), Some("8"));
    assert_eq!(bring(&mut all, "/room/8", CLIENT), Some(opened));
    assert_eq!((all.leave(opened), all.brought()), (None, 0));
}

#[test]
fn clients_bring_so_many_into_being_and_no_more() {
    let mut all = namespaces(|config| {
        config.max_child_namespaces = 3;
        config.max_child_namespaces_per_connection = 2;
    });
    all.add_parent(pattern("/{id}"));
    let key = bring(&mut all, "/1", CLIENT).unwrap();
    assert!(bring(&mut all, "/2", CLIENT).is_some());
    assert_eq!(all.search("/3", CLIENT), Search::Nowhere, "its own bound");
    let other = ClientNumber(2);
    assert!(bring(&mut all, "/3", other).is_some());
    assert_eq!(all.search("/4", other), Search::Nowhere, "the bound of all");
    assert_eq!(bring(&mut all, "/1", other), Some(key), "it is there");
    // The application is not bound.
    all.open("/4", None, || 4);
    assert_eq!(all.brought(), 3);
    // Neither was it too late to look while a parent was asked.
    let birth = all.birth_of("/5").unwrap();
    assert_eq!(all.bring("/5", birth, other, || 5), None);
    // One that goes makes room, for its client too.
    all.leave(key);
    assert_eq!(all.leave(key), Some(7));
    assert!(bring(&mut all, "/5", CLIENT).is_some());
    assert_eq!(all.brought(), 3);
    all.set_bounds(&Config::v4());
    assert!(bring(&mut all, "/6", CLIENT).is_some());
}

#[test]
fn what_is_counted_is_what_is_there() {
    let mut all = namespaces(|config| {
        config.max_child_namespaces = 8;
        config.max_child_namespaces_per_connection = 3;
    });
    all.add_parent(pattern("/{id}"));
    // A walk that nobody chose: a generator of Lehmer's.
    let mut seed = 1u64;
    let mut next = |most: u64| {
        seed = seed * 48_271 % 0x7fff_ffff;
        seed % most
    };
    let mut guests: Vec<NamespaceKey> = Vec::new();
    for _ in 0..20_000 {
        let name = format!("/{}", next(12));
        match next(8) {
            0..=3 => guests.extend(bring(&mut all, &name, ClientNumber(next(5)))),
            4..=5 if !guests.is_empty() => {
                let at = usize::try_from(next(guests.len() as u64)).unwrap();
                all.leave(guests.swap_remove(at));
            }
            6 => _ = all.remove(&name),
            7 => _ = all.open(&name, None, || 1),
            _ => {}
        }
        let its: usize = all.by_client.values().sum();
        assert_eq!(its, all.brought());
        assert!(all.brought() <= 8 && all.by_client.values().all(|its| (1..=3).contains(its)));
        for (name, _) in all.iter() {
            let key = all.find(name).unwrap();
            assert!(!all.is_passing(key) || guests.contains(&key), "{name}");
        }
    }
    for key in guests {
        all.leave(key);
    }
    assert_eq!((all.brought(), all.by_client.len()), (0, 0));
    assert_eq!(
        all.all.len(),
        all.len(),
        "no namespace without a name is left"
    );
}
