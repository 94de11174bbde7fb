//! Types of packets (§14).

/// The packet types of Socket.IO, by their numbers on the wire (§14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// A client asks for a namespace, or the server says that it is in.
    Connect,
    /// Either side leaves a namespace.
    Disconnect,
    /// An event with its arguments.
    Event,
    /// The answer to an event that asked for one.
    Ack,
    /// The server refuses a namespace. ERROR in revision 4, where it may also mean an event.
    ConnectError,
    /// An event with attachments.
    BinaryEvent,
    /// An answer with attachments.
    BinaryAck,
}

impl PacketType {
    /// The digit that stands for it.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Connect => b'0',
            Self::Disconnect => b'1',
            Self::Event => b'2',
            Self::Ack => b'3',
            Self::ConnectError => b'4',
            Self::BinaryEvent => b'5',
            Self::BinaryAck => b'6',
        }
    }

    /// The number that stands for it, where a parser of one's own writes numbers.
    pub const fn number(self) -> u8 {
        self.digit() & 0x0f
    }

    /// The type that a number stands for.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0..=9 => Self::from_digit(number | b'0'),
            _ => None,
        }
    }

    /// The type that a digit stands for.
    pub const fn from_digit(digit: u8) -> Option<Self> {
        match digit {
            b'0' => Some(Self::Connect),
            b'1' => Some(Self::Disconnect),
            b'2' => Some(Self::Event),
            b'3' => Some(Self::Ack),
            b'4' => Some(Self::ConnectError),
            b'5' => Some(Self::BinaryEvent),
            b'6' => Some(Self::BinaryAck),
            _ => None,
        }
    }

    /// Whether a packet whose text begins with this character announces attachments.
    pub(super) fn announces(first: char) -> bool {
        matches!(first, '5' | '6')
    }

    /// Whether packets of this type announce attachments.
    pub const fn is_binary(self) -> bool {
        match self {
            Self::BinaryEvent | Self::BinaryAck => true,
            Self::Connect | Self::Disconnect | Self::Event | Self::Ack | Self::ConnectError => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_number_and_its_digit() {
        let mut known = 0;
        for number in 0..=u8::MAX {
            let Some(kind) = PacketType::from_number(number) else {
                continue;
            };
            known += 1;
            assert_eq!(kind.number(), number);
            assert_eq!(PacketType::from_digit(b'0' + number), Some(kind));
        }
        assert_eq!(known, 7);
    }
}
