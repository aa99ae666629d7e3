//! A line that starts a service, in the form in which a container starts it.

use crate::compose::shell_words;
use crate::error::Result;
use crate::project::ExecCommand;

/// What only a shell understands.
const SHELL: &[char] = &['$', '`', '|', '&', ';', '<', '>', '*', '?', '~', '\n'];

/// The words of a line; a shell, which makes way for it, where the line needs one.
///
/// # Errors
/// It names no program, or has characters that no command has.
pub(super) fn of(line: &str) -> Result<ExecCommand> {
    let line = line.trim();
    let is_assigned = line.split_whitespace().next().is_some_and(|word| word.contains('='));
    if !is_assigned
        && !line.contains(SHELL)
        && let Ok(words) = shell_words(line)
    {
        return ExecCommand::parse(words);
    }
    let exec = if is_assigned || line.contains(['|', ';', '\n']) || line.contains("&&") { "" } else { "exec " };
    let line = if is_assigned { format!("exec env {line}") } else { format!("{exec}{line}") };
    ExecCommand::parse(vec!["sh".to_owned(), "-c".to_owned(), line])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_there_only_where_it_is_needed() {
        for (line, expected) in [
            ("gunicorn app:app", &["gunicorn", "app:app"][..]),
            ("gunicorn 'app:create_app()'", &["gunicorn", "app:create_app()"]),
            ("gunicorn app:create_app()", &["sh", "-c", "exec gunicorn app:create_app()"]),
            ("uvicorn a:b --port $PORT", &["sh", "-c", "exec uvicorn a:b --port $PORT"]),
            ("A=b node x.js", &["sh", "-c", "exec env A=b node x.js"]),
            ("cd x && node y", &["sh", "-c", "cd x && node y"]),
        ] {
            assert_eq!(of(line).unwrap().words(), expected, "{line}");
        }
    }
}
