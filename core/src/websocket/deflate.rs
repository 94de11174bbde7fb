//! `permessage-deflate` (RFC 7692): what is offered, and what is agreed on. Decided here, done by whoever
//! reads and writes frames.

use ::http::header::SEC_WEBSOCKET_EXTENSIONS;
use ::http::{HeaderMap, HeaderValue};

use crate::config::{NARROWEST, PerMessageDeflate, WIDEST};

/// What was agreed on with one client. It is an extension of the response that grants the WebSocket
/// ([`http::Extensions`](::http::Extensions)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DeflateAgreed {
    /// Each message to the client is compressed by itself.
    pub server_no_context_takeover: bool,
    /// Each message from the client is compressed by itself.
    pub client_no_context_takeover: bool,
    /// The window for messages to the client, as a power of two.
    pub server_max_window_bits: u8,
    /// The window for messages from the client, as a power of two.
    pub client_max_window_bits: u8,
}

/// The header cannot be read as RFC 6455 §9.1 has it: the connection must fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl PerMessageDeflate {
    /// Takes the first offer that can be met (§5, §7.1).
    pub(crate) fn negotiate(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<DeflateAgreed>, Unreadable> {
        let mut agreed = None;
        for value in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
            let mut rest = value.to_str().map_err(|_| Unreadable)?;
            // The whole list is read, so that an offer does not depend on what follows it.
            while let Some(extension) = Extension::read(&mut rest)? {
                if extension.name.eq_ignore_ascii_case("permessage-deflate") && agreed.is_none() {
                    agreed = self.meet(&extension.parameters);
                }
            }
        }
        Ok(agreed)
    }

    /// What an offer comes to; `None`: it is declined.
    fn meet(&self, offer: &[(&str, Option<&str>)]) -> Option<DeflateAgreed> {
        let mut asked = Asked::default();
        for (name, value) in offer {
            let twice = match (*name, *value) {
                ("server_no_context_takeover", None) => asked.server_alone.replace(()).is_some(),
                ("client_no_context_takeover", None) => asked.client_alone.replace(()).is_some(),
                ("server_max_window_bits", Some(bits)) => {
                    asked.server_bits.replace(window(bits)?).is_some()
                }
                ("client_max_window_bits", None) => asked.client_bits.replace(WIDEST).is_some(),
                ("client_max_window_bits", Some(bits)) => {
                    asked.client_bits.replace(window(bits)?).is_some()
                }
                _ => return None,
            };
            if twice {
                return None;
            }
        }
        let server_bits = asked.server_bits.unwrap_or(WIDEST);
        if server_bits < NARROWEST
            || asked.client_bits.is_none() && self.client_max_window_bits < WIDEST
        {
            return None;
        }
        Some(DeflateAgreed {
            server_no_context_takeover: self.server_no_context_takeover
                || asked.server_alone.is_some(),
            // What the client says of itself is a hint, which costs it nothing to be held to.
            client_no_context_takeover: self.client_no_context_takeover
                || asked.client_alone.is_some(),
            server_max_window_bits: self.server_max_window_bits.min(server_bits),
            client_max_window_bits: asked
                .client_bits
                .map_or(WIDEST, |bits| self.client_max_window_bits.min(bits)),
        })
    }
}

/// The parameters of an offer.
#[derive(Default)]
struct Asked {
    server_alone: Option<()>,
    client_alone: Option<()>,
    server_bits: Option<u8>,
    client_bits: Option<u8>,
}

impl DeflateAgreed {
    /// The answer to the offer. What is not said in it is as RFC 7692 has it by default; a window for the
    /// client is named only to those that offered to be told.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        let mut answer = String::from("permessage-deflate");
        if self.server_no_context_takeover {
            answer.push_str("; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            answer.push_str("; client_no_context_takeover");
        }
        for (name, bits) in [
            ("server_max_window_bits", self.server_max_window_bits),
            ("client_max_window_bits", self.client_max_window_bits),
        ] {
            if bits < WIDEST {
                answer.push_str("; ");
                answer.push_str(name);
                answer.push('=');
                answer.push_str(&bits.to_string());
            }
        }
        HeaderValue::try_from(answer).ok()
    }
}

/// A number of bits, without a leading zero (§7.1.2).
fn window(text: &str) -> Option<u8> {
    match text {
        "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15" => text.parse().ok(),
        _ => None,
    }
}

/// One element of the list in `Sec-WebSocket-Extensions`.
struct Extension<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Extension<'a> {
    /// The next one; `rest` is what follows it. `None`: there is none.
    fn read(rest: &mut &'a str) -> Result<Option<Self>, Unreadable> {
        // Lists may have empty elements (RFC 9110 §5.6.1).
        *rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(None);
        }
        let name = token(rest)?;
        let mut parameters = Vec::new();
        loop {
            skip_blanks(rest);
            if rest.is_empty() || eat(rest, ',') {
                return Ok(Some(Self { name, parameters }));
            }
            if !eat(rest, ';') {
                return Err(Unreadable);
            }
            skip_blanks(rest);
            let name = token(rest)?;
            skip_blanks(rest);
            let mut value = None;
            if eat(rest, '=') {
                skip_blanks(rest);
                value = Some(if eat(rest, '"') {
                    // What is quoted must be a token, too.
                    let quoted = token(rest)?;
                    if !eat(rest, '"') {
                        return Err(Unreadable);
                    }
                    quoted
                } else {
                    token(rest)?
                });
            }
            parameters.push((name, value));
        }
    }
}

