//! What broken and hostile peers send, over real sockets: `tests/interop/hostile.js`. Against ours
//! alone: the official server accepts more, and one of the inputs ends it.

use sio_tests::{on_each_binding, suite::Suite};

on_each_binding! {
    each_input_ends_as_it_should: |binding| Suite::node("hostile.js").example(binding, "interop").run();
}
