//! `CloudWatch`: the bridge from the SDK's protocol to moto's, and what moto does otherwise than AWS.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::{HeaderValue, Request, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::RwLock;

use super::alarms;
use super::answer::{Refusal, json_type};
use super::asked::{Asked, Dialect};
use super::backend::{Backend, Reply};
use super::cbor;
use super::history::Histories;
use crate::api::Service;

/// The bridge.
#[derive(Debug)]
pub(crate) struct CloudWatch {
    moto: Backend,
    /// Writes of alarms are several calls here: nobody reads between them.
    writing: RwLock<()>,
    kept: Kept,
    pub(crate) histories: Histories,
}

/// When alarms that were written over got their state. Moto has them start anew; AWS does not.
/// By ARN: the time that moto says, and the true one.
#[derive(Debug, Default)]
struct Kept(Mutex<BTreeMap<String, (Value, Value)>>);

impl CloudWatch {
    pub(super) fn new(moto: Backend) -> Self {
        Self {
            moto,
            writing: RwLock::default(),
            kept: Kept::default(),
            histories: Histories::default(),
        }
    }

    pub(super) fn forget(&self) {
        self.kept.forget();
        self.histories.forget();
    }

    /// The answer to a call of `CloudWatch`, unless it is none, or in the old query protocol.
    pub(super) async fn answer(&self, asked: &Asked) -> Option<Reply> {
        if asked.api.service != Service::CloudWatch || asked.dialect == Dialect::Query {
            return None;
        }
        let answered = match read(asked) {
            Ok(mut body) => {
                sort_dimensions(&mut body);
                self.call(asked, &body).await
            }
            Err(refusal) => Err(refusal),
        };
        Some(match answered {
            Ok(body) => written(asked.dialect, &body),
            Err(refusal) => refusal.answer(asked),
        })
    }

    async fn call(&self, asked: &Asked, body: &Value) -> Result<Value, Refusal> {
        let moto = Moto {
            backend: &self.moto,
            authorization: asked.header(&header::AUTHORIZATION),
        };
        if asked.api.operation == "PutMetricAlarm" {
            let _alone = self.writing.write().await;
            return self.put_alarm(&moto, body).await;
        }
        let _shared = self.writing.read().await;
        match &*asked.api.operation {
            "DescribeAlarms" => self.describe_alarms(&moto, body).await,
            "DescribeAlarmHistory" => Ok(self.histories.answer(body)),
            "SetAlarmState" => {
                let done = moto.call("SetAlarmState", body).await?;
                self.histories.note(body);
                Ok(done)
            }
            operation => moto.call(operation, body).await,
        }
    }

    async fn describe_alarms(&self, moto: &Moto<'_>, asked: &Value) -> Result<Value, Refusal> {
        let query = alarms::Query::read(asked)?;
        let mut all = moto.call("DescribeAlarms", &query.at_moto()).await?;
        if let Some(found) = all["MetricAlarms"].as_array_mut() {
            found.iter_mut().for_each(|alarm| self.kept.correct(alarm));
        }
        Ok(query.page(&all))
    }

    /// A new alarm has no data yet, and one that is written over keeps its state:
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
    async fn put_alarm(&self, moto: &Moto<'_>, asked: &Value) -> Result<Value, Refusal> {
        let before = self.alarm(moto, &asked["AlarmName"]).await?;
        let done = moto.call("PutMetricAlarm", asked).await?;
        let state = before.as_ref().map_or_else(unchecked, Clone::clone);
        let state = json!({
            "AlarmName": asked["AlarmName"],
            "StateValue": state["StateValue"],
            "StateReason": state["StateReason"],
            "StateReasonData": state["StateReasonData"],
        });
        moto.call("SetAlarmState", &state).await?;
        let after = self.alarm(moto, &asked["AlarmName"]).await?;
        if let Some((before, after)) = before.zip(after) {
            self.kept.keep(&before, &after);
        }
        Ok(done)
    }

