//! Which pages' scripts may read the answers (§9.6).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::{ConfigError, OriginCheck};

/// Headers that let a browser show our answers to scripts of other sites. They refuse nothing:
/// [`Origins`](super::Origins) does.
#[derive(Clone, Debug)]
pub struct Cors {
    /// The sites whose scripts may read the answers.
    pub origin: CorsOrigin,
    /// Also when the request carried cookies.
    pub credentials: bool,
    /// What a preflight allows.
    pub methods: String,
    /// The headers that a preflight allows; `None`: those it asks for.
    pub allowed_headers: Option<String>,
    /// The headers of an answer that scripts see, besides the harmless ones.
    pub exposed_headers: Option<String>,
    /// How long a browser may remember a preflight.
    pub max_age: Option<Duration>,
    /// Whether pages of the public network may reach this server in a private one: a preflight that asks for that
    /// (`Access-Control-Request-Private-Network`) is told yes. `false`.
    pub private_network: bool,
    /// What a preflight is answered with: a status from 200 to 299. 204; some devices take none but 200.
    #[doc(alias = "optionsSuccessStatus")]
    pub options_success_status: StatusCode,
    /// Whether a preflight is not answered but handled as any request, with the headers of any: that of Engine.IO
    /// knows no `OPTIONS` and is refused with error 2, unless something before it answers. `false`.
    #[doc(alias = "preflightContinue")]
    pub preflight_continue: bool,
}

/// Chooses the [`Cors`] of each request by its head, in place of [`Config::cors`](super::Config::cors): `None` is
/// no headers. What it chooses that cannot be written is none either. It is called for every request.
///
/// ```
/// use sio_core::config::{Config, Cors, CorsDelegate};
///
/// let config = Config::v4().cors_delegate(CorsDelegate::new(|head| {
///     let ours = head.headers.get("origin").is_some_and(|it| it == "https://a.example");
///     ours.then(Cors::v2)
/// }));
/// ```
#[derive(Clone)]
pub struct CorsDelegate(Arc<Choose>);

type Choose = dyn Fn(&Parts) -> Option<Cors> + Send + Sync;

impl CorsDelegate {
    /// One that chooses by a function.
    pub fn new(choose: impl Fn(&Parts) -> Option<Cors> + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }

    pub(crate) fn choose(&self, head: &Parts) -> Option<CorsPolicy> {
        CorsPolicy::new(&(self.0)(head)?).ok()
    }
}

impl fmt::Debug for CorsDelegate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CorsDelegate")
    }
}

/// What `Access-Control-Allow-Origin` says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CorsOrigin {
    /// `*`, always.
    Any,
    /// Whatever the request's `Origin` says; `*`, without credentials, if there is none.
    Reflect,
    /// This text, always.
    Fixed(String),
    /// The request's origin if it is one of these.
    List(Vec<String>),
    /// The request's origin if a function says so.
    Check(OriginCheck),
}

impl From<&str> for CorsOrigin {
    /// `*` is [`CorsOrigin::Any`]; one origin is that [one](Self::Fixed), several with blanks between are a
    /// [list](Self::List).
    fn from(origins: &str) -> Self {
        let mut each = origins.split_whitespace();
        match (each.next(), each.next()) {
            (Some("*"), None) => Self::Any,
            (Some(one), None) => Self::Fixed(one.into()),
            _ => Self::List(origins.split_whitespace().map(Into::into).collect()),
        }
    }
}

impl<const N: usize> From<[&str; N]> for CorsOrigin {
    /// A [list](Self::List).
    fn from(origins: [&str; N]) -> Self {
        Self::List(origins.map(Into::into).into())
    }
}

impl Default for Cors {
    /// Any origin, no credentials.
    fn default() -> Self {
        Self {
            origin: CorsOrigin::Any,
            credentials: false,
            methods: "GET,HEAD,PUT,PATCH,POST,DELETE".into(),
            allowed_headers: None,
            exposed_headers: None,
            max_age: None,
            private_network: false,
            options_success_status: StatusCode::NO_CONTENT,
            preflight_continue: false,
        }
    }
}

impl Cors {
    /// As 2.x has it: whatever origin asks, with credentials.
    pub fn v2() -> Self {
        Self {
            origin: CorsOrigin::Reflect,
            credentials: true,
            ..Self::default()
        }
    }
}

