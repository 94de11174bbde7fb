//! What the clients do, and the packets they do it with.

use crate::frame::{self, Opcode};
use std::fmt;
use std::str::FromStr;

/// The argument of `echo` and `tick`: 64 bytes of JSON.
pub const SMALL: &str = r#"{"user":"ada","room":"lobby","text":"hello, there, you","n":123}"#;

/// The room of the `cast` scenarios.
pub const ROOM: &str = "crowd";

/// One way to load a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// `echo` with ack, so many in flight on each connection.
    Ack {
        /// How many.
        in_flight: usize,
    },
    /// `message` with one attachment, answered by `message-back` with the same.
    Binary {
        /// How many on each connection.
        in_flight: usize,
        /// The size of the attachment.
        bytes: usize,
    },
    /// All clients in one room; one more asks for so many `tick`s, and again when everyone has them.
    Cast {
        /// How many broadcasts in a row.
        burst: usize,
    },
    /// Connect, join `/`, say goodbye, and again.
    Churn,
    /// Connections that do nothing but answer the server's pings, until each was asked once.
    Heartbeat,
    /// Connections that do nothing, looked at as soon as they are there.
    Idle,
    /// `echo` with ack over HTTP, one in flight: a GET waits while a POST brings the event.
    Polling,
    /// Connections that come, do nothing and leave, and the same again.
    Return,
}

impl Scenario {
    /// The names that are understood.
    pub const NAMES: [&str; 10] = [
        "ack",
        "ack-w1",
        "binary",
        "cast",
        "cast-b32",
        "churn",
        "heartbeat",
        "idle",
        "polling",
        "return",
    ];

    /// How many clients it takes if nobody says otherwise.
    #[must_use]
    pub fn connections(self) -> usize {
        match self {
            Self::Ack { .. } | Self::Binary { .. } | Self::Polling => 100,
            Self::Cast { .. } => 1_000,
            Self::Churn => 64,
            Self::Heartbeat | Self::Idle | Self::Return => 10_000,
        }
    }

    /// The same with another number of messages in flight, where there are any.
    #[must_use]
    pub fn with_in_flight(self, in_flight: usize) -> Self {
        match self {
            Self::Ack { .. } => Self::Ack { in_flight },
            Self::Binary { bytes, .. } => Self::Binary { in_flight, bytes },
            Self::Cast { .. }
            | Self::Churn
            | Self::Heartbeat
            | Self::Idle
            | Self::Polling
            | Self::Return => self,
        }
    }

    /// The word for what is counted.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Ack { .. } | Self::Binary { .. } | Self::Polling => "echo",
            Self::Cast { .. } => "delivery",
            Self::Churn | Self::Idle | Self::Return => "connection",
            Self::Heartbeat => "heartbeat",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ack { in_flight } => write!(f, "ack, {in_flight} in flight"),
            Self::Binary { in_flight, bytes } => {
                write!(f, "binary of {bytes} B, {in_flight} in flight")
            }
            Self::Cast { burst } => write!(f, "broadcast, {burst} at a time"),
            Self::Churn => f.write_str("connect, join `/`, disconnect"),
            Self::Heartbeat => f.write_str("idle, one heartbeat round"),
            Self::Idle => f.write_str("idle"),
            Self::Polling => f.write_str("polling echo, 1 in flight"),
            Self::Return => f.write_str("come and leave, twice"),
        }
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "ack" => Self::Ack { in_flight: 16 },
            "ack-w1" => Self::Ack { in_flight: 1 },
            "binary" => Self::Binary {
                in_flight: 16,
                bytes: 4096,
            },
            "cast" => Self::Cast { burst: 1 },
            "cast-b32" => Self::Cast { burst: 32 },
            "churn" => Self::Churn,
            "heartbeat" => Self::Heartbeat,
            "idle" => Self::Idle,
            "polling" => Self::Polling,
            "return" => Self::Return,
            _ => {
                return Err(format!(
                    "no scenario {name}: there are {}",
                    Self::NAMES.join(", ")
                ));
            }
        })
    }
}

/// The packets of one run, as far as they are the same for all clients.
#[derive(Debug)]
pub struct Script {
    /// Which scenario it is.
    pub scenario: Scenario,
    /// What follows the id in an `echo`: `["echo",..]`.
    echo: String,
    /// What follows the id in its ack: `[..]`.
    ack: String,
    /// The whole `message` with its attachment, masked.
    message: Vec<u8>,
    /// The text of the `message-back` that answers it.
    message_back: String,
    attachment: Vec<u8>,
    tick: String,
}

/// What a packet from the server means to the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The ack with this id, arguments as they should be.
    Ack(u64),
    /// One unit of what is counted.
    Unit,
    /// Something that belongs to a unit which is not complete yet.
    Part,
    /// Not what the contract says.
    Wrong,
}

