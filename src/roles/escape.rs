//! Askama filters: a value from outside, written for the file that it goes into.

use std::fmt::Display;

use crate::stacks::Layer;

/// A value of `LABEL`; see [`value`].
#[askama::filter_fn]
pub fn dockerfile_value(text: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(value(&text.to_string()))
}

/// What follows `ENV`: an assignment a line. The values are as [`value`] writes them.
#[askama::filter_fn]
pub fn assignments(env: &[(String, String)], _: &dyn askama::Values) -> askama::Result<String> {
    let lines: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(lines.join(" \\\n    "))
}

/// What follows `RUN`: a mount or a command a line.
#[askama::filter_fn]
pub fn mounts_and_commands(layer: &Layer, _: &dyn askama::Values) -> askama::Result<String> {
    let binds = layer.bind.iter().map(|file| format!("--mount=type=bind,source={file},target=/tmp/{file}"));
    let caches = layer.cache.iter().map(|folder| format!("--mount=type=cache,target={folder}"));
    let commands = layer.run.join(" \\\n && ");
    Ok(binds.chain(caches).chain([commands]).collect::<Vec<_>>().join(" \\\n    "))
}

/// The exec form of a command: a JSON array.
#[askama::filter_fn]
pub fn exec_form(command: &[String], _: &dyn askama::Values) -> askama::Result<String> {
    Ok(json_list(command))
}

/// A scalar of compose.yaml: double-quoted, `$` doubled so that Compose does not interpolate.
#[askama::filter_fn]
pub fn yaml(value: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(quoted(&value.to_string()).replace('$', "$$"))
}

/// A flow sequence of compose.yaml, likewise.
#[askama::filter_fn]
pub fn yaml_list(values: &[String], _: &dyn askama::Values) -> askama::Result<String> {
    Ok(json_list(values).replace('$', "$$"))
}

/// A JSON string.
#[askama::filter_fn]
pub fn json_string(value: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(quoted(&value.to_string()))
}

/// A value for `ENV` or `LABEL`: quoted where a plain word would not do, with what Docker's parser takes as
/// its own (backslash, quote, `$`) escaped.
/// <https://docs.docker.com/reference/dockerfile/#environment-replacement>
pub(super) fn value(value: &str) -> String {
    // Plain words stay as a person would write them.
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '\\' | '"' | '$') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted + "\""
}

fn quoted(value: &str) -> String {
    serde_json::to_string(value).expect("a string is always JSON")
}

fn json_list(values: &[String]) -> String {
    let items: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockerfile_values_survive_dockers_parser() {
        for (value, written) in [
            ("production", "production"),
            ("/opt/venv/bin", "/opt/venv/bin"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("$HOME", "\"\\$HOME\""),
            ("say \"hi\"", "\"say \\\"hi\\\"\""),
            ("back\\slash", "\"back\\\\slash\""),
            ("#no comment", "\"#no comment\""),
            ("naïve ☃", "\"naïve ☃\""),
        ] {
            assert_eq!(super::value(value), written);
        }
    }

    #[test]
    fn yaml_values_are_not_interpolated() {
        assert_eq!(json_list(&["a$b".into(), "c".into()]).replace('$', "$$"), r#"["a$$b", "c"]"#);
    }
}
