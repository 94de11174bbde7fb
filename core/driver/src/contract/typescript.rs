//! A contract as TypeScript, for the official client.
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! use sio_driver::contract::typescript;
//!
//! #[derive(Deserialize, Serialize, ts_rs::TS)]
//! struct Message {
//!     id: u64,
//!     text: String,
//! }
//!
//! sio_driver::contract! {
//!     Chat
//!     server to client { Said = "said"(message: Message) -> bool; }
//!     client to server { Say = "say"(text: String) -> usize; }
//! }
//!
//! let declarations = typescript::declarations::<Chat>()?;
//! assert_eq!(declarations, "\
//! export interface ServerToClientEvents {
//!   \"said\": (message: Message, answer: (answer: boolean) => void) => void;
//! }
//!
//! export interface ClientToServerEvents {
//!   \"say\": (text: string, answer: (answer: number) => void) => void;
//! }
//!
//! export type Message = { id: number, text: string, };
//! ");
//! # Ok::<(), typescript::Error>(())
//! ```
//!
//! Write it to a file in a test or a `build.rs`, and there it is:
//!
//! ```ts
//! import { io, type Socket } from "socket.io-client";
//! import type { ClientToServerEvents, ServerToClientEvents } from "./chat";
//!
//! const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
//! ```
//!
//! Types of your own derive `TS` of the crate [`ts_rs`]. Integers are `number`s, which is what JSON has them for in
//! JavaScript, above 2⁵³ too. Bytes say themselves what they are: `ArrayBuffer` in a browser, `Buffer` in Node, by
//! `picture: Bytes as "ArrayBuffer"` in the contract, `#[ts(type = "ArrayBuffer")]` on a field.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write as _};

use ts_rs::{Config, TS, TypeVisitor};

use super::{Contract, Declared, Parameter};

/// Why a contract cannot be declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Two events that one end says have this name.
    Event(&'static str),
    /// Two types have this name in TypeScript, where they are declared side by side: `#[ts(rename = "..")]` gives one of
    /// them another.
    Type(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(name) => write!(f, "two events of one end are named {name:?}"),
            Self::Type(name) => write!(f, "two types are named {name} in TypeScript"),
        }
    }
}

impl std::error::Error for Error {}

/// The declarations: `ServerToClientEvents`, `ClientToServerEvents`, and the types of their arguments and answers, by
/// their names. The same text whenever it is called.
///
/// # Errors
/// Two of them have the same name.
pub fn declarations<C>() -> Result<String, Error>
where
    C: Contract<ServerToClient: Events, ClientToServer: Events>,
{
    let mut types = Types {
        config: Config::new().with_large_int("number"),
        seen: HashSet::new(),
        declared: BTreeMap::new(),
        clash: None,
    };
    let mut text = String::new();
    interface::<C::ServerToClient>("ServerToClientEvents", &mut text, &mut types)?;
    text.push('\n');
    interface::<C::ClientToServer>("ClientToServerEvents", &mut text, &mut types)?;
    if let Some(name) = types.clash {
        return Err(Error::Type(name));
    }
    for (docs, declaration) in types.declared.values() {
        let _ = write!(text, "\n{docs}export {declaration}\n");
    }
    Ok(text)
}

fn interface<L: Events>(name: &str, text: &mut String, types: &mut Types) -> Result<(), Error> {
    let mut lines = BTreeMap::new();
    L::declare(types, &mut lines)?;
    let _ = writeln!(text, "export interface {name} {{");
    for line in lines.values() {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str("}\n");
    Ok(())
}

/// A list of events whose types are known to TypeScript.
pub trait Events {
    /// A line for each, by its name.
    ///
    /// # Errors
    /// Two have the same name.
    fn declare(types: &mut Types, lines: &mut BTreeMap<&'static str, String>) -> Result<(), Error>;
}

impl Events for () {
    fn declare(_: &mut Types, _: &mut BTreeMap<&'static str, String>) -> Result<(), Error> {
        Ok(())
    }
}

impl<E, Rest: Events> Events for (E, Rest)
where
    E: Declared<Parameters: Named, Answer: TS + 'static>,
{
    fn declare(types: &mut Types, lines: &mut BTreeMap<&'static str, String>) -> Result<(), Error> {
        let mut parameters = Vec::new();
        E::Parameters::name(types, E::PARAMETERS, &mut parameters);
        if let Some(answer) = E::ANSWER {
            let of = types.name::<E::Answer>(answer);
            let is_named = |it: &Parameter| it.name == answer.name;
            let tail = match E::PARAMETERS.iter().any(is_named) {
                true => "_",
                false => "",
            };
            parameters.push(format!("answer{tail}: ({}: {of}) => void", answer.name));
        }
        // A string in JSON is one in TypeScript, too.
        let line = format!("{:?}: ({}) => void;", E::NAME, parameters.join(", "));
        if lines.insert(E::NAME, line).is_some() {
            return Err(Error::Event(E::NAME));
        }
        Rest::declare(types, lines)
    }
}

/// A list of types that are known to TypeScript.
pub trait Named {
    /// What parameters of these types look like.
    fn name(types: &mut Types, parameters: &[Parameter], out: &mut Vec<String>);
}

impl Named for () {
    fn name(_: &mut Types, _: &[Parameter], _: &mut Vec<String>) {}
}

impl<T: TS + 'static, Rest: Named> Named for (T, Rest) {
    fn name(types: &mut Types, parameters: &[Parameter], out: &mut Vec<String>) {
        let Some((&first, rest)) = parameters.split_first() else {
            return;
        };
        let of = types.name::<T>(first);
        // What is a word of JavaScript's own cannot be a parameter's name.
        let name = first.name.trim_start_matches("r#");
        let tail = if RESERVED.contains(&name) { "_" } else { "" };
        out.push(format!("{name}{tail}: {of}"));
        Rest::name(types, rest, out);
    }
}

/// Words that may be names in Rust, and not in JavaScript.
const RESERVED: &[&str] = &[
    "arguments",
    "await",
    "case",
    "catch",
    "class",
    "debugger",
    "default",
    "delete",
    "do",
    "eval",
    "export",
    "extends",
    "finally",
    "function",
    "implements",
    "import",
    "instanceof",
    "interface",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "switch",
    "this",
    "throw",
    "try",
    "typeof",
    "var",
    "void",
    "with",
    "yield",
];

/// The types that were named, with those they are made of.
pub struct Types {
    config: Config,
    seen: HashSet<TypeId>,
    /// How they are documented and declared, by their names.
    declared: BTreeMap<String, (String, String)>,
    /// The first name that two of them have.
    clash: Option<String>,
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Types")
            .field("declared", &self.declared)
            .field("clash", &self.clash)
            .finish_non_exhaustive()
    }
}

impl Types {
    fn name<T: TS + 'static>(&mut self, parameter: Parameter) -> String {
        if let Some(typescript) = parameter.typescript {
            return typescript.to_owned();
        }
        self.visit::<T>();
        T::name(&self.config)
    }

    fn declare<T: TS + 'static + ?Sized>(&mut self) {
        let name = T::ident(&self.config);
        let declaration = T::decl(&self.config);
        let docs = T::docs().unwrap_or_default();
        let before = self
            .declared
            .insert(name.clone(), (docs, declaration.clone()));
        if before.is_some_and(|(_, before)| before != declaration) {
            self.clash.get_or_insert(name);
        }
    }
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        // Only what derives it has somewhere to be written to, and so something to declare.
        if T::output_path().is_some() {
            self.declare::<T>();
        }
        T::visit_generics(self);
        T::visit_dependencies(self);
    }
}