impl Script {
    /// The packets of `scenario`.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        let attachment = match scenario {
            Scenario::Binary { bytes, .. } => (0..bytes).map(|index| index as u8).collect(),
            Scenario::Ack { .. }
            | Scenario::Cast { .. }
            | Scenario::Churn
            | Scenario::Heartbeat
            | Scenario::Idle
            | Scenario::Polling
            | Scenario::Return => Vec::new(),
        };
        let placeholder = r#"{"_placeholder":true,"num":0}"#;
        let mut message = Vec::new();
        let text = format!(r#"451-["message",{placeholder}]"#);
        frame::write(&mut message, Opcode::Text, &[], text.as_bytes());
        frame::write(&mut message, Opcode::Binary, &[], &attachment);
        Self {
            scenario,
            echo: format!(r#"["echo",{SMALL}]"#),
            ack: format!("[{SMALL}]"),
            message,
            message_back: format!(r#"451-["message-back",{placeholder}]"#),
            attachment,
            tick: format!(r#"42["tick",{SMALL}]"#),
        }
    }

    /// Appends an `echo` that asks for the ack `id`.
    pub fn echo(&self, out: &mut Vec<u8>, id: u64) {
        let mut digits = [0; 20];
        let digits = decimal(&mut digits, id);
        let mut head = [0; 22];
        let (kind, rest) = head.split_at_mut(2);
        kind.copy_from_slice(b"42");
        rest[..digits.len()].copy_from_slice(digits);
        let head = &head[..2 + digits.len()];
        frame::write(out, Opcode::Text, head, self.echo.as_bytes());
    }

    /// Appends a `message` with its attachment.
    pub fn message(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.message);
    }

    /// Appends a `join` that asks for the ack 0.
    pub fn join(&self, out: &mut Vec<u8>) {
        let text = format!(r#"420["join","{ROOM}"]"#);
        frame::write(out, Opcode::Text, &[], text.as_bytes());
    }

    /// Appends what a client says before it closes.
    pub fn leave(&self, out: &mut Vec<u8>) {
        frame::write(out, Opcode::Text, &[], b"41");
        frame::write(out, Opcode::Close, &[], &1000_u16.to_be_bytes());
    }

    /// Appends the packet of an `echo` that asks for the ack `id`, as a POST carries it.
    pub fn echo_text(&self, out: &mut Vec<u8>, id: u64) {
        let mut digits = [0; 20];
        out.extend_from_slice(b"42");
        out.extend_from_slice(decimal(&mut digits, id));
        out.extend_from_slice(self.echo.as_bytes());
    }

    /// Appends a `blast` of so many `tick`s.
    pub fn blast(&self, out: &mut Vec<u8>, burst: usize) {
        let text = format!(r#"42["blast","{ROOM}",{burst},{SMALL}]"#);
        frame::write(out, Opcode::Text, &[], text.as_bytes());
    }

    /// What the server said with a message frame.
    #[must_use]
    pub fn answer(&self, opcode: Opcode, payload: &[u8]) -> Answer {
        match (self.scenario, opcode) {
            (Scenario::Ack { .. } | Scenario::Polling, Opcode::Text) => {
                match payload.strip_prefix(b"43") {
                    Some(rest) => {
                        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                        let (digits, arguments) = rest.split_at(digits);
                        if arguments == self.ack.as_bytes() {
                            Answer::Ack(
                                digits
                                    .iter()
                                    .fold(0, |id, digit| id * 10 + u64::from(digit - b'0')),
                            )
                        } else {
                            Answer::Wrong
                        }
                    }
                    None => Answer::Wrong,
                }
            }
            (Scenario::Binary { .. }, Opcode::Text) if payload == self.message_back.as_bytes() => {
                Answer::Part
            }
            (Scenario::Binary { .. }, Opcode::Binary) if payload == self.attachment => Answer::Unit,
            (Scenario::Cast { .. }, Opcode::Text) if payload == self.tick.as_bytes() => {
                Answer::Unit
            }
            _ => Answer::Wrong,
        }
    }
}

/// A number as text.
pub(crate) fn decimal(digits: &mut [u8; 20], mut number: u64) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_payload_is_64_bytes_of_json() {
        assert_eq!(SMALL.len(), 64);
        serde_json::from_str::<serde_json::Value>(SMALL).unwrap();
    }

    #[test]
    fn every_name_is_understood() {
        for name in Scenario::NAMES {
            name.parse::<Scenario>().unwrap();
        }
        assert!("ack-w2".parse::<Scenario>().is_err());
    }

    #[test]
    fn answers_are_checked_to_the_last_byte() {
        let script = Script::new(Scenario::Ack { in_flight: 1 });
        let answer = |text: String| script.answer(Opcode::Text, text.as_bytes());
        assert_eq!(answer(format!("43170[{SMALL}]")), Answer::Ack(170));
        assert_eq!(answer(format!("43170[{SMALL},1]")), Answer::Wrong);
        assert_eq!(answer(format!("42170[{SMALL}]")), Answer::Wrong);

        let script = Script::new(Scenario::Cast { burst: 1 });
        let answer = |text: String| script.answer(Opcode::Text, text.as_bytes());
        assert_eq!(answer(format!(r#"42["tick",{SMALL}]"#)), Answer::Unit);
        assert_eq!(answer(r#"42["tick"]"#.to_owned()), Answer::Wrong);
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 9, 10, 18_446_744_073_709_551_615] {
            let mut digits = [0; 20];
            assert_eq!(decimal(&mut digits, number), number.to_string().as_bytes());
        }
    }
}
