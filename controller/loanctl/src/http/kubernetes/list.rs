//! Lists, made as they are read: a thousand platforms have fifty thousand events.

use std::iter::Peekable;

use engine::board::Snapshot;
use futures::{Stream, stream};
use jiff::Timestamp;

use super::encoding::{CLOSING, Encoding};
use super::object::{self, Object};
use super::scope::Scope;

/// Items written at once.
const AT_ONCE: usize = 32;

/// The pieces of a list of what `scope` asks for.
///
/// # Errors
/// When it has no JSON form.
pub(super) fn pieces(
    scope: &Scope,
    snapshot: Snapshot,
    encoding: Encoding,
    now: Timestamp,
) -> Result<impl Stream<Item = String> + Send + use<>, serde_json::Error> {
    let opening = Part::Opening(encoding.opening(scope.resource, snapshot.version)?);
    let objects = object::all(scope.clone(), snapshot.platforms).peekable();
    Ok(stream::unfold(
        (objects, opening),
        move |(mut objects, part)| async move {
            let (piece, next) = match part {
                Part::Opening(opening) => (opening, Part::Items { separator: "" }),
                Part::Items { .. } if objects.peek().is_none() => (CLOSING.to_owned(), Part::Over),
                Part::Items { separator } => {
                    // Whoever else has something to do on this thread goes first: a list can take a while.
                    tokio::task::yield_now().await;
                    let items = items(&mut objects, encoding, now).inspect_err(|error| {
                        // The client sees that the list is cut off.
                        tracing::error!(%error, "an item of a list has no JSON form");
                    });
                    (
                        format!("{separator}{}", items.ok()?),
                        Part::Items { separator: "," },
                    )
                }
                Part::Over => return None,
            };
            Some((piece, (objects, next)))
        },
    ))
}

/// What of a list comes next.
enum Part {
    Opening(String),
    Items { separator: &'static str },
    Over,
}

/// The next items, with commas between.
fn items(
    objects: &mut Peekable<impl Iterator<Item = Object>>,
    encoding: Encoding,
    now: Timestamp,
) -> Result<String, serde_json::Error> {
    let batch = objects.by_ref().take(AT_ONCE);
    let items: Vec<String> = batch
        .map(|object| encoding.item(object, now))
        .collect::<Result<_, _>>()?;
    Ok(items.join(","))
}

#[cfg(test)]
mod tests {
    use engine::board::Board;
    use futures::StreamExt;
    use schema::names::PlatformName;
    use schema::status::HistoryKind;
    use serde_json::Value;

    use super::super::events::tests::{entry, with_history};
    use super::super::resource::Resource;
    use super::super::table::Include;
    use super::*;

    /// A list of `count` platforms, or of their events.
    async fn list(count: usize, resource: Resource, encoding: Encoding) -> Value {
        let board = Board::numbered_from(7);
        for number in 0..count {
            let name = format!("p{number}");
            let mut platform = with_history(vec![entry(1, HistoryKind::Applied)]);
            platform.metadata.name = Some(name.clone());
            board.show(&PlatformName::try_from(name.as_str()).unwrap(), platform);
        }
        let scope = Scope::everything(resource, None);
        let pieces = pieces(&scope, board.snapshot(), encoding, Timestamp::UNIX_EPOCH).unwrap();
        let text: String = pieces.collect().await;
        serde_json::from_str(&text).expect(&text)
    }

    #[tokio::test]
    async fn a_list_is_whole_however_many_pieces_it_comes_in() {
        for count in [0, 1, 31, 32, 33, 100] {
            for (encoding, items) in [
                (Encoding::Whole, "items"),
                (Encoding::Metadata, "items"),
                (Encoding::Table(Include::Metadata), "rows"),
            ] {
                for resource in [Resource::Platforms, Resource::Events] {
                    let list = list(count, resource, encoding).await;
                    assert_eq!(list[items].as_array().unwrap().len(), count);
                    assert_eq!(list["metadata"]["resourceVersion"], (7 + count).to_string());
                }
            }
        }
    }

    #[tokio::test]
    async fn a_list_says_what_it_is_of() {
        let kind = async |resource, encoding| list(1, resource, encoding).await["kind"].clone();
        assert_eq!(
            kind(Resource::Platforms, Encoding::Whole).await,
            "LoanPlatformList"
        );
        assert_eq!(kind(Resource::Events, Encoding::Whole).await, "EventList");
        assert_eq!(
            kind(Resource::Platforms, Encoding::Metadata).await,
            "PartialObjectMetadataList"
        );
        let table = list(1, Resource::Platforms, Encoding::Table(Include::Object)).await;
        assert_eq!(table["kind"], "Table");
        assert_eq!(
            table["columnDefinitions"].as_array().unwrap().len(),
            table["rows"][0]["cells"].as_array().unwrap().len()
        );
        assert_eq!(table["rows"][0]["object"]["kind"], "LoanPlatform");
    }
}
