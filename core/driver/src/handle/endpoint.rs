//! What servers of both kinds have: options that may be replaced until they are attached. Written once, for
//! [`Io`](crate::app::Io), its [`Engine`] and [`EngineServer`](crate::app::EngineServer).

use std::fmt;
use std::sync::Arc;

use crate::endpoint::setup::Setup;

/// The Engine.IO server below an [`Io`](crate::app::Io): [`Io::engine`](crate::app::Io::engine). A handle, cheap to
/// clone.
#[derive(Clone)]
pub struct Engine {
    setup: Arc<Setup>,
}

impl Engine {
    pub(super) fn new(setup: Arc<Setup>) -> Self {
        Self { setup }
    }

    pub(crate) fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    /// How many sessions are live.
    #[doc(alias = "clientsCount")]
    pub fn sessions(&self) -> usize {
        self.setup
            .attached()
            .map_or(0, |endpoint| endpoint.sessions.len())
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.setup).finish()
    }
}

/// The methods of a type with a `fn setup(&self) -> &Arc<Setup>`.
macro_rules! endpoint_methods {
    ($type:ty) => {
        impl $type {
            /// The options, as they are now.
            pub fn config(&self) -> std::sync::Arc<sio_core::config::Config> {
                self.setup().config()
            }

            /// Changes options, until the server is attached (given to a [`Server`](crate::app::Server), to
            /// `serve`, `layer` or `service`).
            ///
            /// # Errors
            /// It is attached, the options contradict themselves, or somebody else has replaced them while
            /// `change` ran. They stay as they were then.
            #[doc(alias = "attach")]
            pub fn configure(
                &self,
                change: impl FnOnce(&mut sio_core::config::Config),
            ) -> Result<(), crate::endpoint::setup::SetupError> {
                self.setup().configure(change)
            }

            /// Whether it is attached: its options are fixed.
            pub fn is_attached(&self) -> bool {
                self.setup().attached().is_some()
            }

            /// The path it is mounted at.
            pub fn path(&self) -> String {
                self.config().path.clone()
            }

            /// Mounts it elsewhere.
            ///
            /// # Errors
            /// As [`configure`](Self::configure).
            #[doc(alias = "path")]
            pub fn set_path(
                &self,
                path: impl Into<String>,
            ) -> Result<(), crate::endpoint::setup::SetupError> {
                self.configure(|config| config.path = path.into())
            }

            /// The sites whose pages may connect.
            pub fn origins(&self) -> sio_core::config::Origins {
                self.config().origins.clone()
            }

            /// Names the sites whose pages may connect. For a function that waits, or that gives the
            /// reason of a refusal, see [`check_origin`](Self::check_origin).
            ///
            /// # Errors
            /// As [`configure`](Self::configure).
            #[doc(alias = "origins")]
            pub fn set_origins(
                &self,
                origins: impl Into<sio_core::config::Origins>,
            ) -> Result<(), crate::endpoint::setup::SetupError> {
                self.configure(|config| config.origins = origins.into())
            }
        }
    };
}

pub(super) use endpoint_methods;

endpoint_methods!(Engine);
