//! What stands in front of the emulators: one port for all services.

mod alarms;
mod answer;
mod asked;
mod backend;
mod cbor;
mod cloudwatch;
mod deliver;
mod ecs;
mod history;
mod limits;
mod scaling;
mod services;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::api::Service;
use crate::fault::{Faults, Kind};
use crate::journal::Journal;

use answer::Refusal;
use asked::Asked;
pub(crate) use backend::{Backend, Reply};
use cloudwatch::CloudWatch;
use deliver::{Body, Severed};
use services::Services;

/// Connections served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1_024;
/// Wait after a failed accept, as when file descriptors have run out.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Sends calls on, counts them and breaks them.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) ministack: Backend,
    pub(crate) moto: Backend,
    pub(crate) journal: Journal,
    pub(crate) faults: Arc<Faults>,
    pub(crate) cloudwatch: CloudWatch,
    services: Services,
}

impl Proxy {
    pub(crate) fn new(ministack: Backend, moto: Backend) -> Self {
        Self {
            cloudwatch: CloudWatch::new(moto.clone()),
            ministack,
            moto,
            journal: Journal::default(),
            faults: Arc::default(),
            services: Services::default(),
        }
    }

    /// The emulator that does `service` better.
    pub(crate) const fn backend(&self, service: Service) -> &Backend {
        match service {
            Service::CloudWatch | Service::ApplicationAutoScaling => &self.moto,
            _ => &self.ministack,
        }
    }

    /// Forgets what was remembered of resources, when they are gone.
    pub(crate) fn forget(&self) {
        self.cloudwatch.forget();
        self.services.forget();
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Severed> {
        let asked = Asked::read(request).await.map_err(|_| Severed)?;
        let entry =
            self.journal
                .arrived(asked.api.clone(), asked.caller(), asked.path().to_owned());
        let response = self.handle_struck(&asked).await?;
        self.journal.answered(entry, response.status().as_u16());
        Ok(response)
    }

    /// Serves the call, or breaks it as the fault says that it meets.
    async fn handle_struck(&self, asked: &Asked) -> Result<Response<Body>, Severed> {
        let Some(mut strike) = self.faults.strike(&asked.api) else {
            return Ok(deliver::whole(self.serve(asked).await));
        };
        let refuse = |refusal: Refusal| Ok(deliver::whole(refusal.answer(asked)));
        match strike.kind {
            Kind::Throttle => refuse(Refusal::throttled(asked.api.service)),
            Kind::ServerError(status) => refuse(Refusal::failed(asked.api.service, status)),
            Kind::Conflict => refuse(Refusal::conflict()),
            Kind::Reset => Err(Severed),
            Kind::LoseAnswer => {
                self.serve(asked).await;
                Err(Severed)
            }
            Kind::Hang => {
                strike.end().await;
                Ok(deliver::whole(self.serve(asked).await))
            }
            Kind::Slow(within) => Ok(deliver::slowly(self.serve(asked).await, within).await),
        }
    }

    async fn serve(&self, asked: &Asked) -> Reply {
        let answered = match self.refuse(asked).await {
            Some(refusal) => return refusal.answer(asked),
            None => self.cloudwatch.answer(asked).await,
        };
        if let Some(answer) = answered {
            return answer;
        }
        let sent = self.backend(asked.api.service).send(asked.request()).await;
        match sent {
            Ok(reply) => self.services.complete(asked, reply),
            Err(error) => Refusal::unreachable(&error).answer(asked),
        }
    }

    /// What AWS would not do, though an emulator does.
    async fn refuse(&self, asked: &Asked) -> Option<Refusal> {
        if let Some(refusal) = limits::refused(asked) {
            return Some(refusal);
        }
        if let Some(refusal) = ecs::refused(asked, &self.ministack).await {
            return Some(refusal);
        }
        let introduced = scaling::introduce(asked, &self.ministack, &self.moto).await;
        introduced.err()
    }
}

/// Accepts connections for ever.
pub(crate) async fn serve(proxy: Arc<Proxy>, listener: TcpListener) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Err(_) => tokio::time::sleep(ACCEPT_BACKOFF).await,
            Ok((stream, _)) => {
                let proxy = Arc::clone(&proxy);
                tokio::spawn(async move {
                    connection(&proxy, stream).await;
                    drop(slot);
                });
            }
        }
    }
}

async fn connection(proxy: &Proxy, stream: TcpStream) {
    let service = service_fn(|request| proxy.handle(request));
    // Idle connections stay: that one is closed just when it is used is for a fault to do.
    let served = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    // Fails when a fault closes it, or the client does.
    drop(served.await);
}