    async fn alarm(&self, moto: &Moto<'_>, name: &Value) -> Result<Option<Value>, Refusal> {
        let body = json!({ "AlarmNames": [name] });
        let mut found = moto.call("DescribeAlarms", &body).await?;
        let alarm = found["MetricAlarms"].as_array_mut().and_then(Vec::pop);
        Ok(alarm.map(|mut alarm| {
            self.kept.correct(&mut alarm);
            alarm
        }))
    }
}

/// Dimensions have no order in AWS; moto takes them for others in another.
fn sort_dimensions(body: &mut Value) {
    match body {
        Value::Array(items) => items.iter_mut().for_each(sort_dimensions),
        Value::Object(members) => {
            if let Some(Value::Array(dimensions)) = members.get_mut("Dimensions") {
                let name = |dimension: &Value| dimension["Name"].as_str().map(str::to_owned);
                dimensions.sort_by_key(name);
            }
            members.values_mut().for_each(sort_dimensions);
        }
        _ => {}
    }
}

fn unchecked() -> Value {
    json!({
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
    })
}

const STATE_SINCE: &str = "StateUpdatedTimestamp";

impl Kept {
    fn keep(&self, before: &Value, after: &Value) {
        let arn = after["AlarmArn"].as_str().unwrap_or_default();
        let times = (after[STATE_SINCE].clone(), before[STATE_SINCE].clone());
        self.all().insert(arn.to_owned(), times);
    }

    fn correct(&self, alarm: &mut Value) {
        let arn = alarm["AlarmArn"].as_str().unwrap_or_default();
        if let Some((said, true_time)) = self.all().get(arn)
            && *said == alarm[STATE_SINCE]
        {
            alarm[STATE_SINCE] = true_time.clone();
        }
    }

    fn forget(&self) {
        self.all().clear();
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Value, Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moto as one client sees it: the region is in the signature.
struct Moto<'a> {
    backend: &'a Backend,
    authorization: Option<&'a HeaderValue>,
}

impl Moto<'_> {
    async fn call(&self, operation: &str, body: &Value) -> Result<Value, Refusal> {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        let mut request = Request::post("/")
            .header("x-amz-target", target)
            .header(header::CONTENT_TYPE, json_type("1.0"));
        if let Some(authorization) = self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(body.to_string().into());
        let request = request.map_err(|error| Refusal::unreachable(&error.into()))?;
        let reply = self.backend.send(request).await;
        understood(&reply.map_err(|error| Refusal::unreachable(&error))?)
    }
}

/// What moto answers, or why it refuses. What it does not do at all, it answers with a page of HTML.
fn understood(reply: &Reply) -> Result<Value, Refusal> {
    let body = serde_json::from_slice::<Value>(&reply.body);
    match body {
        Ok(body) if reply.status.is_success() => Ok(body),
        Ok(body) => {
            let code = body["__type"].as_str().unwrap_or("InternalServiceFault");
            let code = code.rsplit('#').next().unwrap_or(code);
            let message = body["message"].as_str().unwrap_or_default();
            Err(Refusal::new(reply.status.as_u16(), code, message))
        }
        Err(_) => {
            let message = "moto does not do this, or failed at it";
            Err(Refusal::new(500, "InternalServiceFault", message))
        }
    }
}

fn read(asked: &Asked) -> Result<Value, Refusal> {
    let serialization = |message| Refusal::new(400, "SerializationException", message);
    match asked.dialect {
        Dialect::Cbor => {
            cbor::decode(&asked.body).map_err(|error| serialization(error.to_string()))
        }
        _ => asked
            .json()
            .ok_or_else(|| serialization("the body is not JSON".to_owned())),
    }
}

fn written(dialect: Dialect, body: &Value) -> Reply {
    let mut reply = Reply {
        status: StatusCode::OK,
        headers: http::HeaderMap::new(),
        body: body.to_string().into(),
    };
    if let Dialect::Json(version) = dialect {
        let media_type = HeaderValue::from_static(json_type(version));
        reply.headers.insert(header::CONTENT_TYPE, media_type);
        return reply;
    }
    reply.into_cbor(body)
}
