//! Hints: streams that tell of changes, late, twice, or not at all. The engine must not need them.

use std::sync::Arc;

use engine::controller::Hints;
use engine::touched::Word;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::world::{World, platform};

/// Hints of a platform in which things change: they come at random, whether anything changed or not,
/// which is what lost, doubled and reordered hints look like from here.
pub(crate) fn hints(world: &Arc<World>) -> Hints {
    Hints {
        specs: unreliable(world),
        platforms: unreliable(world)
            .map(|()| (platform(), Word::Fired))
            .boxed(),
    }
}

fn unreliable(world: &Arc<World>) -> BoxStream<'static, ()> {
    let world = Arc::clone(world);
    futures::stream::unfold(world, |world| async {
        let pause = {
            let mut scene = world.scene();
            if scene.dice.happens(20.0) {
                scene.dice.pause(0..=2_000)
            } else {
                scene.dice.pause(30_000..=900_000)
            }
        };
        tokio::time::sleep(pause).await;
        Some(((), world))
    })
    .boxed()
}
