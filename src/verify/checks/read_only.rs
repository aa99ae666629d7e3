//! `service.read-only`: the service works with what an attacker could use taken away from it.

use crate::compose::ComposeService;
use crate::lab::hardened::{Hardened, hardened};
use crate::lab::{Lab, blame};
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// `service.read-only`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let service = lab.subject.service(role);
    Ok(match &*hardened(lab).await? {
        Hardened::Works(seen) => pass(seen.clone()),
        Hardened::Denied(broken) => fail(format!("{}; as root it answers", broken.why))
            .expected("the service answers every declared path as the user that it runs as")
            .at_place(&blame::command(&lab.subject, role))
            .log(broken.log.clone())
            .hint(
                "Read the end of its log. A new volume belongs to root unless the image has its folder: create the folder in \
                 the Dockerfile, and make the service's user its owner.",
            ),
        Hardened::Broken(broken) => inconclusive(format!(
            "the service does not work with a writable root and the usual capabilities either: {}",
            broken.why
        )),
        Hardened::Breaks(broken) => {
            let missing = missing_path(&broken.log);
            let what = match &missing {
                Some(path) => format!("{} (it wants to write {path})", broken.why),
                None => broken.why.clone(),
            };
            let verdict = fail(format!("it works with a writable root and the usual capabilities, and not without them: {what}"))
                .expected("it works with a read-only root, no capability and no new privileges, writing only to declared tmpfs and volumes")
                .at_place(service.at("tmpfs"))
                .log(broken.log.clone())
                .by_itself();
            match missing {
                Some(path) => verdict.hint(format!(
                    "Let the service write below a folder that compose.yaml declares as `tmpfs` or as a volume, or declare the folder of {path} so."
                )),
                None => verdict,
            }
        }
    })
}

/// The verdict on a container of the service: if compose.yaml takes nothing away from it, that it works only with what can be
/// taken away explains nothing.
pub(super) fn explains(service: &ComposeService, verdict: Verdict) -> Verdict {
    let no_new = service.settings.security_opt.iter().any(|option| option.starts_with("no-new-privileges"));
    let less = service.settings.read_only || no_new || !service.settings.cap_drop.is_empty();
    if less { verdict } else { verdict.rules_out("service.read-only") }
}

/// The path that a log says could not be written.
fn missing_path(log: &[String]) -> Option<String> {
    const SAYS: &str = "read-only file system";
    let (line, at) = log.iter().rev().find_map(|line| Some((line, line.to_ascii_lowercase().find(SAYS)?)))?;
    let path = |word: &&str| word.starts_with('/') && word.len() > 1;
    let words = |text: &'_ str| -> Vec<String> {
        let words = text.split(['\'', '"', '`', ' ', ':', ',', ')', '\\']);
        words.filter(path).map(ToOwned::to_owned).collect()
    };
    // Most name it behind the reason, shells before it.
    words(line.get(at..)?).into_iter().next().or_else(|| words(line.get(..at)?).pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_read_from_the_log() {
        for (line, path) in [
            ("OSError: [Errno 30] Read-only file system: '/srv/app/cache'", Some("/srv/app/cache")),
            ("Error: EROFS: read-only file system, mkdir '/srv/app/cache'", Some("/srv/app/cache")),
            ("/bin/start.sh: 3: cannot create /var/run/x.pid: Read-only file system", Some("/var/run/x.pid")),
            ("Os { code: 30, kind: ReadOnlyFilesystem, message: \"Read-only file system\" }", None),
            ("listening on /tmp/x", None),
        ] {
            assert_eq!(missing_path(&[line.to_owned()]).as_deref(), path, "{line}");
        }
    }
}
