//! What a Rust value becomes on its way to a client, and what of a client's a handler can take.
//!
//! Everything that `serde` can write can be emitted and answered with ([`IntoArgs`]), everything that it can
//! read can be taken ([`Data`]). Two things decide what JavaScript sees: a tuple is several arguments, and
//! bytes are attachments only where the type says that it is bytes.
//!
//! # Out
//!
//! `socket.emit("e", &value)`, on the wire:
//!
//! | `value` | packet | attachments |
//! |---|---|---|
//! | `()` | `42["e"]` | |
//! | `"x"` | `42["e","x"]` | |
//! | `("x", 1)` | `42["e","x",1]` | |
//! | `["x", "y"]` | `42["e","x","y"]` | |
//! | `vec!["x", "y"]` | `42["e",["x","y"]]` | |
//! | `["x", "y"].as_slice()` | `42["e",["x","y"]]` | |
//! | `(["x", "y"],)` | `42["e",["x","y"]]` | |
//! | `(("x", 1),)` | `42["e",["x",1]]` | |
//! | `(vec!["x"], 1)` | `42["e",["x"],1]` | |
//! | `None::<u8>` | `42["e",null]` | |
//! | `Some("x")` | `42["e","x"]` | |
//! | `json!({ "a": [1, null] })` | `42["e",{"a":[1,null]}]` | |
//! | `Point { x: 1, y: 2 }` | `42["e",{"x":1,"y":2}]` | |
//! | `Pair(1, 2)` | `42["e",1,2]` | |
//! | `Wrapper(1)` | `42["e",1]` | |
//! | `Shape::Empty` | `42["e","Empty"]` | |
//! | `Shape::Circle(2)` | `42["e",{"Circle":2}]` | |
//! | `HashMap::from([("a", 1)])` | `42["e",{"a":1}]` | |
//! | `u64::MAX` | `42["e",18446744073709551615]` | |
//! | `f64::NAN` | `42["e",null]` | |
//! | `vec![1_u8, 2]` | `42["e",[1,2]]` | |
//! | `Bytes::from(vec![1, 2])` | `451-["e",{"_placeholder":true,"num":0}]` | 1 |
//! | `("x", Bytes::from(vec![1, 2]))` | `451-["e","x",{"_placeholder":true,"num":0}]` | 1 |
//! | `Value::Binary(Bytes::from(vec![1, 2]))` | `451-["e",{"_placeholder":true,"num":0}]` | 1 |
//!
//! So:
//!
//! * **An array of fixed length is a tuple**, and so several arguments: `&["x", "y"]` is two, `&vec!["x", "y"]`
//!   and a slice are one. To be sure, make a tuple: `&(list,)` is one argument, whatever `list` is.
//! * **`Vec<u8>` and `[u8]` are lists of numbers**, since to `serde` they are lists. For a buffer at the other
//!   end: [`Bytes`] (`Bytes::from(vec)` copies nothing), a field with `#[serde(with = "serde_bytes")]` of the
//!   crate of that name, or [`Value::Binary`].
//! * **JavaScript's numbers are doubles**: what is above 2⁵³ arrives there as its neighbour. Send ids as
//!   strings. There is no infinity and no NaN in JSON: `null`.
//!
//! # In
//!
//! | the client emits | taken by |
//! |---|---|
//! | `("e")` | no `Data`, or `Data<()>` |
//! | `("e", "x")` | `Data<String>` |
//! | `("e", "x", 1)` | `Data<(String, u32)>` |
//! | `("e", ["x", "y"])` | `Data<Vec<String>>`, not `Data<(String, String)>` |
//! | `("e", "x")` or `("e", "x", 1)` | `Data<(String, Option<u32>)>` |
//! | `("e", { name: "x" })` | `Data<T>` with `T` a struct that derives `Deserialize` |
//! | `("e", buffer)` | `Data<Bytes>`; a list of numbers is taken, too |
//! | `("e", { data: buffer })` | `Data<T>` with `data: Bytes` |
//! | anything | `Data<Value>` (the first argument), [`Args`] (all, as they came) |
//!
//! More arguments than are asked for are left out. What does not fit is told as
//! [`not_called`](super::not_called) has it; [`TryData`](crate::app::TryData) lets a handler look for itself.

