//! Values as arguments, one each.

use serde::ser::{Serialize, SerializeTuple, Serializer};

use super::args::Args;
use super::into::to_args;
use crate::json::Value;
use crate::packet::EncodeError;

/// A list is one argument. This is as many as there are in it.
struct Spread<'a>(&'a [Value]);

impl Serialize for Spread<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}

impl Args {
    /// Arguments whose number is known when they are sent: each of these is one. [`values`](Self::values) gives them
    /// back.
    ///
    /// # Errors
    /// Nesting that is too deep.
    pub fn from_values(values: &[Value]) -> Result<Self, EncodeError> {
        to_args(&Spread(values))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn each_value_is_an_argument() {
        let list = Value::Array(vec![Value::from(1_u8), Value::Null]);
        let binary = Value::Binary(Bytes::from_static(&[1, 2]));
        for values in [vec![], vec![list.clone()], vec![Value::Null, list, binary]] {
            let args = Args::from_values(&values).unwrap();
            assert_eq!(args.len(), values.len());
            assert_eq!(args.values().unwrap(), values);
        }
    }
}
