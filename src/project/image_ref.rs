//! References to outside images.

use super::text::{shown, text_types};
use crate::error::{Error, Result};
use crate::stacks::{Examples, examples};
use crate::text::ImageName;

text_types! {
    /// A reference to an outside image: `[host[:port]/]path[:tag][@digest]`, without variables.
    ImageRef;
}

impl ImageRef {
    /// Takes a reference (the grammar of github.com/distribution/reference; digests: sha256 and sha512).
    ///
    /// # Errors
    /// What is no reference; each frequent slip (a URL, a variable, upper case) with its own message.
    pub fn parse(text: &str) -> Result<Self> {
        let fail = |why: &str, hint: String| {
            Err(Error::description(format!("{} is not an image: {why}", shown(text))).hint(hint))
        };
        let example = || {
            let image = &examples().runtime;
            format!("for example: \"{image}\" or \"{}\"", Examples::in_registry(image))
        };
        if text.is_empty() {
            return Err(Error::description("the image is empty").hint(example()));
        }
        if let Some((_, rest)) = text.split_once("://") {
            return fail(
                "a reference does not begin with `https://` or another scheme",
                format!("write {}", shown(rest)),
            );
        }
        if text.contains('$') {
            return fail(
                "it is used as written, and variables in it are not replaced",
                "write the image itself".to_owned(),
            );
        }
        let ImageName { name, tag, digest } = ImageName::of(text);
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return fail(
                "a digest is `sha256:` and 64 lower-case hexadecimal digits",
                "copy it whole, from `docker buildx imagetools inspect`".to_owned(),
            );
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return fail(
                "a tag has at most 128 letters, digits and `_.-`, and does not begin with `.` or `-`",
                example(),
            );
        }
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
            _ => (None, name),
        };
        if host.is_some_and(|host| !is_host(host)) {
            return fail("the part before the first `/` is not a host", example());
        }
        if !path.split('/').all(is_part) {
            let lower = format!("{}{}", name.to_ascii_lowercase(), &text[name.len()..]);
            return if path.to_ascii_lowercase().split('/').all(is_part) {
                fail("a name is in lower case", format!("write {}", shown(&lower)))
            } else {
                fail("a name is lower-case letters and digits, with single `.`, `_` or dashes between", example())
            };
        }
        if name.len() > 255 {
            return fail("its name has more than 255 characters", "host it under a shorter name".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// `path-component`: `[a-z0-9]+`, joined by `.`, `_`, `__` or dashes.
fn is_part(part: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = part;
    loop {
        let word = rest.trim_start_matches(alphanumeric);
        if word.len() == rest.len() {
            return false;
        }
        let joint = &word[..word.find(alphanumeric).unwrap_or(word.len())];
        if joint.is_empty() {
            return word.is_empty();
        }
        if !(matches!(joint, "." | "_" | "__") || joint.bytes().all(|byte| byte == b'-')) {
            return false;
        }
        rest = &word[joint.len()..];
    }
}

/// `tag`: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.
fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || ".-".contains(c))
}

/// `digest`, of the two algorithms that registries use.
fn is_digest(digest: &str) -> bool {
    let hex = |hex: &str, digits: usize| {
        hex.len() == digits && hex.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    };
    match digest.split_once(':') {
        Some(("sha256", rest)) => hex(rest, 64),
        Some(("sha512", rest)) => hex(rest, 128),
        _ => false,
    }
}

/// `domain`: a DNS name with an optional port; IPv6 addresses in brackets are left out, as no base image is there.
fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    name.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}
