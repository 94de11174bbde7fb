//! The async half of `sio`, written once and generic over a small runtime trait.
