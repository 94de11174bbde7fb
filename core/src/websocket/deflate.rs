//! `permessage-deflate` (RFC 7692): what is offered, and what is agreed on. Decided here, done by whoever
//! reads and writes frames.

use ::http::header::SEC_WEBSOCKET_EXTENSIONS;
use ::http::{HeaderMap, HeaderValue};

use crate::config::{NARROWEST, PerMessageDeflate, WIDEST};

/// What was agreed on between one client and one server. A server finds it among the extensions of the response
/// that grants the WebSocket ([`http::Extensions`](::http::Extensions)), a client is told by
/// [`Asked::check`](super::Asked::check).
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

    /// What a client offers. It can be told which window to use (§7.1.2.2).
    pub(crate) fn offer(&self) -> Option<HeaderValue> {
        let mut offer = String::from("permessage-deflate");
        if self.server_no_context_takeover {
            offer.push_str("; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            offer.push_str("; client_no_context_takeover");
        }
        if self.server_max_window_bits < WIDEST {
            offer.push_str("; server_max_window_bits=");
            offer.push_str(&self.server_max_window_bits.to_string());
        }
        offer.push_str("; client_max_window_bits");
        if self.client_max_window_bits < WIDEST {
            offer.push('=');
            offer.push_str(&self.client_max_window_bits.to_string());
        }
        HeaderValue::try_from(offer).ok()
    }

    /// What the answer to the [offer](Self::offer) comes to; `None`: it was declined. What was not offered, or not
    /// answered as it must be, fails the connection (§7.1).
    pub(crate) fn accept(&self, headers: &HeaderMap) -> Result<Option<DeflateAgreed>, Unreadable> {
        let mut agreed = None;
        for value in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
            let mut rest = value.to_str().map_err(|_| Unreadable)?;
            while let Some(extension) = Extension::read(&mut rest)? {
                let known = extension.name.eq_ignore_ascii_case("permessage-deflate");
                let answer = self.accepted(&extension.parameters).ok_or(Unreadable)?;
                if !known || agreed.replace(answer).is_some() {
                    return Err(Unreadable);
                }
            }
        }
        Ok(agreed)
    }

    fn accepted(&self, answer: &[(&str, Option<&str>)]) -> Option<DeflateAgreed> {
        let said = Parameters::read(answer)?;
        let server_bits = said.server_bits.unwrap_or(WIDEST);
        let client_bits = said.client_bits.unwrap_or(WIDEST);
        let keeps_to_it = server_bits <= self.server_max_window_bits
            && (said.server_alone.is_some() || !self.server_no_context_takeover)
            && said.client_told.is_none()
            && (said.client_bits.is_none() || client_bits <= self.client_max_window_bits);
        keeps_to_it.then_some(DeflateAgreed {
            server_no_context_takeover: said.server_alone.is_some(),
            client_no_context_takeover: self.client_no_context_takeover
                || said.client_alone.is_some(),
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits.min(self.client_max_window_bits),
        })
    }

    /// What an offer comes to; `None`: it is declined.
    fn meet(&self, offer: &[(&str, Option<&str>)]) -> Option<DeflateAgreed> {
        let asked = Parameters::read(offer)?;
        // A window is named only to those that offered to be told.
        let client_bits = asked.client_bits.or(asked.client_told.map(|()| WIDEST));
        let server_bits = asked.server_bits.unwrap_or(WIDEST);
        if server_bits < NARROWEST || client_bits.is_none() && self.client_max_window_bits < WIDEST
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
            client_max_window_bits: client_bits
                .map_or(WIDEST, |bits| self.client_max_window_bits.min(bits)),
        })
    }
}

/// The parameters of an offer, or of its answer.
#[derive(Default)]
struct Parameters {
    server_alone: Option<()>,
    client_alone: Option<()>,
    server_bits: Option<u8>,
    /// `client_max_window_bits` without a number, which only an offer has.
    client_told: Option<()>,
    client_bits: Option<u8>,
}

