//! What the test suites share: starting clients and servers, reading vectors, a small HTTP and WebSocket client.
