//! Reading what a controller has saved.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use engine::board::PlatformObject;
use engine::ports::Documents;
use engine::state::PlatformState;
use engine::state_store::StateStore;
use schema::names::PlatformName;
use tokio::runtime::Runtime;

use crate::cli::StoreArgs;
use crate::exit::UsageError;
use crate::output::complain;
#[cfg(feature = "aws")]
use crate::place;

const DEFAULT_STATE: &str = ".loan";

/// What a controller has saved.
pub(crate) struct Store {
    documents: Arc<dyn Documents>,
    runtime: Runtime,
}

impl Store {
    /// Opens the store that `args` name.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn open(args: &StoreArgs) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            documents: open(args)?,
            runtime,
        })
    }

    /// Opens the store that `args` name; nothing where they name none and there is none in the usual place.
    ///
    /// # Errors
    /// When the store that is named is not there.
    pub(crate) fn if_there_is_one(args: &StoreArgs) -> anyhow::Result<Option<Self>> {
        if args.store.is_none() && !Path::new(DEFAULT_STATE).is_dir() {
            return Ok(None);
        }
        Self::open(args).map(Some)
    }

    /// Every platform that is saved, by name.
    ///
    /// # Errors
    /// When the store cannot be read. A state that is none is complained of, and left out.
    pub(crate) fn platforms(&self) -> anyhow::Result<Vec<Arc<PlatformObject>>> {
        let states = self.runtime.block_on(self.states().load_all());
        let mut platforms = Vec::new();
        for state in states.context("cannot read the saved states")? {
            match state {
                Ok(state) if state.removed_at.is_none() => {
                    platforms.push(Arc::new(PlatformObject::saved(&state)));
                }
                Ok(_) => {}
                Err(error) => complain(format_args!("loanctl: {error}")),
            }
        }
        Ok(platforms)
    }

    /// The one platform called `name`.
    ///
    /// # Errors
    /// When there is none, besides the errors of [`Store::platforms`].
    pub(crate) fn platform(&self, name: &str) -> anyhow::Result<Arc<PlatformObject>> {
        if let Ok(name) = PlatformName::try_from(name)
            && let Some(state) = self.state(&name)?
            && state.removed_at.is_none()
        {
            return Ok(Arc::new(PlatformObject::saved(&state)));
        }
        let platforms = self.platforms()?;
        let known: Vec<String> = platforms
            .iter()
            .filter_map(|platform| platform.metadata.name.clone())
            .collect();
        platforms
            .into_iter()
            .find(|platform| platform.metadata.name.as_deref() == Some(name))
            .with_context(|| {
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                format!("no platform {name}; known: {known}")
            })
    }

    /// All that is remembered of `name`, also where its spec file is gone; nothing where it never was a platform.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn state(&self, name: &PlatformName) -> anyhow::Result<Option<PlatformState>> {
        let state = self.runtime.block_on(self.states().load(name));
        state.context("cannot read the saved state")
    }

    /// The states as they are now: nothing that was read before is taken for new.
    fn states(&self) -> StateStore {
        StateStore::new(Arc::clone(&self.documents))
    }
}

fn open(args: &StoreArgs) -> anyhow::Result<Arc<dyn Documents>> {
    let directory = match &args.store {
        None => PathBuf::from(DEFAULT_STATE),
        Some(url) if url.starts_with("s3://") => return open_bucket(url, args),
        Some(url) => directory_of(url)?,
    };
    if !directory.is_dir() {
        return Err(UsageError(format!(
            "no state in {}: start a platform with `loanctl up`, or name its state with --store",
            directory.display()
        ))
        .into());
    }
    open_directory(&directory)
}

#[cfg(feature = "aws")]
fn open_bucket(url: &str, args: &StoreArgs) -> anyhow::Result<Arc<dyn Documents>> {
    let store = url
        .parse()
        .map_err(|_| UsageError(format!("--store {url} is not usable: write s3://BUCKET")))?;
    let bucket = place::bucket(&store)?;
    let documents = aws_adapter::S3Documents::open(&bucket, &place::connection(&args.aws))?;
    Ok(Arc::new(documents))
}

#[cfg(not(feature = "aws"))]
fn open_bucket(url: &str, _: &StoreArgs) -> anyhow::Result<Arc<dyn Documents>> {
    Err(UsageError(format!(
        "this build cannot read {url}: it was made without AWS"
    ))
    .into())
}

#[cfg(feature = "local")]
fn open_directory(directory: &Path) -> anyhow::Result<Arc<dyn Documents>> {
    let directory = directory
        .canonicalize()
        .context("cannot find the state directory")?;
    Ok(Arc::new(local_adapter::StoreDocuments::open_store(
        &directory,
    )?))
}

#[cfg(not(feature = "local"))]
fn open_directory(directory: &Path) -> anyhow::Result<Arc<dyn Documents>> {
    Err(UsageError(format!("this build cannot read {}", directory.display())).into())
}

fn directory_of(url: &str) -> Result<PathBuf, UsageError> {
    let unusable = || {
        UsageError(format!(
            "--store {url} is not usable: write file:///path/to/state or s3://BUCKET"
        ))
    };
    if !url.contains("://") {
        return Ok(PathBuf::from(url));
    }
    let parsed = url::Url::parse(url).map_err(|_| unusable())?;
    if parsed.scheme() != "file" {
        return Err(unusable());
    }
    parsed.to_file_path().map_err(|()| unusable())
}
