//! Listings that come page after page.

use engine::ports::PortError;

/// A page of a listing, and where the next one begins; nothing after the last.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// All that `read` lists, up to `most` pages. What is beyond them is left out, which the log says of `what`.
///
/// # Errors
/// When a page cannot be read.
pub(crate) async fn all_pages<T, F>(
    most: usize,
    what: &str,
    read: impl Fn(Option<String>) -> F + Send,
) -> Result<Vec<T>, PortError>
where
    T: Send,
    F: Future<Output = Result<Page<T>, PortError>> + Send,
{
    let mut found = Vec::new();
    let mut next = None;
    for _ in 0..most {
        let page = read(next).await?;
        found.extend(page.items);
        next = page.next;
        if next.is_none() {
            return Ok(found);
        }
    }
    tracing::warn!(pages = most, "There are more {what} than are read.");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten pages, each with its number.
    async fn page(from: Option<String>) -> Result<Page<usize>, PortError> {
        let number: usize = from.map_or(0, |from| from.parse().unwrap());
        let next = (number < 9).then(|| (number + 1).to_string());
        let items = vec![number];
        Ok(Page { items, next })
    }

    #[tokio::test]
    async fn every_page_is_read_up_to_the_most() {
        let all = all_pages(20, "numbers", page).await.unwrap();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        let few = all_pages(3, "numbers", page).await.unwrap();
        assert_eq!(few, [0, 1, 2]);
    }
}
