//! S3: objects in memory, with a latency, counted by folder.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::State;
use super::clock::SimulatedClock;

/// Shortest time that S3 takes to answer, and by how much it may be longer.
const LATENCY: (Duration, u64) = (Duration::from_millis(15), 15);
/// How soon tasks take new settings: they look every two seconds.
const TAKING: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Objects {
    store: InMemory,
    state: Arc<Mutex<State>>,
    clock: SimulatedClock,
}

/// The settings that tasks have in force, by platform and service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Settings(BTreeMap<String, InForce>);

/// `(epoch, sequence)` of settings, and of those before.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct InForce {
    order: (u64, u64),
    since: Timestamp,
    before: Option<(u64, u64)>,
}

impl Settings {
    /// What the tasks of a service report in the period that begins `at`.
    pub(super) fn reported(
        &self,
        platform: &str,
        service: &str,
        at: Timestamp,
    ) -> Option<(u64, u64)> {
        let found = self.0.get(&format!("{platform}/{service}"))?;
        if found.since <= at {
            return Some(found.order);
        }
        found.before
    }

    fn written(&mut self, path: &str, body: &[u8], now: Timestamp) {
        let Some(key) = path.strip_prefix("settings/") else {
            return;
        };
        let key = key.trim_end_matches(".json").to_owned();
        let document: Value = serde_json::from_slice(body).unwrap();
        let number = |field: &str| document[field].as_u64().unwrap_or_default();
        let before = self.0.get(&key).map(|found| found.order);
        let in_force = InForce {
            order: (number("epoch"), number("sequence")),
            since: now + TAKING,
            before,
        };
        self.0.insert(key, in_force);
    }
}

impl Objects {
    pub(super) fn new(state: Arc<Mutex<State>>, clock: SimulatedClock) -> Self {
        Self {
            store: InMemory::new(),
            state,
            clock,
        }
    }

    /// Every object.
    pub(super) async fn all(&self) -> Vec<(String, String)> {
        let listed: Vec<ObjectMeta> = self.store.list(None).try_collect().await.unwrap();
        let mut all = Vec::new();
        for meta in listed {
            let found = self.store.get(&meta.location).await.unwrap();
            let bytes = found.bytes().await.unwrap();
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            all.push((meta.location.to_string(), text));
        }
        all
    }

    /// Somebody else writes an object, and nobody counts it.
    pub(super) async fn write(&self, path: &str, text: String) {
        let location = Path::from(path);
        let written = self.store.put(&location, text.into_bytes().into());
        written.await.unwrap();
    }

    async fn counted(&self, verb: &str, path: &str) {
        let folder = path.split('/').next().unwrap_or_default();
        let way = {
            let mut state = self.state.lock().unwrap();
            state.ledger.call(&format!("{verb} {folder}"), true);
            state.ledger.latency(LATENCY)
        };
        tokio::time::sleep(way).await;
    }

    fn was_written(&self, path: &str, payload: &PutPayload) {
        let mut state = self.state.lock().unwrap();
        let bytes: Vec<u8> = payload.iter().flatten().copied().collect();
        state.settings.written(path, &bytes, self.clock.now());
        if let Some(platform) = path
            .split('/')
            .nth(1)
            .filter(|_| path.starts_with("settings/"))
        {
            state.ledger.changed("PUT settings", platform);
        }
    }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects of a benchmark")
    }
}

#[async_trait]
impl ObjectStore for Objects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.counted("PUT", location.as_ref()).await;
        let result = self
            .store
            .put_opts(location, payload.clone(), options)
            .await?;
        self.was_written(location.as_ref(), &payload);
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.counted("GET", location.as_ref()).await;
        self.store.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let found = self.store.list_with_delimiter(prefix).await?;
        // A page has a thousand keys.
        for _ in 0..found.objects.len().div_ceil(1_000).max(1) {
            self.counted("LIST", prefix.map(Path::as_ref).unwrap_or_default())
                .await;
        }
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
