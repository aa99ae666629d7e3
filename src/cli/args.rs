//! The arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Gives a service its six container roles, and proves on a real engine that each does what its role promises.
#[derive(Debug, Parser)]
#[command(name = "dockwright", version, about, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 ok, 1 a contract failed, 2 usage or description, 3 no engine or it failed, \
                        4 inconclusive under --strict, 130 interrupted.")]
pub struct Args {
    /// The project's folder
    #[arg(short = 'C', long, global = true, value_name = "DIR", default_value = ".", env = "DOCKWRIGHT_PROJECT")]
    pub project: PathBuf,
    /// How results are written
    #[arg(long, global = true, value_enum, default_value_t = FormatArg::Human)]
    pub format: FormatArg,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// Whether results are to be JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        self.format == FormatArg::Json
    }
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// For people
    Human,
    /// One JSON document on stdout
    Json,
    /// verify: the events as they happen, a JSON object to a line
    Ndjson,
    /// verify: XML as Jenkins reads it of test runners
    Junit,
    /// verify: SARIF 2.1.0
    Sarif,
    /// verify: annotations of GitHub Actions, and the job's summary
    Github,
}

/// `--report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportArg {
    /// `KIND=FILE`.
    File(crate::report::Kind, PathBuf),
    /// `github`: to the runner.
    Github,
}

impl std::str::FromStr for ReportArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kinds = "html, json, junit, ndjson or sarif, with =FILE, or github";
        let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(file)));
        let kind = match name {
            "html" => crate::report::Kind::Html,
            "json" => crate::report::Kind::Json,
            "junit" => crate::report::Kind::Junit,
            "ndjson" => crate::report::Kind::Ndjson,
            "sarif" => crate::report::Kind::Sarif,
            "github" if file.is_none() => return Ok(Self::Github),
            "github" => return Err("github takes no file: it writes for the runner".into()),
            _ => return Err(format!("the kinds are {kinds}")),
        };
        match file {
            Some(file) if !file.is_empty() => Ok(Self::File(kind, file.into())),
            _ => Err(format!("name the file to write, as in {name}=FILE")),
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new service with all its roles
    New(NewArgs),
    /// Print what would be written
    Show(ShowArgs),
    /// Build every role on the engine and check the contracts
    Verify(VerifyArgs),
    /// Build the service image
    Build(BuildArgs),
    /// Say what the engine is and can do
    Doctor,
    /// Remove what killed runs left on the engine
    Clean(CleanArgs),
    /// Say what a role or contract promises, how that is checked and how to mend it
    Explain(ExplainArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// `dockwright new`.
#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// The service's name, and its folder's: lower-case letters, digits and dashes
    pub name: String,
    /// The stack
    #[arg(short, long, value_parser = clap::builder::PossibleValuesParser::new(crate::stacks::NAMES.iter().copied()))]
    pub stack: String,
    /// The package manager, where the stack has several
    #[arg(long)]
    pub manager: Option<String>,
    /// One Dockerfile, or one per role
    #[arg(long, value_enum, default_value_t = LayoutArg::Single)]
    pub layout: LayoutArg,
    /// Where the service's code is: in its image, or mounted from the builder's output
    #[arg(long, value_enum, default_value_t = CodeArg::Image)]
    pub code: CodeArg,
    /// The port that the service listens on [default: the stack's]
    #[arg(long)]
    pub port: Option<u16>,
    /// Leave out the dev-tools role
    #[arg(long)]
    pub no_dev_tools: bool,
    /// The folder to make the service's folder in
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub into: PathBuf,
    /// Say what would be written, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `--layout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayoutArg {
    /// One multi-stage Dockerfile
    Single,
    /// docker/ROLE.Dockerfile
    PerRole,
}

/// `--code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CodeArg {
    /// In the service's image
    Image,
    /// In the volume that the builder writes to
    Mounted,
}

/// `dockwright show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A file as compose.yaml, or a role as dev; all files if left out
    pub what: Option<String>,
}

/// `dockwright verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Roles and contracts to look at; all if left out
    #[arg(value_name = "ROLE|CONTRACT")]
    pub only: Vec<String>,
    /// Build the images, and check nothing else
    #[arg(long)]
    pub build_only: bool,
    /// Look at all again, also at what passed before and has not changed since
    #[arg(long)]
    pub fresh: bool,
    /// Exit with 4 if something could not be seen
    #[arg(long)]
    pub strict: bool,
    /// Write a report, too: html, json, junit, ndjson, sarif; or `github`. Can be given several times
    #[arg(long, value_name = "KIND=FILE")]
    pub report: Vec<ReportArg>,
}

/// `dockwright build`.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    /// Copy the source into the build, or mount it into a running builder and inject what it makes
    #[arg(long, value_enum, default_value_t = SourceArg::Copy)]
    pub source: SourceArg,
    /// The image's name [default: NAME:latest]
    #[arg(short, long)]
    pub tag: Option<String>,
    /// Say what would be built, and build nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `--source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SourceArg {
    /// The source is copied in while the image is built
    Copy,
    /// The source is mounted into a running builder
    Mount,
}

/// `dockwright clean`.
#[derive(Debug, clap::Args)]
pub struct CleanArgs {
    /// Also what running dockwrights and other hosts made
    #[arg(long)]
    pub all: bool,
    /// Say what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `dockwright explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A role as dev, or a contract as dev.reload; the list of both if left out
    pub what: Option<String>,
}

/// `dockwright completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}