/// [`Cors`], with its headers ready.
#[derive(Clone, Debug)]
pub(crate) struct CorsPolicy {
    pub(crate) origin: CorsAnswer,
    pub(crate) credentials: bool,
    pub(crate) methods: HeaderValue,
    pub(crate) allowed_headers: Option<HeaderValue>,
    pub(crate) exposed_headers: Option<HeaderValue>,
    pub(crate) max_age: Option<HeaderValue>,
    pub(crate) private_network: bool,
    pub(crate) success: StatusCode,
    pub(crate) passes_preflights: bool,
}

/// [`CorsOrigin`], as a header.
#[derive(Clone, Debug)]
pub(crate) enum CorsAnswer {
    Any,
    Reflect,
    Fixed(HeaderValue),
    List(Box<[String]>),
    Check(OriginCheck),
}

impl CorsPolicy {
    pub(crate) fn new(cors: &Cors) -> Result<Self, ConfigError> {
        let value = |name: &'static str, text: &str| {
            HeaderValue::from_str(text).map_err(|_| ConfigError::CorsHeader(name))
        };
        let option = |name: &'static str, text: &Option<String>| {
            text.as_deref().map(|text| value(name, text)).transpose()
        };
        let any = match &cors.origin {
            CorsOrigin::Any => true,
            CorsOrigin::Fixed(origin) => origin == "*",
            CorsOrigin::Reflect | CorsOrigin::List(_) | CorsOrigin::Check(_) => false,
        };
        if any && cors.credentials {
            return Err(ConfigError::AnyOriginWithCredentials);
        }
        let success = cors.options_success_status;
        if !success.is_success() {
            return Err(ConfigError::CorsStatus(success.as_u16()));
        }
        Ok(Self {
            origin: match &cors.origin {
                CorsOrigin::Any => CorsAnswer::Any,
                CorsOrigin::Reflect => CorsAnswer::Reflect,
                CorsOrigin::Fixed(_) if any => CorsAnswer::Any,
                CorsOrigin::Fixed(origin) => CorsAnswer::Fixed(value("origin", origin)?),
                CorsOrigin::List(list) => CorsAnswer::List(list.clone().into()),
                CorsOrigin::Check(check) => CorsAnswer::Check(check.clone()),
            },
            credentials: cors.credentials,
            methods: value("methods", &cors.methods)?,
            allowed_headers: option("allowed_headers", &cors.allowed_headers)?,
            exposed_headers: option("exposed_headers", &cors.exposed_headers)?,
            max_age: cors.max_age.map(|age| age.as_secs().into()),
            private_network: cors.private_network,
            success,
            passes_preflights: cors.preflight_continue,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_header_is_refused() {
        let cors = Cors {
            methods: "GET\r\nX: y".into(),
            ..Cors::default()
        };
        assert_eq!(
            CorsPolicy::new(&cors).unwrap_err(),
            ConfigError::CorsHeader("methods")
        );
    }

    #[test]
    fn a_preflight_succeeds() {
        for (status, sound) in [(199, false), (200, true), (299, true), (300, false)] {
            let cors = Cors {
                options_success_status: StatusCode::from_u16(status).unwrap(),
                ..Cors::default()
            };
            let expected = (!sound).then_some(ConfigError::CorsStatus(status));
            assert_eq!(CorsPolicy::new(&cors).err(), expected);
        }
    }

    #[test]
    fn a_delegate_chooses_by_the_head() {
        let delegate = CorsDelegate::new(|head| {
            (head.uri.path() == "/open/").then(|| Cors {
                methods: if head.uri.query().is_some() {
                    "\n"
                } else {
                    "GET"
                }
                .into(),
                ..Cors::default()
            })
        });
        let chosen = |uri: &str| {
            let request = http::Request::builder().uri(uri).body(()).unwrap();
            let policy = delegate.choose(&request.into_parts().0)?;
            Some(policy.methods.to_str().unwrap().to_owned())
        };
        assert_eq!(chosen("/open/").as_deref(), Some("GET"));
        assert_eq!(chosen("/open/?unwritable"), None);
        assert_eq!(chosen("/closed/"), None);
        assert_eq!(format!("{delegate:?}"), "CorsDelegate");
    }
}
