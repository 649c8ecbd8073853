//! A service that speaks the process contract and does next to nothing: what the tests run instead
//! of the real ones.
//!
//! `GET /slow` answers after 50 ms, everything else at once, with the process id as the body.
#![expect(clippy::print_stdout, reason = "stdout is how it is listened to")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

const LAME_DUCK: Duration = Duration::from_millis(300);
const SLOW: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::KILL))?;
    assert_eq!(getppid(), parent, "the parent is gone already");
    let mut terminated = signal(SignalKind::terminate())?;

    let draining = Arc::new(AtomicBool::new(false));
    let service = TcpListener::bind("127.0.0.1:0").await?;
    let admin = TcpListener::bind("127.0.0.1:0").await?;
    let (at, admin_at) = (service.local_addr()?, admin.local_addr()?);
    println!(r#"{{"event":"listening","service":"{at}","admin":"{admin_at}"}}"#);
    println!(
        r#"{{"_aws":{{"Timestamp":{},"CloudWatchMetrics":[{{"Namespace":"LoanPlatform","Dimensions":[["Platform","Service"]],"Metrics":[{{"Name":"Requests"}}]}}]}},"Platform":"local","Service":"fake","Requests":1}}"#,
        jiff::Timestamp::now().as_millisecond()
    );
    println!("a line that is no JSON");

    tokio::spawn(serve_admin(admin, Arc::clone(&draining)));
    let graceful = GracefulShutdown::new();
    let stop = async {
        terminated.recv().await;
        draining.store(true, Ordering::SeqCst);
        sleep(LAME_DUCK).await;
    };
    tokio::select! {
        () = stop => {}
        () = accept(&service, &graceful) => {}
    }
    drop(service);
    graceful.shutdown().await;
    Ok(())
}

async fn accept(listener: &TcpListener, graceful: &GracefulShutdown) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(graceful.watch(connection));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let slow = request.uri().path() == "/slow";
    drop(request.into_body().collect().await);
    if slow {
        sleep(SLOW).await;
    }
    Ok(Response::new(Full::from(std::process::id().to_string())))
}

async fn serve_admin(listener: TcpListener, draining: Arc<AtomicBool>) {
    while let Ok((stream, _)) = listener.accept().await {
        let draining = Arc::clone(&draining);
        let answer = service_fn(move |_: Request<Incoming>| {
            let ready = !draining.load(Ordering::SeqCst);
            async move { Ok::<_, Infallible>(readiness(ready)) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

fn readiness(ready: bool) -> Response<Full<Bytes>> {
    let body = serde_json::json!({
        "ready": ready,
        "reason": (!ready).then_some("draining"),
        "settings": {"epoch": 1, "sequence": 7, "revision": "aaaabbbbcccc", "scoringRevision": "d"},
    });
    let mut response = Response::new(Full::from(body.to_string()));
    if !ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}
