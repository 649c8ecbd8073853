//! One front's handling of requests, on Pingora.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorSource, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};
use schema::names::ServiceName;

use super::backends::{Backends, Lease};
use super::load_balancer_metrics::LoadBalancerMetrics;
use super::replay::{Broken, Repeat, may_repeat, repeat};

/// How long a request waits for a task when there is none: a replacement is under way.
const PATIENCE: Duration = Duration::from_secs(1);
/// On loopback a connection takes microseconds; a task that does not accept is of no use.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Idle time of the load balancer: its default in AWS.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections to tasks are let go before the tasks themselves would: theirs outlive 60 seconds.
const POOLED_IDLE_TIME: Duration = Duration::from_secs(20);
/// Path that the loan API's address hands to auth, as the load balancer's path rule does.
const AUTH_PATH: &str = "/oauth/";

/// One front: sends requests of one address to the tasks behind it.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) service: ServiceName,
    pub(super) backends: Arc<Backends>,
    /// Where [`AUTH_PATH`] goes, on the loan API's front.
    pub(super) auth: Option<Arc<Backends>>,
    pub(super) metrics: LoadBalancerMetrics,
}

/// One request.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    lease: Option<Lease>,
    failed: Vec<u64>,
    repeat: Option<Repeat>,
    sent: Option<Instant>,
    /// Status and time of the task's answer.
    answered: Option<(u16, Duration)>,
}

impl Front {
    fn route(&self, path: &str) -> (ServiceName, &Backends) {
        match &self.auth {
            Some(auth) if path.starts_with(AUTH_PATH) => (ServiceName::Auth, auth),
            _ => (self.service, &self.backends),
        }
    }
}

#[async_trait]
impl ProxyHttp for Front {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        Exchange::default()
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        exchange: &mut Exchange,
    ) -> Result<Box<HttpPeer>> {
        let request = session.req_header();
        let (target, backends) = self.route(request.uri.path());
        if exchange.repeat.is_none() {
            let sorted = repeat(
                target,
                &request.method,
                request.uri.path(),
                &request.headers,
            );
            exchange.repeat = Some(sorted);
        }
        exchange.lease = None;
        let Some(lease) = backends.pick(&exchange.failed, PATIENCE).await else {
            return Error::e_explain(ErrorType::HTTPStatus(503), "no task takes requests");
        };
        let mut peer = HttpPeer::new(lease.backend().address(), false, String::new());
        // A later task on the same port must never inherit this one's connections.
        peer.group_key = lease.backend().number();
        peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.read_timeout = Some(IDLE_TIMEOUT);
        peer.options.write_timeout = Some(IDLE_TIMEOUT);
        peer.options.idle_timeout = Some(POOLED_IDLE_TIME);
        exchange.lease = Some(lease);
        exchange.sent = Some(Instant::now());
        Ok(Box::new(peer))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _: &mut Exchange,
    ) -> Result<()> {
        if let Some(client) = session.client_addr().and_then(|address| address.as_inet()) {
            request.insert_header("x-forwarded-for", client.ip().to_string())?;
        }
        Ok(())
    }

    async fn upstream_response_filter(
        &self,
        _: &mut Session,
        response: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let took = exchange.sent.map_or(Duration::ZERO, |sent| sent.elapsed());
        exchange
            .answered
            .get_or_insert((response.status.as_u16(), took));
        Ok(())
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        exchange: &mut Exchange,
        mut error: Box<Error>,
    ) -> Box<Error> {
        // Nothing was sent, so nothing can happen twice.
        exchange.give_up_task();
        error.set_retry(true);
        error
    }

    fn error_while_proxy(
        &self,
        _: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        exchange: &mut Exchange,
        reused: bool,
    ) -> Box<Error> {
        exchange.give_up_task();
        let broken = if reused {
            Broken::OldConnection
        } else {
            Broken::NewConnection
        };
        let unanswered = exchange.answered.is_none() && session.response_written().is_none();
        // A body beyond Pingora's buffer of 64 KiB cannot be sent again.
        let complete = !session.as_ref().retry_buffer_truncated();
        let repeatable = exchange.repeat.is_some_and(|it| may_repeat(it, broken));
        error.set_retry(is_break(&error) && unanswered && complete && repeatable);
        error
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        _: &mut Exchange,
    ) -> FailToProxy {
        let code = status_of(error);
        if code > 0
            && session.response_written().is_none()
            && let Err(error) = respond(session, code).await
        {
            tracing::debug!(%error, "a client went away before it had its answer");
        }
        FailToProxy {
            error_code: code,
            can_reuse_downstream: false,
        }
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, exchange: &mut Exchange) {
        self.metrics.request();
        match exchange.answered {
            Some((status, took)) => self.metrics.target_answered(status, took),
            None if error.is_some_and(|error| status_of(error) > 0) => self.metrics.refused(),
            None => {}
        }
        if let Some(error) = error {
            let path = session.req_header().uri.path();
            tracing::debug!(service = %self.service, path, %error, "a request failed");
        }
    }

    fn suppress_error_log(&self, _: &Session, _: &Exchange, _: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _: &Session,
        _: &Exchange,
        _: &Error,
        _: ProxyWarnLogContext,
    ) -> bool {
        true
    }
}

impl Exchange {
    fn give_up_task(&mut self) {
        // Bounded by Pingora's number of tries.
        self.failed
            .extend(self.lease.take().map(|lease| lease.backend().number()));
    }
}

/// Whether the connection to the task broke, rather than time or the client running out.
fn is_break(error: &Error) -> bool {
    *error.esource() == ErrorSource::Upstream
        && matches!(
            error.etype(),
            ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::WriteError
        )
}

/// Status to answer with; 0 when there is nobody left to answer.
fn status_of(error: &Error) -> u16 {
    match (error.etype(), error.esource()) {
        (ErrorType::HTTPStatus(status), _) => *status,
        (ErrorType::ReadTimedout | ErrorType::WriteTimedout, ErrorSource::Upstream) => 504,
        (_, ErrorSource::Upstream) => 502,
        (
            ErrorType::WriteError
            | ErrorType::ReadError
            | ErrorType::ConnectionClosed
            | ErrorType::ReadTimedout
            | ErrorType::WriteTimedout,
            ErrorSource::Downstream,
        ) => 0,
        (_, ErrorSource::Downstream) => 400,
        _ => 500,
    }
}

async fn respond(session: &mut Session, status: u16) -> Result<()> {
    let title = match status {
        503 => "No task of the service takes requests",
        504 => "The service did not answer in time",
        502 => "The service broke the connection",
        400 => "The request cannot be understood",
        _ => "The front failed",
    };
    let body = serde_json::json!({ "type": "about:blank", "title": title, "status": status });
    let body = Bytes::from(body.to_string());
    let mut response = ResponseHeader::build(status, Some(4))?;
    response.insert_header("content-type", "application/problem+json")?;
    response.insert_header("content-length", body.len())?;
    response.insert_header("connection", "close")?;
    if status == 503 {
        response.insert_header("retry-after", "1")?;
    }
    session.set_keepalive(None);
    session
        .write_response_header(Box::new(response), false)
        .await?;
    session.write_response_body(Some(body), true).await
}