impl Parameters {
    /// `None`: they are not as RFC 7692 has them.
    fn read(all: &[(&str, Option<&str>)]) -> Option<Self> {
        let mut its = Self::default();
        for (name, value) in all {
            let twice = match (*name, *value) {
                ("server_no_context_takeover", None) => its.server_alone.replace(()).is_some(),
                ("client_no_context_takeover", None) => its.client_alone.replace(()).is_some(),
                ("server_max_window_bits", Some(bits)) => {
                    its.server_bits.replace(window(bits)?).is_some()
                }
                ("client_max_window_bits", None) => {
                    its.client_told.replace(()).is_some() || its.client_bits.is_some()
                }
                ("client_max_window_bits", Some(bits)) => {
                    its.client_bits.replace(window(bits)?).is_some() || its.client_told.is_some()
                }
                _ => return None,
            };
            if twice {
                return None;
            }
        }
        Some(its)
    }
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

    fn accepted(config: PerMessageDeflate, answer: &str) -> Result<Option<String>, Unreadable> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(answer).unwrap();
        headers.append(SEC_WEBSOCKET_EXTENSIONS, value);
        let agreed = config.accept(&headers)?;
        Ok(agreed.map(|agreed| agreed.header().unwrap().to_str().unwrap().to_owned()))
    }

    #[test]
    fn a_client_offers_what_it_is_told_and_meets_what_it_offers() {
        let narrow = PerMessageDeflate {
            server_max_window_bits: 12,
            client_max_window_bits: 10,
            ..TAKEOVER
        };
        for (config, offer, answer) in [
            (TAKEOVER, "client_max_window_bits", ""),
            (
                PerMessageDeflate::default(),
                "server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
                "; server_no_context_takeover; client_no_context_takeover",
            ),
            (
                narrow,
                "server_max_window_bits=12; client_max_window_bits=10",
                "; server_max_window_bits=12; client_max_window_bits=10",
            ),
        ] {
            let offer = format!("permessage-deflate; {offer}");
            assert_eq!(config.offer().unwrap(), *offer);
            let answered = format!("permessage-deflate{answer}");
            let both = answer_to(TAKEOVER, &[&offer]);
            assert_eq!(both, Ok(Some(answered.clone())));
            assert_eq!(accepted(config, &answered), Ok(Some(answered)));
        }
    }

    #[test]
    fn an_answer_keeps_to_the_offer() {
        let narrow = PerMessageDeflate {
            server_max_window_bits: 12,
            client_max_window_bits: 10,
            ..TAKEOVER
        };
        let alone = PerMessageDeflate::default();
        for (config, answer, is_one) in [
            (TAKEOVER, "", true),
            (TAKEOVER, "; server_max_window_bits=8", true),
            (TAKEOVER, "; client_max_window_bits=8", true),
            (TAKEOVER, "; client_max_window_bits", false),
            (TAKEOVER, "; client_max_window_bits=16", false),
            (TAKEOVER, "; server_max_window_bits", false),
            (TAKEOVER, "; unknown", false),
            (TAKEOVER, ", permessage-deflate", false),
            (TAKEOVER, ", foo", false),
            (TAKEOVER, ";", false),
            (narrow, "", false),
            (narrow, "; server_max_window_bits=13", false),
            (narrow, "; server_max_window_bits=12", true),
            (
                narrow,
                "; server_max_window_bits=9; client_max_window_bits=11",
                false,
            ),
            (
                narrow,
                "; server_max_window_bits=9; client_max_window_bits=9",
                true,
            ),
            (alone, "", false),
            (alone, "; client_no_context_takeover", false),
            (alone, "; server_no_context_takeover", true),
        ] {
            let answer = format!("permessage-deflate{answer}");
            assert_eq!(accepted(config, &answer).is_ok(), is_one, "{answer}");
        }
        assert_eq!(
            accepted(TAKEOVER, "x-webkit-deflate-frame"),
            Err(Unreadable)
        );
        assert_eq!(accepted(TAKEOVER, ""), Ok(None));
        // What the server leaves to the client, the client has said of itself.
        let agreed = accepted(narrow, "permessage-deflate; server_max_window_bits=12").unwrap();
        assert!(agreed.unwrap().ends_with("client_max_window_bits=10"));
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
