//! What is installed in an image, by the manifests that packages bring: nothing is run.

use super::normal;

/// A dependency's name, and its version where the path says it.
pub type InstalledPackage = (String, Option<String>);

/// `…/NAME-VERSION.dist-info/METADATA`, or the older `…/NAME-VERSION-py3.13.egg-info/PKG-INFO`.
pub(super) fn distribution(path: &str) -> Option<InstalledPackage> {
    let folder = path.strip_suffix("/METADATA").and_then(|path| path.strip_suffix(".dist-info"));
    let folder = folder.or_else(|| {
        path.strip_suffix("/PKG-INFO")
            .and_then(|path| path.strip_suffix(".egg-info"))
            .filter(|one| one.contains("-packages/"))
    })?;
    let (place, name) = folder.rsplit_once('/')?;
    // What a package brings inside itself, for its tests or vendored, is no dependency of its own.
    let (_, inside) = place.rsplit_once("-packages").unwrap_or(("", ""));
    if !inside.is_empty() || place.contains("_vendor") {
        return None;
    }
    let mut parts = name.split('-');
    Some((normal(parts.next()?), parts.next().map(ToOwned::to_owned)))
}

/// `…/node_modules/NAME/package.json`; what lies deeper in a package, as in its tests, is none.
pub(super) fn module(path: &str) -> Option<InstalledPackage> {
    let (_, inside) = path.strip_suffix("/package.json")?.split_once("/node_modules/")?;
    let is_name = |part: &str| part.matches('/').count() == usize::from(part.starts_with(['@', '.']));
    let parts: Vec<&str> = inside.split("/node_modules/").collect();
    let name = parts.last().filter(|name| !name.starts_with('.') && parts.iter().all(|part| is_name(part)))?;
    Some(((*name).to_owned(), None))
}

/// The package whose manifest stands at a path.
#[must_use]
pub fn package(path: &str) -> Option<String> {
    if let Some(folder) = path.strip_suffix("/package.json") {
        let (_, name) = folder.rsplit_once("/node_modules/")?;
        // `@scope/name`, and no folder inside a package.
        return (name.split('/').count() == 1 + usize::from(name.starts_with('@'))).then(|| name.to_owned());
    }
    let folder = path.strip_suffix("/METADATA")?.rsplit('/').next()?;
    folder.strip_suffix(".dist-info").map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_known_by_its_path() {
        let place = "/opt/venv/lib/python3.13/site-packages";
        let found = distribution(&format!("{place}/Typing_Extensions-4.15.0.dist-info/METADATA")).unwrap();
        assert_eq!((found.0.as_str(), found.1.as_deref()), ("typing-extensions", Some("4.15.0")));
        assert_eq!(distribution("/srv/app/orders.egg-info/PKG-INFO"), None);
        assert_eq!(distribution(&format!("{place}/setuptools/_vendor/x-1.dist-info/METADATA")), None);
        assert!(distribution("/deps/x-1.dist-info/METADATA").is_some());
        assert_eq!(distribution(&format!("{place}/x/METADATA")), None);
        assert_eq!(module("/srv/node_modules/@s/a/node_modules/b/package.json").unwrap().0, "b");
        assert_eq!(module("/srv/node_modules/@s/a/package.json").unwrap().0, "@s/a");
        assert_eq!(module("/srv/node_modules/.pnpm/b@1.0.0/node_modules/b/package.json").unwrap().0, "b");
        assert_eq!(module("/srv/node_modules/a/dist/package.json"), None);
        assert_eq!(module("/srv/node_modules/a/test/node_modules/b/package.json"), None);
        assert_eq!(module("/srv/package.json"), None);
    }

    #[test]
    fn packages_are_known_by_their_manifests() {
        for (path, name) in [
            ("/srv/node_modules/typescript/package.json", Some("typescript")),
            ("/srv/node_modules/@types/node/package.json", Some("@types/node")),
            ("/srv/node_modules/a/node_modules/b/package.json", Some("b")),
            ("/srv/node_modules/a/esm/package.json", None),
            ("/srv/app/package.json", None),
            ("/opt/venv/lib/python3.13/site-packages/hatchling-1.27.0.dist-info/METADATA", Some("hatchling-1.27.0")),
        ] {
            assert_eq!(package(path).as_deref(), name, "{path}");
        }
    }
}
