use std::env;
use std::error::Error;
use std::process::ExitCode;

use starter_service::{Config, healthcheck, serve};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    match env::args().nth(1).as_deref() {
        None => Ok(start(&config)?),
        Some("healthcheck") => Ok(healthcheck(config.port)?),
        Some(other) => Err(format!("unknown command \"{other}\"").into()),
    }
}

#[tokio::main]
async fn start(config: &Config) -> std::io::Result<()> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(config.log_level)
        .init();
    serve(config).await
}
