//! Socket.IO and Engine.IO servers on tokio.
