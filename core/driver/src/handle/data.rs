//! What the application keeps with a socket.

use std::sync::PoisonError;

use serde::Serialize;

use super::Socket;
use crate::adapter::{Slot, SocketData, Write, write};

impl Socket {
    /// A copy of the value of this type that was given to [`set_data`](Self::set_data) or
    /// [`set_local_data`](Self::set_local_data).
    pub fn data<T: Clone + Send + 'static>(&self) -> Option<T> {
        let slot = self.slot::<T>()?;
        let value = slot.lock().unwrap_or_else(PoisonError::into_inner);
        Some(value.clone())
    }

    /// Keeps a value with the socket, one for each type; a later one replaces it. Once the socket has
    /// left and its handlers have ended, its values are dropped.
    ///
    /// Others see it: it is in [`RemoteSocket::data`](crate::app::RemoteSocket) of who fetches this socket, on other
    /// nodes too. It is written only when somebody looks. What cannot be written, or is nobody else's, is for
    /// [`set_local_data`](Self::set_local_data).
    ///
    /// ```
    /// # use sio_driver::app::{AdapterError, Io, Socket};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct User {
    ///     name: String,
    /// }
    ///
    /// # async fn example(io: Io, socket: Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// socket.set_data(User { name: "ann".into() });
    /// for socket in io.fetch_sockets().await? {
    ///     let user: User = socket.data.decode()?;
    ///     println!("{} is {}", socket.id, user.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_data<T: Serialize + Send + 'static>(&self, value: T) {
        self.keep(value, Some(write::<T>));
    }

    /// Keeps a value with the socket as [`set_data`](Self::set_data) does, of any type: nobody who fetches
    /// the socket sees it.
    pub fn set_local_data<T: Send + 'static>(&self, value: T) {
        self.keep(value, None);
    }

    fn keep<T: Send + 'static>(&self, value: T, write: Option<Write>) {
        let before = self.extras().get_or_insert_default().data.set(value, write);
        // Dropped outside the lock.
        drop(before);
    }

    /// Changes the value of this type in place, made by `Default` if there was none, and then seen by others
    /// as one of [`set_data`](Self::set_data). Others who want this value wait meanwhile.
    pub fn update_data<T: Default + Serialize + Send + 'static, R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
    ) -> R {
        self.update(change, Some(write::<T>))
    }

    /// Changes the value of this type in place as [`update_data`](Self::update_data) does; if it is made here,
    /// as one of [`set_local_data`](Self::set_local_data).
    pub fn update_local_data<T: Default + Send + 'static, R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
    ) -> R {
        self.update(change, None)
    }

    fn update<T: Default + Send + 'static, R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
        write: Option<Write>,
    ) -> R {
        let slot = self.slot::<T>().or_else(|| {
            // Made before the lock is taken, and dropped behind it if there is one by then: both are the application's
            // code.
            let mut fresh = Some(T::default());
            let mut extras = self.extras();
            let data = &mut extras.get_or_insert_default().data;
            if let there @ Some(_) = data.slot() {
                return there;
            }
            data.set(fresh.take()?, write);
            data.slot()
        });
        // The key is the type's own id, so there always is one.
        let slot = slot.unwrap_or_default();
        change(&mut slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the value of this type away. `false`: there was none.
    pub fn remove_data<T: Send + 'static>(&self) -> bool {
        let mut extras = self.extras();
        let removed = extras.as_mut().and_then(|extras| extras.data.remove::<T>());
        drop(extras);
        // Dropped outside the lock.
        removed.is_some()
    }

    /// Of one that [has come back](Self::recovered) from another node: what that had been given by
    /// [`set_data`](Self::set_data), as it was written, for this node does not know of which type it was. To have it by
    /// [`data`](Self::data) as before, give it to `set_data` again; until it has any, others see this.
    ///
    /// ```
    /// # use sio_driver::app::{Io, Socket};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct User { name: String }
    /// # fn example(io: &Io) {
    /// io.of("/").on_connect(|socket: Socket| {
    ///     if let Some(kept) = socket.recovered_data()
    ///         && let Ok(user) = kept.decode::<User>()
    ///     {
    ///         socket.set_data(user);
    ///     }
    /// });
    /// # }
    /// ```
    pub fn recovered_data(&self) -> Option<SocketData> {
        self.extras().as_ref()?.data.kept()
    }

    fn slot<T: Send + 'static>(&self) -> Option<Slot<T>> {
        self.extras().as_ref()?.data.slot()
    }

    /// What others may see of its values.
    pub(crate) fn shared_data(&self) -> SocketData {
        let extras = self.extras();
        let data = extras.as_ref().map(|extras| extras.data.shared());
        data.unwrap_or_default()
    }
}
