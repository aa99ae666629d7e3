//! The arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::gate::Trusted;

/// Gives a service its six container roles, and proves on a real engine that each role keeps its promises.
#[derive(Debug, Parser)]
#[command(name = "dockwright", version, about, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 ok, 1 a contract failed, 2 wrong usage or description, 3 no engine, or the \
                        engine failed, 4 inconclusive under --strict, 130 interrupted.")]
pub struct Args {
    /// The project's folder
    #[arg(short = 'C', long, global = true, value_name = "DIR", default_value = ".", env = "DOCKWRIGHT_PROJECT")]
    pub project: PathBuf,
    /// The format of the results
    #[arg(long, global = true, value_enum, default_value_t = FormatArg::Human)]
    pub format: FormatArg,
    /// What to do
    #[command(subcommand)]
    pub command: CliCommand,
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
    /// verify: the events as they happen, one JSON object per line
    Ndjson,
    /// verify: test results in XML, as Jenkins and other CI systems read them
    Junit,
    /// verify: SARIF 2.1.0
    Sarif,
    /// verify: annotations and the job summary of GitHub Actions
    Github,
}

/// `--report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportArg {
    /// `KIND=FILE`.
    File(crate::report::ReportKind, PathBuf),
    /// `github`: for the runner.
    Github,
}

impl std::str::FromStr for ReportArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kinds = "html, json, junit, ndjson and sarif, each with =FILE, and github without";
        let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(file)));
        let kind = match name {
            "html" => crate::report::ReportKind::Html,
            "json" => crate::report::ReportKind::Json,
            "junit" => crate::report::ReportKind::Junit,
            "ndjson" => crate::report::ReportKind::Ndjson,
            "sarif" => crate::report::ReportKind::Sarif,
            "github" if file.is_none() => return Ok(Self::Github),
            "github" => return Err("github takes no file: the report goes to the runner".into()),
            _ => return Err(format!("the kinds are {kinds}")),
        };
        match file {
            Some(file) if !file.is_empty() => Ok(Self::File(kind, file.into())),
            _ => Err(format!("name the file to write: {name}=FILE")),
        }
    }
}

/// `--trust`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustArg {
    /// A kind, or one thing of it.
    One(Trusted),
    /// Nothing, wherever this runs.
    Nothing,
}

impl std::str::FromStr for TrustArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" { Ok(Self::Nothing) } else { text.parse().map(Self::One) }
    }
}

