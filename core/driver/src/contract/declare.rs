//! The macro that declares contracts.

/// Declares a [contract](mod@crate::contract): a type for itself, and one for each event.
///
/// ```
/// sio_driver::contract! {
///     /// What is said in the chat.
///     pub Chat
///
///     server to client {
///         Said = "said"(from: String, text: String) -> bool;
///         // Where TypeScript is to see another type than the feature `typescript` would find.
///         Shown = "shown"(picture: sio_driver::app::Bytes as "ArrayBuffer");
///     }
///
///     client to server {
///         Say = "say"(text: String) -> usize;
///         Leave = "leave"();
///     }
/// }
///
/// use sio_driver::contract::Event;
/// assert_eq!(Said::NAME, "said");
/// ```
///
/// An event has eight arguments at most. One that both ends say is declared twice, by two names in Rust.
#[macro_export]
macro_rules! contract {
    (
        $(#[$about:meta])*
        $vis:vis $contract:ident
        server to client { $($to_client:tt)* }
        client to server { $($to_server:tt)* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $contract;

        $crate::contract!(@events $vis ServerToClient { $($to_client)* });
        $crate::contract!(@events $vis ClientToServer { $($to_server)* });

        impl $crate::contract::Contract for $contract {
            type ServerToClient = $crate::contract!(@list { $($to_client)* });
            type ClientToServer = $crate::contract!(@list { $($to_server)* });
        }
    };

    (@events $vis:vis $direction:ident { $(
        $(#[$about:meta])*
        $event:ident = $name:literal(
            $($parameter:ident: $type:ty $(as $typescript:literal)?),* $(,)?
        ) $(-> $ack:ty $(as $ack_typescript:literal)?)?;
    )* }) => { $(
        $(#[$about])*
        #[doc = ""]
        #[doc = concat!("The event `", $name, "`.")]
        #[derive(Clone, Copy, Debug)]
        $vis struct $event;

        impl $crate::contract::Event for $event {
            const NAME: &'static str = $name;
            type Args = ($($type,)*);
            type Ack = $crate::contract!(@ack $($ack)?);
        }

        impl $crate::contract::$direction for $event {}

        impl $crate::contract::Declared for $event {
            type Parameters = $crate::contract!(@types { $($type $(as $typescript)?,)* });
            type Answer = $crate::contract!(@answer $($ack $(as $ack_typescript)?)?);
            const PARAMETERS: &'static [$crate::contract::Parameter] = &[$(
                $crate::contract::Parameter {
                    name: stringify!($parameter),
                    typescript: $crate::contract!(@typescript $($typescript)?),
                },
            )*];
            const ANSWER: Option<$crate::contract::Parameter> =
                $crate::contract!(@said $($ack $(as $ack_typescript)?)?);
        }
    )* };

    (@list { }) => { () };
    (@list {
        $(#[$about:meta])*
        $event:ident = $name:literal($($args:tt)*) $(-> $ack:ty $(as $typescript:literal)?)?;
        $($rest:tt)*
    }) => { ($event, $crate::contract!(@list { $($rest)* })) };

    (@types { }) => { () };
    (@types { $type:ty as $typescript:literal, $($rest:tt)* }) => {
        ((), $crate::contract!(@types { $($rest)* }))
    };
    (@types { $type:ty, $($rest:tt)* }) => { ($type, $crate::contract!(@types { $($rest)* })) };

    (@ack) => { $crate::contract::NoAck };
    (@ack $ack:ty) => { $ack };

    (@answer) => { () };
    (@answer $ack:ty as $typescript:literal) => { () };
    (@answer $ack:ty) => { $ack };

    (@said) => { None };
    (@said $ack:ty $(as $typescript:literal)?) => {
        Some($crate::contract::Parameter {
            name: "answer",
            typescript: $crate::contract!(@typescript $($typescript)?),
        })
    };

    (@typescript) => { None };
    (@typescript $typescript:literal) => { Some($typescript) };
}
