//! Calls to other services: the HTTP client, and where their hosts are really found.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use schema::names::ServiceName;
use url::{Host, Url};

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

/// Where `host:port` of a URL is really found: at an address on one machine, at a name that carries the
/// platform's in AWS, where a Service Connect namespace may hold several platforms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(BTreeMap<String, (Host, u16)>);

/// Text that is not a list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not HOST:PORT=HOST:PORT, as in auth:8082=127.0.0.1:41001")]
pub struct HostsError(String);

impl FromStr for Hosts {
    type Err = HostsError;

    fn from_str(text: &str) -> Result<Self, HostsError> {
        let entry = |item: &str| {
            let (host, found) = item.split_once('=')?;
            host.rsplit_once(':')?.1.parse::<u16>().ok()?;
            let (found, port) = found.rsplit_once(':')?;
            let found = (Host::parse(found).ok()?, port.parse().ok()?);
            Some((host.to_ascii_lowercase(), found))
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
        let (host, port) = self.0.get(&key)?;
        let mut resolved = url.clone();
        resolved.set_host(Some(&host.to_string())).ok()?;
        resolved.set_port(Some(*port)).ok()?;
        Some(resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_host_is_replaced_and_the_path_kept() {
        let hosts: Hosts = "auth:8082=127.0.0.1:41001, scoring:8083=[::1]:41002, \
                            score-provider:8084=dev-score-provider:8084"
            .parse()
            .unwrap();
        for (url, resolved) in [
            ("http://auth:8082/verify", "http://127.0.0.1:41001/verify"),
            (
                "http://scoring:8083/score?a=1",
                "http://[::1]:41002/score?a=1",
            ),
            (
                "http://score-provider:8084/score",
                "http://dev-score-provider:8084/score",
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
        ] {
            assert_eq!(text.parse::<Hosts>(), Err(HostsError(text.to_owned())));
        }
    }
}