fn skip_blanks(rest: &mut &str) {
    *rest = rest.trim_start_matches([' ', '\t']);
}

fn eat(rest: &mut &str, wanted: char) -> bool {
    match rest.strip_prefix(wanted) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn token<'a>(rest: &mut &'a str) -> Result<&'a str, Unreadable> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
    match rest.split_at_checked(end) {
        Some((token, after)) if !token.is_empty() => {
            *rest = after;
            Ok(token)
        }
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(config: PerMessageDeflate, offers: &[&str]) -> Result<Option<String>, Unreadable> {
        let mut headers = HeaderMap::new();
        for offer in offers {
            let value = HeaderValue::from_bytes(offer.as_bytes()).unwrap();
            headers.append(SEC_WEBSOCKET_EXTENSIONS, value);
        }
        let agreed = config.negotiate(&headers)?;
        Ok(agreed.map(|agreed| agreed.header().unwrap().to_str().unwrap().to_owned()))
    }

    /// The answer of a server that takes contexts over, so that only what was asked for is in it.
    fn answer(offer: &str) -> Option<String> {
        answer_to(TAKEOVER, &[offer]).unwrap()
    }

    const TAKEOVER: PerMessageDeflate = PerMessageDeflate {
        threshold: 1024,
        level: 6,
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: 15,
        client_max_window_bits: 15,
    };

    #[test]
    fn each_parameter_is_answered_as_it_must_be() {
        for (offer, expected) in [
            ("permessage-deflate", ""),
            ("PerMessage-Deflate", ""),
            (
                "permessage-deflate;server_no_context_takeover",
                "; server_no_context_takeover",
            ),
            (
                "permessage-deflate; client_no_context_takeover",
                "; client_no_context_takeover",
            ),
            ("permessage-deflate; client_max_window_bits", ""),
            ("permessage-deflate; client_max_window_bits=15", ""),
            (
                "permessage-deflate; client_max_window_bits=8",
                "; client_max_window_bits=8",
            ),
            (
                "permessage-deflate; server_max_window_bits = \"10\" ; client_max_window_bits=9",
                "; server_max_window_bits=10; client_max_window_bits=9",
            ),
        ] {
            assert_eq!(
                answer(offer),
                Some(format!("permessage-deflate{expected}")),
                "{offer}"
            );
        }
    }

    #[test]
    fn bad_offers_are_declined() {
        for offer in [
            "permessage-bzip2",
            "x-webkit-deflate-frame",
            "permessage-deflate; unknown",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover=true",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; server_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=99999999999999999999",
            "permessage-deflate; Server_No_Context_Takeover",
        ] {
            assert_eq!(answer(offer), None, "{offer}");
        }
    }

    #[test]
    fn the_first_offer_that_can_be_met_is_taken() {
        let offers = "foo; a=\"b\", permessage-deflate; server_max_window_bits=8,, \
                      permessage-deflate; server_max_window_bits=12, permessage-deflate";
        let expected = Some("permessage-deflate; server_max_window_bits=12".to_owned());
        assert_eq!(answer(offers), expected);
        let apart = ["permessage-deflate; no", "permessage-deflate"];
        let expected = Some("permessage-deflate".to_owned());
        assert_eq!(answer_to(TAKEOVER, &apart), Ok(expected));
        assert_eq!(answer_to(TAKEOVER, &[]), Ok(None));
        assert_eq!(answer_to(TAKEOVER, &["", " , "]), Ok(None));
    }

    #[test]
    fn what_is_no_list_of_extensions_fails_the_connection() {
        for header in [
            "permessage-deflate; ",
            "permessage-deflate;;",
            "permessage-deflate; =1",
            "permessage-deflate; a=",
            "permessage-deflate; a=\"",
            "permessage-deflate; a=\"b c\"",
            "permessage-deflate foo",
            "; permessage-deflate",
            "permessage-deflate, \"",
            "permessage-d\u{e9}flate",
        ] {
            assert_eq!(answer_to(TAKEOVER, &[header]), Err(Unreadable), "{header}");
        }
    }

    #[test]
    fn the_server_has_its_own_wishes() {
        let all = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        let default = PerMessageDeflate::default();
        let expected = Ok(Some(all.to_owned()));
        assert_eq!(answer_to(default, &["permessage-deflate"]), expected);
        let narrow = PerMessageDeflate {
            server_max_window_bits: 11,
            client_max_window_bits: 10,
            ..TAKEOVER
        };
        assert_eq!(answer_to(narrow, &["permessage-deflate"]), Ok(None));
        for (offer, bits) in [
            ("client_max_window_bits", (11, 10)),
            (
                "client_max_window_bits=9; server_max_window_bits=10",
                (10, 9),
            ),
            (
                "client_max_window_bits=14; server_max_window_bits=14",
                (11, 10),
            ),
        ] {
            let offer = format!("permessage-deflate; {offer}");
            let (server, client) = bits;
            let expected = format!(
                "permessage-deflate; server_max_window_bits={server}; client_max_window_bits={client}"
            );
            assert_eq!(answer_to(narrow, &[&offer]), Ok(Some(expected)), "{offer}");
        }
    }
}