/// What the project may have of the host.
#[derive(Debug, Clone, clap::Args)]
pub struct TrustArgs {
    /// Let the project have what it asks of this host: a kind such as host-folders, or one thing of it, such as
    /// host-variables=TAG; several with commas; `none` refuses all that is asked for, also outside of CI
    #[arg(long, value_name = "KIND[=WHAT]", value_delimiter = ',')]
    pub trust: Vec<TrustArg>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Create a service with all its roles
    New(NewArgs),
    /// Give the repository that is there its roles, or adopt its own Dockerfile
    Init(InitArgs),
    /// Print the files that the description renders to
    Show(ShowArgs),
    /// Build every role on the engine and check its contracts
    Verify(VerifyArgs),
    /// Build the service image
    Build(BuildArgs),
    /// Show which engine is in use and what it can do
    Doctor,
    /// Remove what killed runs left behind on the engine
    Clean(CleanArgs),
    /// Explain what a role or contract promises, how it is checked and how to fix it
    Explain(ExplainArgs),
    /// Lock the external images by digest: in dockwright.lock, and where the files name them
    Pin(PinArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// `dockwright new`.
#[derive(Debug, Clone, clap::Args)]
pub struct NewArgs {
    /// The name of the service and of its folder: lower-case letters, digits and dashes; `.` for the folder that you are in
    /// [on a terminal: asked for]
    pub name: Option<String>,
    /// The stack that the service is written in [on a terminal: asked for]
    #[arg(short, long, value_parser = clap::builder::PossibleValuesParser::new(crate::stacks::starters()))]
    pub stack: Option<String>,
    /// The package manager, if the stack has several
    #[arg(long)]
    pub manager: Option<String>,
    /// One Dockerfile, or one per role
    #[arg(long, value_enum, default_value_t = LayoutArg::Single)]
    pub layout: LayoutArg,
    /// Where the service's code is: in its image, or in a volume that the builder fills
    #[arg(long, value_enum, default_value_t = CodeArg::Image)]
    pub code: CodeArg,
    /// The port that the service listens on [default: the stack's usual port]
    #[arg(long)]
    pub port: Option<u16>,
    /// Leave the dev-tools role out
    #[arg(long)]
    pub no_dev_tools: bool,
    /// The folder in which to create the service's folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub into: PathBuf,
    /// List the files that would be written, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `dockwright init`.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The repository's folder [default: the project's folder]
    #[arg(value_name = "PATH")]
    pub repository: Option<PathBuf>,
    /// Keep the Dockerfile and the compose file that are there, and write in dockwright.toml which role is what of them
    #[arg(long)]
    pub adopt: bool,
    /// The compose service that the description is about, where there are several [default: the likeliest]
    #[arg(long, value_name = "NAME", requires = "adopt")]
    pub service: Option<String>,
    /// Say yourself what a field is, such as port=8080; may be repeated, and beats what is found
    #[arg(long, value_name = "FIELD=VALUE", conflicts_with = "adopt")]
    pub set: Vec<String>,
    /// The stack that the service is written in
    #[arg(short, long, conflicts_with = "adopt")]
    pub stack: Option<String>,
    /// The service's folder in a repository with several
    #[arg(long, value_name = "DIR", conflicts_with = "adopt")]
    pub path: Option<PathBuf>,
    /// Print what would be written, or what is found, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `--layout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayoutArg {
    /// One multi-stage Dockerfile
    Single,
    /// One Dockerfile per role: docker/ROLE.Dockerfile
    PerRole,
}

/// `--code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CodeArg {
    /// In the service's image
    Image,
    /// In a volume that the builder writes to
    Mounted,
}

/// `dockwright show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A file such as compose.yaml, or a role such as dev [default: all files]
    pub what: Option<String>,
    /// Print instead what the files are made from, and for each value where it comes from: the stack, its manager or
    /// framework, the description; of a role, only what is that role's
    #[arg(long)]
    pub origin: bool,
}

/// `dockwright verify`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct VerifyArgs {
    /// The roles and contracts to verify [default: all]
    #[arg(value_name = "ROLE|CONTRACT")]
    pub only: Vec<String>,
    /// Build the images, and check no other contract
    #[arg(long)]
    pub build_only: bool,
    /// Check everything again, also what passed before and has not changed since
    #[arg(long)]
    pub fresh: bool,
    /// Exit with 4 if a contract is inconclusive and none failed
    #[arg(long)]
    pub strict: bool,
    /// Print the evidence of what passed, too
    #[arg(short, long)]
    pub verbose: bool,
    /// Also write a report: html, json, junit, ndjson or sarif, or `github` without a file; may be repeated
    #[arg(long, value_name = "KIND=FILE")]
    pub report: Vec<ReportArg>,
    /// What the project may have of this host
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// `dockwright build`.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    /// How the build gets the source
    #[arg(long, value_enum, default_value_t = SourceArg::Copy)]
    pub source: SourceArg,
    /// What the project may have of this host
    #[command(flatten)]
    pub trust: TrustArgs,
    /// The image's name [default: NAME:latest]
    #[arg(short, long)]
    pub tag: Option<String>,
    /// Report what would be built, and build nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `--source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SourceArg {
    /// Copy it in while the image is built
    Copy,
    /// Mount it into a running builder, and inject the result into the service image
    Mount,
}

/// `dockwright clean`.
#[derive(Debug, clap::Args)]
pub struct CleanArgs {
    /// Also remove what running dockwrights and other hosts made
    #[arg(long)]
    pub all: bool,
    /// List what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `dockwright explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A role such as dev, or a contract such as dev.reload [default: a list of all]
    pub what: Option<String>,
}

/// `dockwright pin`.
#[derive(Debug, clap::Args)]
pub struct PinArgs {
    /// Write nothing; exit with 1 if an image is not locked, or its registry has another one of that name by now
    #[arg(long)]
    pub check: bool,
    /// Report what would be locked, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `dockwright completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}
