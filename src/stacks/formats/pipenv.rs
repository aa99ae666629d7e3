//! Pipenv's lock.

use serde_json::Value as Json;

use super::{Production, add, normal};

/// Its default group.
pub(super) fn read(text: &str) -> Result<Production, String> {
    let lock: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let packages = lock["default"].as_object().ok_or("it has no default group")?;
    let mut found = Production::new();
    for (name, package) in packages {
        let version = package["version"].as_str().map(|version| version.trim_start_matches('=').to_owned());
        add(&mut found, normal(name), version, package["markers"].is_null());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    #[test]
    fn the_default_group_is_production() {
        let lock = r#"{"_meta": {}, "default": {"Flask": {"version": "==3.0.0"}, "colorama": {"markers": "os_name == 'nt'"}},
            "develop": {"pytest": {"version": "==8"}}}"#;
        assert_eq!(names(&read(lock).unwrap()), ["colorama?", "flask"]);
        assert_eq!(read(lock).unwrap()["flask"].version.as_deref(), Some("3.0.0"));
        assert!(read("{}").is_err() && read("x").is_err());
    }
}
