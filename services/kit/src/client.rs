//! Calls to other services: the HTTP client, and where their hosts are really found.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use schema::names::ServiceName;
use url::{Host, Url};

use crate::trace::Call;

/// Connecting takes longer only when nobody answers.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Below every server's idle timeout (75 s here, 60 s on an ALB), so that a pooled connection is
/// not closed by the other side just when it is used.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Makes the client for calls to another service.
///
/// It reads no proxy from the environment, follows no redirect and repeats nothing by itself: how
/// often a call is made is decided in one place, by the resilience settings. Timeouts of a call are
/// the caller's.
///
/// # Errors
/// When the TLS stack cannot be set up.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .build()
}

/// Sends `request` to `dependency`, as part of the current trace.
///
/// # Errors
/// As reqwest's own.
pub async fn send(
    request: reqwest::RequestBuilder,
    dependency: &'static str,
) -> reqwest::Result<reqwest::Response> {
    let call = Call::to(dependency);
    let traced = call.headers().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    let result = traced.send().await;
    match &result {
        Ok(response) => call.answered(response.status()),
        Err(_) => call.ended(&result),
    }
    result
}

/// Where `host:port` of a URL is really found: at an address on a laptop, by a name of Service Connect's in AWS.
///
/// A name is looked up by the system with every new connection, and a connection is used as long as it is good: what
/// the name leads to may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(BTreeMap<String, Place>);

/// A host, by address or name, and a port on it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: Host,
    port: u16,
}

/// Text that is not a list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not HOST:PORT=ADDRESS:PORT or HOST:PORT=NAME:PORT, as in auth:8082=127.0.0.1:41001 or \
     auth:8082=dev-auth:8082"
)]
pub struct HostsError(String);

impl Place {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            let host = match address.ip() {
                IpAddr::V4(ip) => Host::Ipv4(ip),
                IpAddr::V6(ip) => Host::Ipv6(ip),
            };
            let port = address.port();
            return Some(Self { host, port });
        }
        let (name, port) = text.rsplit_once(':')?;
        // What looks like half an address is a mistake, whatever the rules of URLs make of it.
        let host = Host::parse(name).ok()?;
        matches!(host, Host::Domain(_)).then_some(())?;
        let port = port.parse().ok()?;
        Some(Self { host, port })
    }
}

impl FromStr for Hosts {
    type Err = HostsError;

    fn from_str(text: &str) -> Result<Self, HostsError> {
        let entry = |item: &str| {
            let (host, place) = item.split_once('=')?;
            host.rsplit_once(':')?.1.parse::<u16>().ok()?;
            Some((host.to_ascii_lowercase(), Place::parse(place)?))
        };
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| entry(item).ok_or_else(|| HostsError(item.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Hosts {
    /// `url` with its host and port replaced where the map names them.
    #[must_use]
    pub fn resolve(&self, url: &Url) -> Url {
        self.replaced(url).unwrap_or_else(|| url.clone())
    }

    /// The address of `path` on a service of the platform, as found from here. `path` is written
    /// without a leading slash.
    ///
    /// # Errors
    /// When `path` makes no address.
    pub fn service_url(&self, service: ServiceName, path: &str) -> Result<Url, url::ParseError> {
        let url = format!("http://{}:{}/{path}", service.kebab(), service.port());
        Ok(self.resolve(&Url::parse(&url)?))
    }

    fn replaced(&self, url: &Url) -> Option<Url> {
        let key = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
        let place = self.0.get(&key)?;
        let mut resolved = url.clone();
        resolved.set_host(Some(&place.host.to_string())).ok()?;
        resolved.set_port(Some(place.port)).ok()?;
        Some(resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_host_is_replaced_and_the_path_kept() {
        let hosts =
            "auth:8082=127.0.0.1:41001, scoring:8083=[::1]:41002, loan-api:8081=dev-loan-api:80";
        let hosts: Hosts = hosts.parse().unwrap();
        for (url, resolved) in [
            ("http://auth:8082/verify", "http://127.0.0.1:41001/verify"),
            (
                "http://scoring:8083/score?a=1",
                "http://[::1]:41002/score?a=1",
            ),
            (
                "http://loan-api:8081/loan/apply",
                "http://dev-loan-api/loan/apply",
            ),
            ("http://auth:9999/verify", "http://auth:9999/verify"),
            ("https://provider.example/v1", "https://provider.example/v1"),
        ] {
            assert_eq!(hosts.resolve(&url.parse().unwrap()).as_str(), resolved);
        }
    }

    #[test]
    fn a_malformed_entry_is_named() {
        for text in [
            "auth",
            "auth=127.0.0.1:1",
            "auth:x=127.0.0.1:1",
            "auth:1=nowhere",
            "auth:1=nowhere:x",
            "auth:1=:80",
            "auth:1=10.0.1:80",
            "auth:1=no where:80",
            "auth:1=http://dev-auth:80",
            "auth:1=dev-auth:80/path",
        ] {
            assert_eq!(text.parse::<Hosts>(), Err(HostsError(text.to_owned())));
        }
    }
}
