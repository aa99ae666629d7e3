//! The user's text with lines of ours in it, so that the engine does again what depends on the source and takes
//! the rest from its cache.

use std::collections::{BTreeMap, BTreeSet};

use super::derive::{from_context, mounts_context};
use super::model::{Dockerfile, Instruction, InstructionKind};
use super::stages::{Source, froms};

/// A Dockerfile with lines of ours in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The text.
    pub text: String,
    /// The line of the first instruction that takes in the source, in the user's file; `None`: no stage does.
    pub cut: Option<usize>,
    /// The lines of the RUNs from there on, in the user's file.
    pub runs: Vec<usize>,
    /// The lines of the text that are ours.
    ours: BTreeSet<usize>,
}

impl Rebuilt {
    /// The user's number of a line of the text.
    #[must_use]
    pub fn line(&self, line: usize) -> usize {
        line - self.ours.range(..line).count()
    }
}

impl Dockerfile {
    /// The text with `at_source` before what takes in the source on the way to a stage, and `before_runs` before
    /// each RUN from there on. The source is what a stage takes from the build context last before it runs something, with
    /// what stands before that in the same stage; files that are `manifests` are none of it. With `from_start` everything
    /// on the way counts as behind the source.
    #[must_use]
    pub fn with_lines_from_source(
        &self,
        stage: usize,
        at_source: &str,
        before_runs: &[String],
        manifests: &dyn Fn(&str) -> bool,
        from_start: bool,
    ) -> Rebuilt {
        let mut before: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let (mut cuts, mut runs) = (BTreeSet::new(), BTreeSet::new());
        for tip in self.tips(stage) {
            let chain = self.chain(tip);
            let cut = if from_start { Some(0).filter(|_| !chain.is_empty()) } else { source_of(&chain, manifests) };
            let Some(cut) = cut else { continue };
            cuts.insert(chain[cut].1.line);
            let later = chain[cut..].iter().filter(|(_, one)| matches!(one.kind, InstructionKind::Run(_)));
            runs.extend(later.map(|(_, one)| one.line));
        }
        for line in &cuts {
            before.entry(*line).or_default().push(at_source.to_owned());
        }
        for line in &runs {
            before.entry(*line).or_default().extend_from_slice(before_runs);
        }
        let (mut text, mut ours, mut number) = (String::with_capacity(self.text.len()), BTreeSet::new(), 0);
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            for own in before.get(&(index + 1)).into_iter().flatten().filter(|own| !own.is_empty()) {
                number += 1;
                ours.insert(number);
                text.push_str(own);
                text.push('\n');
            }
            number += 1;
            text.push_str(line);
        }
        Rebuilt { text, cut: cuts.first().copied(), runs: runs.into_iter().collect(), ours }
    }

    /// The stages from which a stage takes files, and itself; those that others are only FROM are left out.
    fn tips(&self, stage: usize) -> Vec<usize> {
        let mut tips = vec![stage];
        let mut at = 0;
        while let Some(tip) = tips.get(at).copied() {
            at += 1;
            let from = self.chain(tip).into_iter().flat_map(|(_, one)| froms(one)).collect::<Vec<_>>();
            for from in from {
                if let Source::Stage(other) = self.source(from)
                    && !tips.contains(&other)
                {
                    tips.push(other);
                }
            }
        }
        tips
    }

    /// The instructions that make a stage, those of the stages that it is FROM first, each with its stage.
    #[must_use]
    pub fn chain(&self, stage: usize) -> Vec<(usize, &Instruction)> {
        let stages = self.ancestry(stage).into_iter().rev();
        stages.flat_map(|index| self.stages[index].instructions.iter().map(move |one| (index, one))).collect()
    }
}

/// Where in a chain the source is taken in.
fn source_of(chain: &[(usize, &Instruction)], manifests: &dyn Fn(&str) -> bool) -> Option<usize> {
    let last_run = chain.iter().rposition(|(_, one)| matches!(one.kind, InstructionKind::Run(_)))?;
    let takes = |one: &Instruction| match &one.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
            from_context(one) && !copy.sources.iter().all(|source| manifests(source.trim_start_matches("./")))
        }
        InstructionKind::Run(_) => mounts_context(one),
        _ => false,
    };
    let at = chain[..=last_run].iter().rposition(|(_, one)| takes(one))?;
    let stage = chain[at].0;
    chain[..=at].iter().position(|(index, one)| *index == stage && takes(one))
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn lines_go_before_the_source_and_its_runs() {
        let text = "FROM a AS deps\nCOPY lock ./\nRUN install\nFROM deps AS build\nCOPY src src\nCOPY web web\nRUN make\n\
                    COPY LICENSE /out/\nFROM b AS service\nRUN x\n";
        let file = parse(text, "Dockerfile".as_ref()).unwrap();
        let again = file.with_lines_from_source(1, "RUN :", &["ENV A=1".into()], &|name| name == "lock", false);
        let expected = "FROM a AS deps\nCOPY lock ./\nRUN install\nFROM deps AS build\nRUN :\nCOPY src src\nCOPY web web\n\
                        ENV A=1\nRUN make\nCOPY LICENSE /out/\nFROM b AS service\nRUN x\n";
        assert_eq!(again.text, expected);
        assert_eq!((again.cut, again.runs.as_slice()), (Some(5), &[7][..]));
        // COPY web is line 7 there, RUN make line 9.
        let whole = file.with_lines_from_source(1, "RUN :", &[], &|_| false, true);
        assert_eq!((whole.cut, whole.runs), (Some(2), vec![3, 7]));
        assert_eq!((again.line(4), again.line(7), again.line(9)), (4, 6, 7));
    }

    #[test]
    fn a_stage_that_the_build_copies_from_is_done_again_too() {
        let text = "FROM n AS assets\nCOPY . .\nRUN bundle\nFROM a AS build\nCOPY . .\nCOPY --from=assets /dist dist\nRUN make\n";
        let file = parse(text, "Dockerfile".as_ref()).unwrap();
        let again = file.with_lines_from_source(1, "RUN :", &[], &|_| false, false);
        assert_eq!((again.cut, again.runs), (Some(2), vec![3, 7]));
        let none = parse("FROM a\nRUN fetch && make\n", "Dockerfile".as_ref()).unwrap();
        assert_eq!(none.with_lines_from_source(0, "RUN :", &[], &|_| false, false).cut, None);
    }
}
