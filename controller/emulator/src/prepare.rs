//! What tests prepare before the client under test comes: calls straight to an emulator, which are
//! neither counted nor broken.

use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::api::Service;
use crate::cluster::Emulators;
use crate::error::EmulatorError;
use crate::proxy::{Backend, Reply};

/// The account that everything belongs to; also moto's, which cannot be told another.
pub(crate) const ACCOUNT_ID: &str = "123456789012";
/// Credentials that no account has.
pub(crate) const ACCESS_KEY_ID: &str = "test";
/// Credentials that no account has.
pub(crate) const SECRET_ACCESS_KEY: &str = "test";

impl Emulators {
    /// The account that everything belongs to.
    #[must_use]
    pub const fn account_id(&self) -> &'static str {
        ACCOUNT_ID
    }

    /// The environment that points an AWS SDK or the command line here, with credentials that no
    /// account has.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Empties both emulators. Counts, log and faults stay.
    ///
    /// # Errors
    /// When an emulator does not do it.
    pub async fn reset(&self) -> Result<(), EmulatorError> {
        let proxy = &self.proxy;
        proxy.forget();
        let resets = [
            (&proxy.ministack, "/_ministack/reset"),
            (&proxy.moto, "/moto-api/reset"),
        ];
        for (backend, path) in resets {
            let request = Request::post(path);
            send(backend, path, request, String::new()).await?;
        }
        Ok(())
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn create_bucket(&self, name: &str) -> Result<(), EmulatorError> {
        let request = self.request(Method::PUT, &format!("/{name}"), "s3");
        let place = location(&self.region);
        send(&self.proxy.ministack, "CreateBucket", request, place).await?;
        Ok(())
    }

    /// Makes a queue, and returns its address, on the endpoint.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn create_queue(&self, name: &str) -> Result<String, EmulatorError> {
        let body = json!({ "QueueName": name });
        let answer = self.json(Service::Sqs, "CreateQueue", &body).await?;
        let url = answer["QueueUrl"].as_str().unwrap_or_default();
        Ok(url.to_owned())
    }

    /// Puts a message on a queue, such as an `EventBridge` event that no emulator sends.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn send_message(&self, queue_url: &str, body: &str) -> Result<(), EmulatorError> {
        let body = json!({ "QueueUrl": queue_url, "MessageBody": body });
        self.json(Service::Sqs, "SendMessage", &body).await?;
        Ok(())
    }

    /// Makes an ECS cluster.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn create_cluster(&self, name: &str) -> Result<(), EmulatorError> {
        let body = json!({ "clusterName": name });
        self.json(Service::Ecs, "CreateCluster", &body).await?;
        Ok(())
    }

    /// Gives an alarm a state (`OK`, `ALARM`, `INSUFFICIENT_DATA`), as an evaluation would.
    /// `reason_data` is JSON in the form that `CloudWatch` documents for it.
    ///
    /// # Errors
    /// When there is no such alarm.
    pub async fn set_alarm_state(
        &self,
        name: &str,
        state: &str,
        reason: &str,
        reason_data: &str,
    ) -> Result<(), EmulatorError> {
        let body = json!({
            "AlarmName": name,
            "StateValue": state,
            "StateReason": reason,
            "StateReasonData": reason_data,
        });
        self.json(Service::CloudWatch, "SetAlarmState", &body)
            .await?;
        self.proxy.cloudwatch.histories.note(&body);
        Ok(())
    }

    async fn json(
        &self,
        service: Service,
        operation: &str,
        body: &Value,
    ) -> Result<Value, EmulatorError> {
        let (target, scope, version) = match service {
            Service::Sqs => ("AmazonSQS", "sqs", "1.0"),
            Service::CloudWatch => ("GraniteServiceVersion20100801", "monitoring", "1.0"),
            _ => ("AmazonEC2ContainerServiceV20141113", "ecs", "1.1"),
        };
        let request = self
            .request(Method::POST, "/", scope)
            .header("x-amz-target", format!("{target}.{operation}"))
            .header(
                header::CONTENT_TYPE,
                format!("application/x-amz-json-{version}"),
            );
        let backend = self.proxy.backend(service);
        let answer = send(backend, operation, request, body.to_string()).await?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// A request as if signed: the emulators read region and service from the signature's scope.
    fn request(&self, method: Method, path: &str, scope: &str) -> http::request::Builder {
        let scope = format!(
            "{ACCESS_KEY_ID}/20260101/{}/{scope}/aws4_request",
            self.region
        );
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(
                header::AUTHORIZATION,
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
            )
    }
}

/// Every region but the first has to be named where its buckets are made.
fn location(region: &str) -> String {
    if region == "us-east-1" {
        return String::new();
    }
    format!(
        "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint>\
         </CreateBucketConfiguration>"
    )
}

async fn send(
    backend: &Backend,
    what: &str,
    request: http::request::Builder,
    body: String,
) -> Result<Reply, EmulatorError> {
    let unreachable = |source| EmulatorError::Unreachable {
        what: what.to_owned(),
        source,
    };
    let request = request.body(body.into());
    let request = request.map_err(|error| unreachable(error.into()))?;
    let reply = backend.send(request).await;
    let reply = reply.map_err(|error| unreachable(error.into()))?;
    if reply.status.is_success() {
        return Ok(reply);
    }
    Err(EmulatorError::Refused {
        what: what.to_owned(),
        status: reply.status.as_u16(),
        body: String::from_utf8_lossy(&reply.body).into_owned(),
    })
}
