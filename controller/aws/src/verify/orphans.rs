//! Verifying that every service of the controller's belongs to a platform.

use engine::ports::PortError;

use super::Finding;
use crate::ecs::Inventory;

pub(super) async fn finding(inventory: &Inventory) -> Finding {
    Finding::new("find orphaned services", words(inventory).await)
}

/// Orphans keep nothing from working, so they are told of and are nothing wrong.
async fn words(inventory: &Inventory) -> Result<String, PortError> {
    let orphaned = inventory.orphaned().await?;
    if orphaned.is_empty() {
        return Ok("every service with the controller's tag belongs to a platform".to_owned());
    }
    let names: Vec<String> = orphaned.into_iter().collect();
    Ok(format!(
        "{} with the controller's tag and of no platform: put the platform's spec back, or remove them: {}",
        names.len(),
        names.join(", ")
    ))
}
