//! The day or the month of a build in what it makes: two builds of one day are the same for it, and those of two months are
//! not.

use std::sync::Arc;

use time::OffsetDateTime;
use time::format_description::parse_borrowed;

use super::Lab;
use super::change::{Change, What};
use super::images::build_text;
use super::leavings::in_packages;
use super::obstacle::Attempt;
use super::rebuild::{Made, made};
use crate::engine::{BuildContext, Container, EntryKind, FileTree};
use crate::error::Result;
use crate::subject::Target;

/// Files of more bytes are no source that somebody wrote a day in.
const LARGEST: u64 = 16 << 20;

/// How people and programs write a day. Shorter forms stand in files by chance.
const DAYS: [&str; 11] = [
    "[year]-[month]-[day]",
    "[year]/[month]/[day]",
    "[year].[month].[day]",
    "[year].[month padding:none].[day padding:none]",
    "[year][month][day]",
    "[day]/[month]/[year]",
    "[month]/[day]/[year]",
    "[day].[month].[year]",
    "[month repr:short] [day padding:space] [year]",
    "[month repr:long] [day padding:none], [year]",
    "[day] [month repr:short] [year]",
];
/// Forms that may be a part of any day that a file names, so that they count where they stand by themselves: a month, and a
/// day of a year of two digits, as versions have it.
const PARTS: [&str; 4] = [
    "[year]-[month]",
    "[month repr:long] [year]",
    "[year repr:last_two].[month].[day]",
    "[year repr:last_two]-[month]-[day]",
];

/// A file of the artefact that holds the day on which it was made, while no source does.
pub(crate) struct Dated {
    pub(crate) file: Change,
    /// The day, as it stands there.
    pub(crate) day: String,
}

/// What was found, if anything.
struct Found(Option<Arc<Dated>>);

/// Looks for the day of the build, which is today's or was done on another day, in what it makes.
pub(crate) async fn dated(lab: &Lab) -> Attempt<Option<Arc<Dated>>> {
    Ok(lab.fact(find(lab)).await?.0.clone())
}

async fn find(lab: &Lab) -> Attempt<Found> {
    let made = made(lab).await?;
    let now = OffsetDateTime::now_utc();
    let container = lab.run.create_idle(&made.image.id).await?;
    // One after the other: a search finds no word that begins with another one.
    let mut found = named(lab, &made, &container, &written(&DAYS, now), |_, _| true).await?;
    if found.is_none() {
        found = named(lab, &made, &container, &written(&PARTS, now), stands_alone).await?;
    }
    container.remove().await?;
    Ok(Found(found.map(Arc::new)))
}

/// A file of the artefact that has one of some words as it is to stand there, while no source and no package has it.
async fn named(
    lab: &Lab,
    made: &Made,
    container: &Container,
    words: &[String],
    stands: fn(&str, &str) -> bool,
) -> Attempt<Option<Dated>> {
    let needles: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
    let mut hits = Vec::new();
    for place in &made.places {
        hits.extend(container.search(place, &needles).await?);
    }
    if hits.is_empty() {
        return Ok(None);
    }
    let usual = of_sources(&made.target, words)?;
    let of_packages = of_packages(lab, made).await?;
    let own = lab.subject.project.makes("dev");
    let is_packaged = |path: &str| {
        let sum = made.tree.files.get(path).and_then(|entry| entry.sha256);
        let known = of_packages.iter().flat_map(|tree| tree.files.values());
        (own || in_packages(path)) && sum.is_some() && known.into_iter().any(|entry| entry.sha256 == sum)
    };
    for (path, word) in hits.into_iter().map(|(path, needle)| (path, &words[needle])) {
        if usual.contains(word) || is_packaged(&path) {
            continue;
        }
        let content = container.read_file(&path, LARGEST).await?.unwrap_or_default();
        if stands(&String::from_utf8_lossy(&content), word) {
            return Ok(Some(Dated { file: Change { path, what: What::Content }, day: word.clone() }));
        }
    }
    Ok(None)
}

/// What has the packages and nothing that the source was made into: dev; of a dev of another hand, which may come after the
/// build, nobody knows that, and the build as it is before it takes the source has them.
async fn of_packages(lab: &Lab, made: &Made) -> Attempt<Option<Arc<FileTree>>> {
    if lab.subject.project.makes("dev") {
        return match lab.container_image("dev") {
            Ok(dev) => Ok(Some(lab.tree(&dev.id).await?)),
            Err(_) => Ok(None),
        };
    }
    let cut = made.target.dockerfile.truncated_before_source(made.target.stage);
    match build_text(&lab.run, &made.target, cut.text, "before-source").await? {
        Ok(image) => Ok(Some(lab.tree(&image.id).await?)),
        Err(_) => Ok(None),
    }
}

/// Whether a part of a day stands in a text by itself, and not as a part of a day or of a longer number.
fn stands_alone(text: &str, part: &str) -> bool {
    let mut found = text.match_indices(part).map(|(at, _)| (&text[..at], &text[at + part.len()..]));
    found.any(|(before, after)| {
        let digit = |c: char| c.is_ascii_digit();
        let day_before = before.strip_suffix([' ', '.', '-', '/']).is_some_and(|before| before.ends_with(digit));
        let day_after = after.strip_prefix(['-', '.', '/']).is_some_and(|after| after.starts_with(digit));
        !(before.ends_with(digit) || after.starts_with(digit) || day_before || day_after)
    })
}

/// A day in some forms.
fn written(forms: &[&str], day: OffsetDateTime) -> Vec<String> {
    let format = |form: &str| {
        let form = parse_borrowed::<2>(form).expect("our own forms; a test reads them");
        day.format(&form).expect("a date has all that they ask for")
    };
    let mut all: Vec<String> = forms.iter().copied().map(format).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Those of some words that a source holds.
fn of_sources(target: &Target, words: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in BuildContext::open_for(&target.context, &target.dockerfile.file)?.files()?.iter() {
        if file.kind != EntryKind::File || file.size > LARGEST {
            continue;
        }
        let content = file.read()?;
        let holds = |word: &&String| content.windows(word.len()).any(|part| part == word.as_bytes());
        found.extend(words.iter().filter(holds).cloned());
    }
    let text = &target.dockerfile.text;
    found.extend(words.iter().filter(|word| text.contains(word.as_str())).cloned());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_not_a_part_of_a_day() {
        for text in ["2026-03", "built 2026-03, here", "v2026-03\n", "\0\x012026-03\0"] {
            assert!(stands_alone(text, "2026-03"), "{text:?}");
        }
        for text in ["2026-03-05", "12026-03", "2026-031", ""] {
            assert!(!stands_alone(text, "2026-03"), "{text:?}");
        }
        assert!(!stands_alone("5 March 2026", "March 2026") && stands_alone("in March 2026.", "March 2026"));
    }

    #[test]
    fn a_day_is_written_in_many_ways() {
        let day = time::macros::datetime!(2026-03-07 12:00 UTC);
        let all = [written(&DAYS, day), written(&PARTS, day)].concat();
        for form in [
            "2026-03-07",
            "20260307",
            "2026.3.7",
            "Mar  7 2026",
            "March 7, 2026",
            "07 Mar 2026",
            "03/07/2026",
            "2026-03",
        ] {
            assert!(all.iter().any(|one| one == form), "{form} {all:?}");
        }
        assert_eq!(all.len(), DAYS.len() + PARTS.len());
    }
}
