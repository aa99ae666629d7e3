//! Askama filters: a value from outside, written for the file that it goes into.

use std::fmt::Display;

use crate::stacks::StageStep;

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

/// What follows `RUN`: a mount or a command a line. The packages `compilers` are there for these commands alone.
#[askama::filter_fn]
pub fn mounts_and_commands(step: &StageStep, _: &dyn askama::Values, compilers: &[String]) -> askama::Result<String> {
    let packages = compilers.join(" ");
    let mut commands = step.run.clone();
    let mut caches = step.cache.iter().map(|folder| format!("--mount=type=cache,target={folder}")).collect::<Vec<_>>();
    if !compilers.is_empty() {
        caches.push("--mount=type=cache,target=/var/lib/apt/lists,sharing=locked".into());
        commands.insert(0, "apt-get update".into());
        commands.insert(1, format!("apt-get install --yes --no-install-recommends {packages}"));
        commands.push(format!("apt-get purge --yes --auto-remove {packages}"));
    }
    let from = step.from.iter().map(|name| format!("--mount=type=bind,from={name},source=/{name},target=/tmp/{name}"));
    let binds = step.bind.iter().map(|file| format!("--mount=type=bind,source={file},target=/tmp/{file}"));
    let mounts = from.chain(binds).chain(caches);
    Ok(mounts.chain([commands.join(" \\\n && ")]).collect::<Vec<_>>().join(" \\\n    "))
}

/// The exec form of a command: a JSON array.
#[askama::filter_fn]
pub fn exec_form(command: &[String], _: &dyn askama::Values) -> askama::Result<String> {
    Ok(json_list(command))
}

/// A flow sequence of compose.yaml: double-quoted, `$` doubled so that Compose does not interpolate.
#[askama::filter_fn]
pub fn yaml_list(values: &[String], _: &dyn askama::Values) -> askama::Result<String> {
    Ok(json_list(values).replace('$', "$$"))
}

/// A value of compose.yaml: double-quoted, `$` doubled.
#[askama::filter_fn]
pub fn yaml_string(value: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(quoted(&value.to_string()).replace('$', "$$"))
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

/// A value in which `$NAME` stands for a variable: quoted where blanks would end it.
pub(super) fn expanded(value: &str) -> String {
    let plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\'));
    if plain { value.to_owned() } else { format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// A word of a shell line: in single quotes where a plain word would not do.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./@%+,".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
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
    fn variables_stay_in_what_a_stack_says() {
        for (value, written) in [
            ("/opt/bin:$PATH", "/opt/bin:$PATH"),
            ("-a -b", "\"-a -b\""),
            ("a \"b\" $C", "\"a \\\"b\\\" $C\""),
            ("", "\"\""),
        ] {
            assert_eq!(super::expanded(value), written);
        }
    }

    #[test]
    fn words_survive_a_shell() {
        for (word, written) in [
            ("templates/mail", "templates/mail"),
            ("it's static", r"'it'\''s static'"),
            ("-rf", "'-rf'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(super::shell_word(word), written);
        }
    }

    #[test]
    fn yaml_values_are_not_interpolated() {
        assert_eq!(json_list(&["a$b".into(), "c".into()]).replace('$', "$$"), r#"["a$$b", "c"]"#);
    }
}
