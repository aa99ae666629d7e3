use std::env;
use std::str::FromStr;

use tracing_subscriber::filter::LevelFilter;

/// The service's whole configuration, read from environment variables.
#[derive(Debug)]
pub struct Config {
    pub env: String,
    pub log_level: LevelFilter,
    pub port: u16,
}

impl Config {
    /// # Errors
    ///
    /// Names the first variable whose value makes no sense.
    pub fn from_env() -> Result<Self, String> {
        Self::from_lookup(|name| env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        Ok(Self {
            env: lookup("APP_ENV").unwrap_or_else(|| "development".into()),
            log_level: parse("LOG_LEVEL", lookup("LOG_LEVEL"), LevelFilter::INFO)?,
            port: parse("PORT", lookup("PORT"), 8080)?,
        })
    }
}

fn parse<T: FromStr>(name: &str, value: Option<String>, default: T) -> Result<T, String> {
    let Some(value) = value else {
        return Ok(default);
    };
    value
        .parse()
        .map_err(|_| format!("{name} makes no sense: \"{value}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_defaults() {
        let config = Config::from_lookup(|_| None).unwrap();
        assert_eq!(config.env, "development");
        assert_eq!(config.log_level, LevelFilter::INFO);
        assert_eq!(config.port, 8080);
    }

    #[test]
    fn reads_the_environment() {
        let config = Config::from_lookup(|name| match name {
            "PORT" => Some("9000".into()),
            "LOG_LEVEL" => Some("debug".into()),
            _ => None,
        });
        let config = config.unwrap();
        assert_eq!(config.port, 9000);
        assert_eq!(config.log_level, LevelFilter::DEBUG);
    }

    #[test]
    fn refuses_nonsense() {
        for port in ["", "http", "-1", "65536"] {
            let error =
                Config::from_lookup(|name| (name == "PORT").then(|| port.into())).unwrap_err();
            assert_eq!(error, format!("PORT makes no sense: \"{port}\""));
        }
    }
}