#[allow(unused_imports, reason = "for the links above")]
use crate::app::{Args, Bytes, Data, IntoArgs, Value};

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Serialize;
    use serde_json::json;
    use sio_core::packet::{FromArgs, IntoArgs, Part, event};

    use super::*;

    #[derive(Serialize)]
    struct Point {
        x: u8,
        y: u8,
    }
    #[derive(Serialize)]
    struct Pair(u8, u8);
    #[derive(Serialize)]
    struct Wrapper(u8);
    #[derive(Serialize)]
    enum Shape {
        Empty,
        Circle(u8),
    }

    /// A row of the table, made from the value.
    fn row(code: &str, value: &(impl IntoArgs + ?Sized)) -> String {
        let packet = event("/", None, "e", value).unwrap();
        let Some(Part::Text(text)) = packet.part(0) else {
            panic!("{code}: the protocol's own packets begin with text");
        };
        let text = String::from_utf8(text.to_vec()).unwrap();
        let attachments = match packet.packets() - 1 {
            0 => String::new(),
            some => format!(" {some}"),
        };
        // Spaces that formatting puts in and prose does not.
        let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("//! | `{code}` | `{text}` |{attachments} |")
    }

    macro_rules! rows {
        ($($value:expr;)*) => { vec![$(row(stringify!($value), &$value)),*] };
    }

    #[test]
    fn the_table_is_what_is_written() {
        // faults: A7
        let rows = rows! {
            ();
            "x";
            ("x", 1);
            ["x", "y"];
            vec!["x", "y"];
            ["x", "y"].as_slice();
            (["x", "y"],);
            (("x", 1),);
            (vec!["x"], 1);
            None::<u8>;
            Some("x");
            json!({ "a": [1, null] });
            Point { x: 1, y: 2 };
            Pair(1, 2);
            Wrapper(1);
            Shape::Empty;
            Shape::Circle(2);
            HashMap::from([("a", 1)]);
            u64::MAX;
            f64::NAN;
            vec![1_u8, 2];
            Bytes::from(vec![1, 2]);
            ("x", Bytes::from(vec![1, 2]));
            Value::Binary(Bytes::from(vec![1, 2]));
        };
        let page: Vec<_> = include_str!("shapes.rs")
            .lines()
            .filter(|line| line.starts_with("//! | `") && line.contains("| `4"))
            .collect();
        assert_eq!(page, rows);
    }

    fn taken<T: FromArgs>(elements: &str, attachments: usize) -> bool {
        let attachments = vec![Bytes::from_static(&[1, 2]); attachments];
        let args = Args::from_json(elements, attachments).unwrap();
        T::from_args(&args).is_ok()
    }

    #[test]
    fn what_the_page_says_is_taken_is_taken() {
        // faults: A7
        const BUFFER: &str = r#"[{"_placeholder":true,"num":0}]"#;
        assert!(taken::<()>("[]", 0));
        assert!(taken::<String>(r#"["x"]"#, 0));
        assert!(taken::<(String, u32)>(r#"["x",1]"#, 0));
        assert!(taken::<(String, u32)>(r#"["x",1,2]"#, 0));
        assert!(taken::<Vec<String>>(r#"[["x","y"]]"#, 0));
        assert!(!taken::<(String, String)>(r#"[["x","y"]]"#, 0));
        assert!(taken::<(String, Option<u32>)>(r#"["x"]"#, 0));
        assert!(taken::<(String, Option<u32>)>(r#"["x",1]"#, 0));
        assert!(taken::<Bytes>(BUFFER, 1));
        assert!(taken::<Bytes>("[[1,2]]", 0));
        assert!(taken::<Value>(BUFFER, 1));
        assert!(!taken::<Vec<u8>>(BUFFER, 1));
        #[derive(serde::Deserialize)]
        struct Picture {
            data: Bytes,
        }
        let picture = Args::from_json(
            r#"[{"data":{"_placeholder":true,"num":0}}]"#,
            vec![Bytes::from_static(&[1, 2])],
        );
        let picture = Picture::from_args(&picture.unwrap()).unwrap();
        assert_eq!(picture.data, Bytes::from_static(&[1, 2]));
    }
}
