//! The instruction that wrote a file, by the layer that has it.

use super::Lab;
use super::lineage::base_of_target;
use crate::dockerfile::{Instruction, InstructionKind};
use crate::engine::ImageInfo;
use crate::subject::Target;
use crate::text::Place;

/// The instruction, on the way to a target's stage, that was the last to change a path of its image: to write it, to give
/// it another mode or owner, or to remove it. None if that was the base image, or if the engine's layers cannot be told
/// by instruction.
pub(crate) async fn by_layer(lab: &Lab, target: &Target, image: &ImageInfo, path: &str) -> Option<Place> {
    // Layers are known of images that were read, and this one may have a base of its own.
    lab.tree(&image.id).await.ok()?;
    let layer = lab.last_change(image, path).await?;
    let below = base_of_target(lab, target).await.ok()?.map_or(0, |base| base.layers.len());
    let mut makers: Vec<&Instruction> = target.instructions().filter(|one| makes_layer(&one.kind)).collect();
    makers.reverse();
    // An engine that leaves empty layers out has fewer.
    if image.layers.len() != below + makers.len() {
        return None;
    }
    makers.get(layer.checked_sub(below)?).map(|one| target.place(one.line))
}

/// Whether an instruction makes a layer, be it empty, as `BuildKit` does it.
fn makes_layer(kind: &InstructionKind) -> bool {
    match kind {
        InstructionKind::Run(_) | InstructionKind::Copy(_) | InstructionKind::Add(_) => true,
        InstructionKind::Workdir(folder) => folder != "/",
        _ => false,
    }
}
