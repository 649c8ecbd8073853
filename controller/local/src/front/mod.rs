//! The fronts: one address for each service of each platform, however its tasks come and go.
//!
//! They stand for the load balancer and for Service Connect.

mod backends;
mod load_balancer_metrics;
mod port_book;
mod proxy;
mod replay;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cloudwatch_rules::MetricStore;
use engine::ports::PortError;
use schema::names::{PlatformName, ServiceName};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

pub(crate) use self::backends::{Backend, Backends, Target};
use self::load_balancer_metrics::LoadBalancerMetrics;
pub(crate) use self::port_book::PortBook;
use self::proxy::Front;
use self::server::{FrontServer, bind};
use crate::error::HomeError;

const HEALTHY_HOSTS_INTERVAL: Duration = Duration::from_secs(1);

/// Where the fronts of a platform listen.
#[derive(Clone, Debug)]
pub(crate) struct PlatformAddresses(Arc<BTreeMap<ServiceName, SocketAddr>>);

impl PlatformAddresses {
    /// The address of one service's front. Every platform has one for each, tasks or not.
    pub(crate) fn of(&self, service: ServiceName) -> SocketAddr {
        self.0.get(&service).copied().unwrap_or(UNBOUND)
    }
}

const UNBOUND: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// The fronts of one platform.
#[derive(Debug)]
pub(crate) struct PlatformFront {
    addresses: PlatformAddresses,
    backends: BTreeMap<ServiceName, Arc<Backends>>,
    servers: Vec<FrontServer>,
    healthy_hosts: tokio::task::AbortHandle,
}

impl PlatformFront {
    pub(crate) fn addresses(&self) -> PlatformAddresses {
        self.addresses.clone()
    }

    /// The tasks behind one service's front.
    pub(crate) fn backends(&self, service: ServiceName) -> Arc<Backends> {
        self.backends
            .get(&service)
            .map(Arc::clone)
            .unwrap_or_default()
    }

    async fn close(&self) {
        self.healthy_hosts.abort();
        futures::future::join_all(self.servers.iter().map(FrontServer::close)).await;
    }
}

/// The fronts of all platforms.
#[derive(Debug)]
pub(crate) struct Fronts {
    metrics: Arc<MetricStore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    book: PortBook,
    /// The loan API's own port, bound at start, until its platform comes.
    api: Option<TcpListener>,
    api_port: u16,
    platforms: BTreeMap<PlatformName, Arc<PlatformFront>>,
}

impl Fronts {
    /// Takes the loan API's port, so that one in use is told before anything is started.
    pub(crate) async fn open(
        book: PortBook,
        api_port: u16,
        metrics: Arc<MetricStore>,
    ) -> Result<Self, HomeError> {
        let (api, address) = bind(api_port)
            .await
            .map_err(|source| HomeError::PortInUse {
                port: api_port,
                source,
            })?;
        let state = State {
            book,
            api: Some(api),
            api_port: address.port(),
            platforms: BTreeMap::new(),
        };
        Ok(Self {
            metrics,
            state: Mutex::new(state),
        })
    }

    /// The fronts of a platform, opened when it is new.
    pub(crate) async fn of(
        &self,
        platform: &PlatformName,
    ) -> Result<Arc<PlatformFront>, PortError> {
        let mut state = self.state.lock().await;
        if let Some(front) = state.platforms.get(platform) {
            return Ok(Arc::clone(front));
        }
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            PortError::unavailable(format!("open the addresses of {platform}"), error)
        };
        let listeners = state
            .listeners(platform)
            .await
            .map_err(|error| failed(error.into()))?;
        state.book.save().map_err(|error| failed(error.into()))?;
        let front = Arc::new(self.serve(platform, listeners));
        state.platforms.insert(platform.clone(), Arc::clone(&front));
        Ok(front)
    }

    /// Closes the fronts of all other platforms.
    pub(crate) async fn keep_only(&self, kept: &BTreeSet<&PlatformName>) {
        let mut state = self.state.lock().await;
        let gone: Vec<PlatformName> = state
            .platforms
            .keys()
            .filter(|name| !kept.contains(name))
            .cloned()
            .collect();
        for name in gone {
            if let Some(front) = state.platforms.remove(&name) {
                front.close().await;
            }
        }
    }

    /// Closes all fronts.
    pub(crate) async fn close(&self) {
        self.keep_only(&BTreeSet::new()).await;
        self.state.lock().await.api = None;
    }

    fn serve(
        &self,
        platform: &PlatformName,
        listeners: Vec<(ServiceName, TcpListener, SocketAddr)>,
    ) -> PlatformFront {
        let backends: BTreeMap<ServiceName, Arc<Backends>> = ServiceName::ALL
            .map(|service| (service, Arc::default()))
            .into();
        let addresses = listeners
            .iter()
            .map(|(service, _, address)| (*service, *address));
        let addresses = PlatformAddresses(Arc::new(addresses.collect()));
        let metrics = |service| LoadBalancerMetrics {
            store: Arc::clone(&self.metrics),
            platform: platform.clone(),
            service,
        };
        let front = |service| Front {
            service,
            backends: backends.get(&service).map(Arc::clone).unwrap_or_default(),
            auth: (service == ServiceName::LoanApi)
                .then(|| backends.get(&ServiceName::Auth).map(Arc::clone))
                .flatten(),
            metrics: metrics(service),
        };
        let servers = listeners
            .into_iter()
            .map(|(service, listener, _)| FrontServer::start(listener, front(service)))
            .collect();
        let counted = backends
            .iter()
            .map(|(name, it)| (Arc::clone(it), metrics(*name)))
            .collect();
        PlatformFront {
            healthy_hosts: tokio::spawn(count_healthy_hosts(counted)).abort_handle(),
            addresses,
            backends,
            servers,
        }
    }
}

impl State {
    async fn listeners(
        &mut self,
        platform: &PlatformName,
    ) -> std::io::Result<Vec<(ServiceName, TcpListener, SocketAddr)>> {
        let mut listeners = Vec::with_capacity(ServiceName::ALL.len());
        for service in ServiceName::ALL {
            let (listener, address) = self.listener(platform, service).await?;
            listeners.push((service, listener, address));
        }
        Ok(listeners)
    }

    async fn listener(
        &mut self,
        platform: &PlatformName,
        service: ServiceName,
    ) -> std::io::Result<(TcpListener, SocketAddr)> {
        if service == ServiceName::LoanApi && self.book.has_api_port(platform) {
            let listener = match self.api.take() {
                Some(listener) => listener,
                None => bind(self.api_port).await?.0,
            };
            let address = listener.local_addr()?;
            return Ok((listener, address));
        }
        let kept = self.book.port(platform, service);
        let bound = match bind(kept).await {
            // Someone else has the port by now: take another.
            Err(_) if kept != 0 => bind(0).await?,
            bound => bound?,
        };
        self.book.assign(platform, service, bound.1.port());
        Ok(bound)
    }
}

/// Publishes how many tasks take requests, for as long as a service has any or had some before.
async fn count_healthy_hosts(counted: Vec<(Arc<Backends>, LoadBalancerMetrics)>) {
    let mut seen = vec![false; counted.len()];
    let mut ticks = interval(HEALTHY_HOSTS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for ((backends, metrics), seen) in counted.iter().zip(&mut seen) {
            let count = backends.count();
            *seen |= count > 0;
            if *seen {
                metrics.healthy_hosts(count);
            }
        }
    }
}
