//! The golden signals of the service port: traffic, errors, latency, saturation.

use std::time::{Duration, Instant};

use http::StatusCode;
use schema::signals::{Metric, SLOW_REQUEST_MS};

use super::{Counter, Distribution, Gauge, Metrics};

/// What every request is recorded on.
#[derive(Clone, Debug)]
pub struct GoldenSignals {
    requests: Counter,
    errors: Counter,
    client_errors: Counter,
    slow_requests: Counter,
    latency: Distribution,
    request_bytes: Distribution,
    in_flight: Gauge,
}

impl GoldenSignals {
    /// Registers the signals.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let own = metrics.own();
        Self {
            requests: own.counter(Metric::Requests),
            errors: own.counter(Metric::Errors),
            client_errors: own.counter(Metric::ClientErrors),
            slow_requests: own.counter(Metric::SlowRequests),
            latency: own.distribution(Metric::Latency),
            request_bytes: own.distribution(Metric::RequestBytes),
            in_flight: own.gauge(Metric::InFlight),
        }
    }

    /// Records that a request came; what is returned records how it ends.
    #[must_use]
    pub fn request(&self, body_bytes: Option<u64>) -> RequestInFlight<'_> {
        self.in_flight.add(1.0);
        if let Some(bytes) = body_bytes {
            #[expect(clippy::cast_precision_loss, reason = "a size for people")]
            self.request_bytes.record(bytes as f64);
        }
        RequestInFlight {
            signals: self,
            since: Instant::now(),
        }
    }
}

/// A request being answered. Dropped without an answer, as when the client hangs up, it counts as
/// no request.
pub struct RequestInFlight<'a> {
    signals: &'a GoldenSignals,
    since: Instant,
}

impl RequestInFlight<'_> {
    /// Records the answer; returns how long it took.
    pub fn answered(self, status: StatusCode) -> Duration {
        let took = self.since.elapsed();
        let signals = self.signals;
        signals.requests.add(1);
        signals.errors.add(u64::from(status.is_server_error()));
        signals
            .client_errors
            .add(u64::from(status.is_client_error()));
        if status == StatusCode::REQUEST_TIMEOUT {
            // The client took that long to send it: not a time of ours.
            return took;
        }
        let slow = took > Duration::from_millis(SLOW_REQUEST_MS);
        signals.slow_requests.add(u64::from(slow));
        signals.latency.record_ms(took);
        took
    }
}

impl Drop for RequestInFlight<'_> {
    fn drop(&mut self) {
        self.signals.in_flight.add(-1.0);
    }
}
