//! What a compose file puts over paths of a container, by whatever key: one list for all who ask what hides an image's own
//! files.

use super::model::{Compose, ComposeService, Definition};
use super::parts::FileRef;
use crate::spec::MountKind;
use crate::text::{Place, clean};

/// One thing that lies over a path of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid<'a> {
    /// The path in the container, without dots in it; links of the image are not followed.
    pub target: String,
    /// What lies there.
    pub from: LaidFrom<'a>,
    /// The container cannot write it.
    pub read_only: bool,
    /// Where it is written.
    pub place: &'a Place,
}

/// What lies over a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaidFrom<'a> {
    /// A file or folder of the host.
    Host(&'a str),
    /// A volume by its key; none if it has no name.
    Volume(Option<&'a str>),
    /// A file system in memory.
    Memory,
    /// A text of the compose file, or of a variable.
    Text,
}

impl Compose {
    /// All that lies over paths of a service's container: `volumes`, those of other services (`volumes_from`), `tmpfs`,
    /// `configs` and `secrets`. A volume that is a folder of the host by another name is that folder.
    #[must_use]
    pub fn laid<'a>(&'a self, service: &'a ComposeService) -> Vec<Laid<'a>> {
        let mut laid = self.volumes_of(service, &mut vec![&service.name]);
        laid.extend(service.settings.tmpfs.iter().map(|mount| Laid {
            target: clean(&mount.target),
            from: LaidFrom::Memory,
            read_only: false,
            place: service.at("tmpfs"),
        }));
        let file = |one: &'a FileRef, definition: Option<&'a Definition>, folder: &str| {
            let path = definition.and_then(|definition| definition.file_path.as_ref()?.to_str());
            let from = path.map_or(LaidFrom::Text, LaidFrom::Host);
            Laid { target: clean(&one.path(folder)), from, read_only: true, place: &one.place }
        };
        laid.extend(service.configs.iter().map(|one| file(one, self.configs.get(&one.source), "")));
        laid.extend(service.secrets.iter().map(|one| file(one, self.secrets.get(&one.source), "/run/secrets")));
        laid
    }

    /// A service's volumes, and those that it takes over from others, which `seen` has.
    fn volumes_of<'a>(&'a self, service: &'a ComposeService, seen: &mut Vec<&'a str>) -> Vec<Laid<'a>> {
        let own = service.volumes.iter().map(|mount| {
            let source = mount.source.as_deref();
            let from = match &mount.kind {
                MountKind::Bind(_) => LaidFrom::Host(source.unwrap_or_default()),
                MountKind::Tmpfs { .. } => LaidFrom::Memory,
                MountKind::Volume { .. } => match source.and_then(|key| self.volumes.get(key)?.folder()) {
                    Some(folder) => LaidFrom::Host(folder),
                    None => LaidFrom::Volume(source),
                },
            };
            Laid { target: mount.target.clone(), from, read_only: mount.read_only, place: &mount.place }
        });
        let mut laid: Vec<Laid<'a>> = own.collect();
        for said in service.said.iter().filter(|said| said.field.starts_with("volumes_from.")) {
            let mut words = said.text.split(':');
            let Some(other) = words.next().and_then(|name| self.services.get(name)) else { continue };
            if seen.contains(&other.name.as_str()) {
                continue;
            }
            seen.push(&other.name);
            let read_only = words.next() == Some("ro");
            let taken = self.volumes_of(other, seen);
            // What the service says of a path itself has the last word.
            let taken: Vec<_> =
                taken.into_iter().filter(|one| laid.iter().all(|own| own.target != one.target)).collect();
            laid.extend(taken.into_iter().map(|one| Laid {
                read_only: one.read_only || read_only,
                place: &said.place,
                ..one
            }));
        }
        laid
    }
}

impl Definition {
    /// The folder of the host that a volume is by another name: a bind mount that the driver `local` makes.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        let is_bind =
            self.driver_opts.get("o").is_some_and(|o| o.split(',').any(|one| one == "bind" || one == "rbind"));
        self.driver_opts.get("device").map(String::as_str).filter(|device| is_bind || device.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test writes its own folder")]
    fn every_key_that_lays_something_over_a_path_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let text = "
services:
  a:
    image: x
    tmpfs: /x/../t/
    volumes: ['/h:/b:ro', 'data:/v', 'ram:/w', '/n', {type: tmpfs, target: /m}]
    volumes_from: ['b:ro']
    configs: [c, {source: d, target: /x/./../d}]
    secrets: [s]
  b: { image: x, volumes: ['/o:/o', '/other:/b'], volumes_from: [a] }
volumes: { data: , ram: { driver_opts: { type: none, o: bind, device: /dev/shm } } }
configs: { c: { content: x }, d: { file: /d.txt } }
secrets: { s: { file: /s.txt } }
";
        std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
        let compose = crate::compose::read(folder.path(), &BTreeMap::new()).unwrap();
        let laid = compose.laid(&compose.services["a"]);
        let told: Vec<String> = laid
            .iter()
            .map(|one| format!("{} {:?} {} {}", one.target, one.from, one.read_only, one.place.line))
            .collect();
        assert_eq!(
            told,
            [
                "/b Host(\"/h\") true 6",
                "/v Volume(Some(\"data\")) false 6",
                "/w Host(\"/dev/shm\") false 6",
                "/n Volume(None) false 6",
                "/m Memory false 6",
                "/o Host(\"/o\") true 7",
                "/t Memory false 5",
                "/c Text true 8",
                "/d Host(\"/d.txt\") true 8",
                "/run/secrets/s Host(\"/s.txt\") true 9",
            ]
        );
    }
}
