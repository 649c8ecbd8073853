//! Mutations: the engine, broken on purpose.

use std::path::Path;

use toml_edit::{DocumentMut, Table};

/// One way to break the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// Its name.
    pub name: String,
    /// The file, below the engine's sources.
    pub file: String,
    /// What is replaced.
    pub find: String,
    /// By what.
    pub replace: String,
    /// What this breaks.
    pub why: String,
}

/// A mutation that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MutationError {
    /// The list of mutations cannot be read.
    #[error("mutations.toml cannot be read: {0}")]
    List(String),
    /// The file cannot be read.
    #[error("{name}: {file} cannot be read")]
    File {
        /// The mutation.
        name: String,
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What is to be replaced is not there, or not only once.
    #[error("{name}: what is to be replaced occurs {times} times in {file}; it must be once")]
    NotOnce {
        /// The mutation.
        name: String,
        /// The file.
        file: String,
        /// How often it is there.
        times: usize,
    },
}

impl Mutation {
    /// Every mutation there is.
    ///
    /// # Errors
    /// When the list is not as it should be.
    pub fn all() -> Result<Vec<Self>, MutationError> {
        let list = include_str!("../mutations.toml");
        let document: DocumentMut = list
            .parse()
            .map_err(|error: toml_edit::TomlError| MutationError::List(error.to_string()))?;
        let tables = document
            .get("mutation")
            .and_then(|it| it.as_array_of_tables());
        let tables = tables.ok_or_else(|| MutationError::List("it has none".to_owned()))?;
        tables.iter().map(Self::read).collect()
    }

    fn read(table: &Table) -> Result<Self, MutationError> {
        let text = |key: &str| {
            let value = table.get(key).and_then(|value| value.as_str());
            let value = value.map(str::to_owned);
            value.ok_or_else(|| MutationError::List(format!("a mutation has no {key}")))
        };
        Ok(Self {
            name: text("name")?,
            file: text("file")?,
            find: text("find")?,
            replace: text("replace")?,
            why: text("why")?,
        })
    }

    /// The mutated text of its file below `engine_sources`.
    ///
    /// # Errors
    /// When the file cannot be read, or what is to be replaced is not there exactly once.
    pub fn applied(&self, engine_sources: &Path) -> Result<String, MutationError> {
        let (name, file) = (self.name.clone(), self.file.clone());
        let text = match std::fs::read_to_string(engine_sources.join(&self.file)) {
            Ok(text) => text,
            Err(source) => return Err(MutationError::File { name, file, source }),
        };
        let times = text.matches(&self.find).count();
        if times != 1 {
            return Err(MutationError::NotOnce { name, file, times });
        }
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}
