//! npm's lock.

use serde_json::Value as Json;

use super::{Production, add};

/// What is not marked `dev`.
pub(super) fn read(text: &str) -> Result<Production, String> {
    let lock: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let packages = lock["packages"].as_object().ok_or("it is of version 1, which does not say what is production")?;
    let mut found = Production::new();
    for (path, package) in packages {
        let is = |key: &str| package[key].as_bool().unwrap_or(false);
        let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
        if is("dev") {
            continue;
        }
        let some = is("optional") || is("devOptional") || is("peer") || is("link");
        let always = !some && package["os"].is_null() && package["cpu"].is_null() && package["libc"].is_null();
        add(&mut found, name.to_owned(), package["version"].as_str().map(ToOwned::to_owned), always);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    #[test]
    fn what_is_not_marked_is_production() {
        let lock = r#"{"packages": {
            "": {"dependencies": {"a": "1"}},
            "node_modules/a": {"version": "1.0.0"},
            "node_modules/a/node_modules/@s/b": {"version": "2.0.0", "optional": true},
            "node_modules/t": {"version": "1.0.0", "dev": true}}}"#;
        assert_eq!(names(&read(lock).unwrap()), ["@s/b?", "a"]);
        assert!(read(r#"{"lockfileVersion": 1, "dependencies": {}}"#).is_err());
    }
}
