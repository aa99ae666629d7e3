//! What a container prints, and commands run inside it.

use std::collections::VecDeque;

use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bollard::query_parameters::LogsOptions;
use futures_util::StreamExt;

use super::super::failure::failed;
use super::Container;
use crate::error::{Error, Result};

/// So much of what is printed is kept, in bytes, and after so much nobody reads on.
const LONGEST: usize = 16 << 20;
const ENDLESS: usize = 256 << 20;

/// No line is longer, in bytes.
const LINE: usize = 64 << 10;

/// A command that was run inside a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecResult {
    /// Its exit code; 126 and 127 also when the command could not be started.
    pub exit_code: i64,
    /// What it printed, both streams as they came; of much, the beginning.
    pub output: String,
    /// What it printed on standard output alone.
    pub stdout: Vec<u8>,
}

impl Container {
    /// What it printed, in lines, both streams as they came; with `tail`, only the last so many. Of a long log the end.
    ///
    /// # Errors
    /// When the engine refuses, or its logging driver keeps nothing.
    pub async fn logs(&self, tail: Option<usize>) -> Result<Vec<String>> {
        let (mut lines, mut size) = (VecDeque::new(), 0);
        let keep = |line: String| {
            size += line.len();
            lines.push_back(line);
            while size > LONGEST {
                size -= lines.pop_front().map_or(size, |first: String| first.len());
            }
        };
        self.read_logs(tail, false, keep).await?;
        Ok(lines.into())
    }

    /// Calls `line` for all that it printed and prints, until it ends.
    ///
    /// # Errors
    /// When the engine refuses, or its logging driver keeps nothing.
    pub async fn follow(&self, line: impl FnMut(String)) -> Result<()> {
        self.read_logs(None, true, line).await
    }

    async fn read_logs(&self, tail: Option<usize>, follow: bool, mut line: impl FnMut(String)) -> Result<()> {
        let options = LogsOptions {
            follow,
            stdout: true,
            stderr: true,
            tail: tail.map_or_else(|| "all".into(), |tail| tail.to_string()),
            ..Default::default()
        };
        let mut pieces = self.engine.docker().logs(&self.id, Some(options));
        let (mut lines, mut size) = (Lines::default(), 0);
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| failed(self.what("read the log of"), error))?;
            size += piece.as_ref().len();
            // It prints faster than it can be read.
            if size > ENDLESS && !follow {
                break;
            }
            lines.add(&piece, &mut line);
        }
        lines.end(&mut line);
        Ok(())
    }

    /// Runs a command inside it and waits for its end. The image must hold the command.
    ///
    /// # Errors
    /// When the container does not run, or the engine refuses; not when the command fails.
    pub async fn exec(&self, command: &[&str], user: Option<&str>, env: &[(&str, &str)]) -> Result<ExecResult> {
        let what = || format!("{}: {}", self.what("run a command in"), command.join(" "));
        let docker = self.engine.docker();
        let config = ExecConfig {
            cmd: Some(command.iter().map(ToString::to_string).collect()),
            user: user.map(str::to_owned),
            env: (!env.is_empty()).then(|| env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..Default::default()
        };
        let exec = docker.create_exec(&self.id, config).await.map_err(|error| failed(what(), error))?;
        let started = docker.start_exec(&exec.id, None).await.map_err(|error| failed(what(), error))?;
        let (mut all, mut stdout, mut size) = (Vec::new(), Vec::new(), 0);
        if let StartExecResults::Attached { output: mut pieces, .. } = started {
            while let Some(piece) = pieces.next().await {
                let piece = piece.map_err(|error| failed(what(), error))?;
                size += piece.as_ref().len();
                if size > ENDLESS {
                    return Err(Error::engine(format!("{}: it prints more than {} MiB", what(), ENDLESS >> 20)));
                }
                if size > LONGEST {
                    continue;
                }
                if !matches!(piece, LogOutput::StdErr { .. }) {
                    stdout.extend_from_slice(piece.as_ref());
                }
                all.extend_from_slice(piece.as_ref());
            }
        }
        let ended = docker.inspect_exec(&exec.id).await.map_err(|error| failed(what(), error))?;
        let exit_code = ended.exit_code.ok_or_else(|| Error::engine(format!("{}: no exit code", what())))?;
        // In a container that ends meanwhile the runtime's own failure looks like the command's.
        if exit_code != 0 && !self.inspect().await?.running {
            return Err(Error::engine(format!("{}: the container ended meanwhile", what())));
        }
        Ok(ExecResult { exit_code, output: String::from_utf8_lossy(&all).into_owned(), stdout })
    }
}

/// Puts lines together from the pieces of two streams.
#[derive(Default)]
struct Lines {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Lines {
    fn add(&mut self, piece: &LogOutput, line: &mut impl FnMut(String)) {
        let buffer = if matches!(piece, LogOutput::StdErr { .. }) { &mut self.err } else { &mut self.out };
        for part in piece.as_ref().split_inclusive(|byte| *byte == b'\n') {
            let room = LINE.saturating_sub(buffer.len());
            buffer.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                line(text(buffer));
                buffer.clear();
            }
        }
    }

    fn end(&mut self, line: &mut impl FnMut(String)) {
        for buffer in [&self.out, &self.err] {
            if !buffer.is_empty() {
                line(text(buffer));
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_per_stream() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let out = |text: &'static str| LogOutput::StdOut { message: text.into() };
        let err = |text: &'static str| LogOutput::StdErr { message: text.into() };
        for piece in [out("a"), err("x\n"), out("b\r\nc\nd")] {
            lines.add(&piece, &mut |line| seen.push(line));
        }
        lines.end(&mut |line| seen.push(line));
        assert_eq!(seen, ["x", "ab", "c", "d"]);
    }
}
