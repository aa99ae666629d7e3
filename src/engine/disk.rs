//! What the engine's disk holds.

use serde::Serialize;

use super::connect::Engine;
use crate::error::Result;

/// What the engine's disk holds, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DiskUsage {
    /// Images.
    pub images: u64,
    /// Containers' writable layers.
    pub containers: u64,
    /// Volumes.
    pub volumes: u64,
    /// The build cache.
    pub build_cache: u64,
    /// What is free where the engine keeps its data; none if that is not on this machine.
    pub free: Option<u64>,
}

impl Engine {
    /// What the engine's disk holds; slow on an engine with much on it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn disk_usage(&self) -> Result<DiskUsage> {
        // Engines up to API 1.51 list every object, later ones add sums: read both from the raw answer.
        let value = self.get_json("/system/df").await?;
        let sum = |old: &str, field: &str, new: &str| {
            value[new]["TotalSize"].as_u64().unwrap_or_else(|| {
                let items = value[old].as_array().map(Vec::as_slice).unwrap_or_default();
                items.iter().filter_map(|item| item.pointer(field)?.as_u64()).sum()
            })
        };
        Ok(DiskUsage {
            images: value["LayersSize"].as_u64().unwrap_or_else(|| sum("Images", "/Size", "ImageUsage")),
            containers: sum("Containers", "/SizeRw", "ContainerUsage"),
            volumes: sum("Volumes", "/UsageData/Size", "VolumeUsage"),
            build_cache: sum("BuildCache", "/Size", "BuildCacheUsage"),
            free: self.info().local.then(|| free(&self.info().root)).flatten(),
        })
    }
}

/// The space that is left in a folder's file system; none if the folder cannot be seen from here.
#[cfg(unix)]
fn free(folder: &str) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_folder: &str) -> Option<u64> {
    None
}
