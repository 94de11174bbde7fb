//! Values for tests: each is read as it was written.

use proptest::prelude::*;

use crate::packet::Value;

pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(|number| Value::from(number >> (number % 64))),
        any::<i64>().prop_map(|number| Value::from(number >> (number & 63))),
        any::<f64>().prop_map(|number| Value::from(number + 0.5)
            .as_f64()
            .filter(|it| it.fract() != 0.0)
            .into()),
        ".{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|it| Value::Binary(it.into())),
    ];
    leaf.prop_recursive(5, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::vec(("[a-z_]{0,3}", inner), 0..20)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}
