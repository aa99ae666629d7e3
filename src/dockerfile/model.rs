//! What a Dockerfile says, as data.

use std::path::PathBuf;

/// A whole Dockerfile.
#[derive(Debug, Clone, PartialEq)]
pub struct Dockerfile {
    /// The file as it was opened.
    pub file: PathBuf,
    /// Its text without a byte order mark, line ends as they are.
    pub text: String,
    /// The escape character: `\`, or what the `escape` directive says.
    pub escape: char,
    /// ARG before the first FROM: name, default, line.
    pub global_args: Vec<(String, Option<String>, usize)>,
    /// The stages in order; at least one.
    pub stages: Vec<DockerfileStage>,
}

/// What a stage starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageBase {
    /// An outside image, global ARGs put in by their defaults; what has none stays as `${NAME}`.
    Image(String),
    /// An earlier stage, by its index.
    Stage(usize),
    /// Nothing.
    Scratch,
}

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct DockerfileStage {
    /// The name after AS, as written; `BuildKit` compares without case.
    pub name: Option<String>,
    /// Its place among the stages, from 0.
    pub index: usize,
    /// What it starts from.
    pub base: StageBase,
    /// That, as written.
    pub raw_base: String,
    /// `--platform` of FROM, as written.
    pub platform: Option<String>,
    /// The line of FROM.
    pub line: usize,
    /// The last line of the last instruction.
    pub end_line: usize,
    /// The instructions after FROM.
    pub instructions: Vec<Instruction>,
}

/// One instruction with its lines in the file, from 1, heredocs included.
#[derive(Debug, Clone, PartialEq)]
pub struct Instruction {
    /// What it says.
    pub kind: InstructionKind,
    /// Its first line.
    pub line: usize,
    /// Its last line.
    pub end_line: usize,
    /// Its source, all lines, as written.
    pub text: String,
}

/// The instructions. Values are as written, quotes off, variables not expanded, unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub enum InstructionKind {
    /// ADD.
    Add(Copy),
    /// ARG: names and defaults.
    Arg(Vec<(String, Option<String>)>),
    /// CMD.
    Cmd(CommandForm),
    /// COPY.
    Copy(Copy),
    /// ENTRYPOINT.
    Entrypoint(CommandForm),
    /// ENV: names and values, quotes kept so that expansion can honour them.
    Env(Vec<(String, String)>),
    /// EXPOSE.
    Expose(Vec<String>),
    /// HEALTHCHECK.
    Healthcheck(HealthcheckInstruction),
    /// LABEL: names and values, quotes kept.
    Label(Vec<(String, String)>),
    /// MAINTAINER.
    Maintainer(String),
    /// ONBUILD: the instruction that runs in the images built from this one.
    Onbuild(Box<InstructionKind>),
    /// RUN.
    Run(RunInstruction),
    /// SHELL.
    Shell(Vec<String>),
    /// STOPSIGNAL.
    StopSignal(String),
    /// USER.
    User(String),
    /// VOLUME.
    Volume(Vec<String>),
    /// WORKDIR.
    Workdir(String),
}

/// Shell or exec form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandForm {
    /// A line for the shell, continued lines joined, heredoc bodies apart.
    Shell(String),
    /// A JSON array: run as it is.
    Exec(Vec<String>),
}

/// COPY and ADD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copy {
    /// `--from`: a stage's name or index, a named context or an image; `None`: the build context.
    pub from: Option<String>,
    /// Sources, heredocs apart.
    pub sources: Vec<String>,
    /// Destination.
    pub dest: String,
    /// `--chown`.
    pub chown: Option<String>,
    /// `--chmod`.
    pub chmod: Option<String>,
    /// `--exclude`, each.
    pub exclude: Vec<String>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// ADD's `--checksum`.
    pub checksum: Option<String>,
    /// ADD's `--keep-git-dir`.
    pub keep_git_dir: bool,
    /// ADD's `--unpack`, if said.
    pub unpack: Option<bool>,
    /// Files given in the Dockerfile itself.
    pub heredocs: Vec<Heredoc>,
}

/// RUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInstruction {
    /// What is run. Of a heredoc the command holds `<<EOF`, the body is in `heredocs`.
    pub command: CommandForm,
    /// `--mount`, each.
    pub mounts: Vec<RunMount>,
    /// `--network`.
    pub network: Option<String>,
    /// `--security`.
    pub security: Option<String>,
    /// Heredocs in order.
    pub heredocs: Vec<Heredoc>,
}

/// One `--mount` of RUN.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunMount {
    /// `bind` (the default), `cache`, `tmpfs`, `secret`, `ssh`.
    pub kind: String,
    /// `from`: a stage, named context or image; `None`: for a bind, the build context.
    pub from: Option<String>,
    /// `source` or `src`.
    pub source: Option<String>,
    /// `target`, `dst` or `destination`.
    pub target: Option<String>,
    /// All options as written: `id`, `sharing`, `rw`, `required` …
    pub options: Vec<(String, Option<String>)>,
}

/// A here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// Its delimiter: for COPY the file's name.
    pub name: String,
    /// Its lines, with line ends; leading tabs taken off for `<<-`.
    pub content: String,
    /// Variables are expanded (the delimiter is not quoted).
    pub expand: bool,
}

/// HEALTHCHECK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthcheckInstruction {
    /// `None`: `HEALTHCHECK NONE`.
    pub command: Option<CommandForm>,
    /// `--interval`, as written: `30s`.
    pub interval: Option<String>,
    /// `--timeout`.
    pub timeout: Option<String>,
    /// `--start-period`.
    pub start_period: Option<String>,
    /// `--start-interval`.
    pub start_interval: Option<String>,
    /// `--retries`.
    pub retries: Option<String>,
}
