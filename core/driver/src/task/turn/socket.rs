//! What happens on the sockets of a connection.

use std::sync::Arc;
use std::task::Context;

use sio_core::details::Details;
use sio_core::packet::{Args, Name, Value};
use sio_core::socket::{AckTicket, DisconnectReason, Event, Refusal, SocketKey};

use super::super::Task;
use super::super::dispatcher::{Dispatcher, PendingConnect};
use super::super::socket_state::SocketState;
use crate::error::AckError;
use crate::event::{About, AckSlot, ErrorSource};
use crate::handle::{Invocation, ReplyTo};
use crate::log::{debug, trace};
use crate::mailbox::held::Answered;
use crate::runtime::Runtime;

impl<R: Runtime> Task<R> {
    pub(super) fn dispatcher(&mut self) -> Option<&mut Dispatcher> {
        self.machine.dispatcher_mut()
    }

    pub(super) fn socket(&mut self, key: SocketKey) -> Option<&mut SocketState> {
        self.dispatcher()?.socket(key)
    }

    /// The socket is told to be gone before anybody hears of it by an ack that will not come.
    pub(super) fn set_disconnected(&mut self, key: SocketKey) {
        if let Some(state) = self.socket(key) {
            state.socket().set_disconnected();
        }
    }

    /// Carries out what the connection says has happened on its sockets.
    pub(super) fn socket_event(
        &mut self,
        cx: &mut Context<'_>,
        event: Event<crate::mailbox::reply::Token>,
    ) {
        match event {
            Event::Connecting {
                ticket,
                namespace,
                auth,
                query,
            } => self.connect(
                cx,
                PendingConnect {
                    ticket,
                    namespace,
                    auth,
                    query,
                },
            ),
            Event::Error { socket, payload } => self.client_error(cx, socket, payload.as_deref()),
            Event::Message {
                socket,
                name,
                args,
                ack,
            } => self.message(cx, socket, name, args, ack),
            Event::Acked {
                mut token, answer, ..
            } => {
                let answer = answer.map_err(AckError::from);
                token.asked.end(self.now, &answer);
                token.settle(answer.and_then(|args| self.charged(args)));
            }
            Event::Disconnecting { socket, reason } => {
                self.leaving(
                    cx,
                    socket,
                    "disconnecting",
                    About::Disconnecting(reason, self.details(reason)),
                );
                self.set_disconnected(socket);
            }
            Event::Disconnected { socket, reason } => {
                if let Some(waits) = self.jobs.waits() {
                    waits.forget(socket);
                }
                if let Some(state) = self.socket(socket) {
                    let its = state.socket();
                    debug!(socket = %its.log_name(), namespace = its.namespace().name(), %reason, "socket disconnected");
                    if state.is_behind() {
                        its.depart(reason);
                    } else {
                        its.exit_for(Some(reason));
                    }
                }
                self.leaving(
                    cx,
                    socket,
                    "disconnect",
                    About::Disconnect(reason, self.details(reason)),
                );
                if let Some(dispatcher) = self.dispatcher() {
                    dispatcher.leave(socket);
                }
            }
            Event::Undecided { socket } => self.stop_deciding(cx, Some(socket)),
        }
    }

    /// An answer, counted as long as handlers that wait may hold it.
    fn charged(&self, args: Args) -> Result<Answered, AckError> {
        let most = self.endpoint().config.serving.max_running_bytes;
        self.jobs.charge(args, most).ok_or(AckError::Full)
    }

    fn message(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        name: Name,
        args: Args,
        ack: Option<AckTicket>,
    ) {
        let Some(state) = self.socket(key) else {
            return;
        };
        trace!(socket = %state.socket().log_name(), event = %name, arguments = args.len(), "event");
        let mut call = Invocation::new(state.socket().clone(), name, args, About::Event);
        if let Some(ticket) = ack {
            *call.event.ack.get_mut() = AckSlot::One(ReplyTo::Told(ticket));
        }
        self.offer(cx, key, call);
    }

    /// A client of revision 4 says that something went wrong on its side.
    fn client_error(&mut self, cx: &mut Context<'_>, key: SocketKey, payload: Option<&str>) {
        let Some(state) = self.socket(key) else {
            return;
        };
        let payload = Args::from_json(&format!("[{}]", payload.unwrap_or_default()), Vec::new());
        let args = payload.unwrap_or_default().detached();
        let refusal = match args.get::<Value>(0) {
            Ok(Value::String(message)) => Refusal::new(message),
            Ok(data) => Refusal::new(args.elements()).data(data),
            Err(_) => Refusal::new(""),
        };
        let name = Name::from_static("error");
        let call = Invocation::new(
            state.socket().clone(),
            name,
            args,
            About::Error(ErrorSource::Client, refusal),
        );
        self.offer(cx, key, call);
    }

    /// What lies behind the reason why a socket leaves: nothing, where it leaves its namespace alone.
    fn details(&self, reason: DisconnectReason) -> Option<Arc<Details>> {
        match reason {
            DisconnectReason::Connection(_) | DisconnectReason::ForcedServerClose => {
                let told = || self.handle.farewell().map(Details::Told);
                self.machine.details().or_else(told).map(Arc::new)
            }
            DisconnectReason::ClientNamespaceDisconnect
            | DisconnectReason::ServerNamespaceDisconnect
            | DisconnectReason::NamespaceRemoved
            | DisconnectReason::ServerShuttingDown
            | DisconnectReason::RecoveredElsewhere => None,
        }
    }

    fn leaving(&mut self, cx: &mut Context<'_>, key: SocketKey, name: &'static str, about: About) {
        let Some(state) = self.socket(key) else {
            return;
        };
        let name = Name::from_static(name);
        let call = Invocation::new(state.socket().clone(), name, Args::default(), about);
        // Where order is promised, what came before goes before; elsewhere nothing is waited for.
        if state.keeps_order() {
            self.offer(cx, key, call);
        } else {
            self.dispatch(cx, key, call);
        }
    }
}
