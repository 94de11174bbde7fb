//! What broken and hostile peers send, over real sockets: `tests/interop/hostile.js`. Against ours
//! alone: the official server accepts more, and one of the inputs ends it.

use sio_tests::suite::Suite;

#[test]
fn each_input_ends_as_it_should() {
    Suite::node("hostile.js").example("interop").run();
}
