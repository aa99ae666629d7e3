//! Names for stages that have none.

use super::model::Dockerfile;
use super::read::parse;

impl Dockerfile {
    /// The same Dockerfile, in which each stage has a name: one without gets that by which `BuildKit` shows it, `stage-1`, as
    /// only a stage with a name can be asked for. Lines stay where they are.
    #[must_use]
    pub fn with_named_stages(self) -> Self {
        let mut lines: Vec<String> = self.text.split('\n').map(ToOwned::to_owned).collect();
        for stage in self.stages.iter().filter(|stage| stage.name.is_none()) {
            let Some(line) = lines.get_mut(stage.line - 1) else { continue };
            let (own, end) = line.split_at(line.trim_end().len());
            // A FROM over several lines is left as it is.
            if !own.ends_with(self.escape) {
                *line = format!("{own} AS stage-{}{end}", stage.index);
            }
        }
        // What cannot be read back is not to be had.
        parse(&lines.join("\n"), &self.file).unwrap_or(self)
    }
}
