//! The file systems of images. Roles share most of their layers, so those of all roles are read together, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::engine::{EngineRun, FileTree, ImageInfo, Layers, WalkOptions};
use crate::error::Result;

/// Images of more bytes above the one that is asked for are read only when they are asked for themselves.
const LARGER: u64 = 100_000_000;

/// What has been read.
#[derive(Default)]
pub(crate) struct Trees(Mutex<Known>);

#[derive(Default)]
struct Known {
    layers: Layers,
    /// By the image's id.
    trees: BTreeMap<String, Arc<FileTree>>,
}

impl Trees {
    /// The files of an image. `others` are images that will be asked for, too: those that begin with the same layer and
    /// are not much larger are read with it.
    pub(crate) async fn of(&self, run: &EngineRun, reference: &str, others: &[&ImageInfo]) -> Result<Arc<FileTree>> {
        let image = run.engine().image(reference).await?;
        // Held while it reads: who comes meanwhile most often wants what is being read.
        let mut known = self.0.lock().await;
        if let Some(tree) = known.trees.get(&image.id) {
            return Ok(tree.clone());
        }
        let mut tree = known.layers.tree(&image.layers);
        if tree.is_none() {
            let kin = |other: &&&ImageInfo| {
                other.layers.first() == image.layers.first() && other.size < image.size.saturating_add(LARGER)
            };
            let mut references: Vec<&str> = others.iter().filter(kin).map(|other| other.id.as_str()).collect();
            references.push(&image.id);
            references.sort_unstable();
            references.dedup();
            if let Ok(layers) = run.engine().layers(&references).await {
                known.layers.extend(layers);
                tree = known.layers.tree(&image.layers);
            }
        }
        // Stores that pack their layers in a way that cannot be read here still give a container's files.
        let tree = match tree {
            Some(tree) => tree,
            None => run.walk_filesystem(&image.id, WalkOptions::default()).await?,
        };
        let tree = Arc::new(tree);
        known.trees.insert(image.id, tree.clone());
        Ok(tree)
    }

    /// Which of an image's layers was the last to change a path; none if its layers were not read.
    pub(crate) async fn last_change(&self, image: &ImageInfo, path: &str) -> Option<usize> {
        self.0.lock().await.layers.last_change(&image.layers, path)
    }
}
