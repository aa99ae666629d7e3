//! What an image is.

use std::collections::{BTreeMap, HashMap};

use bollard::auth::DockerCredentials;
use bollard::models;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::stream::TryStreamExt as _;
use serde::Serialize;

use super::config;
use super::connect::Engine;
use super::failure::{failed, is_missing};
use super::info::Product;
use super::tarball::{self, ByteStream};
use crate::error::{Error, Result};
use crate::spec::{HealthTest, Healthcheck};
use crate::text::ImageName;

/// The part of an image's config that a container takes over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageConfig {
    /// `user`, `uid`, `user:group` or `uid:gid`; empty for root.
    pub user: String,
    /// In order.
    pub env: Vec<(String, String)>,
    /// None and empty are alike.
    pub entrypoint: Vec<String>,
    /// None and empty are alike.
    pub cmd: Vec<String>,
    /// Empty for `/`.
    pub working_dir: String,
    /// By name.
    pub labels: BTreeMap<String, String>,
    /// As `8000/tcp`, sorted.
    pub exposed_ports: Vec<String>,
    /// None if the image says nothing.
    pub healthcheck: Option<Healthcheck>,
    /// Empty for SIGTERM.
    pub stop_signal: String,
    /// Where containers get volumes of their own, sorted.
    pub volumes: Vec<String>,
    /// Instructions for images built from this one.
    pub onbuild: Vec<String>,
    /// The shell of shell-form instructions; empty for the engine's.
    pub shell: Vec<String>,
}

impl ImageConfig {
    /// The value of a variable of the environment.
    #[must_use]
    pub fn env_value(&self, name: &str) -> Option<&str> {
        self.env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn from_engine(config: models::ImageConfig) -> Self {
        let split = |pair: String| match pair.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (pair, String::new()),
        };
        let sorted = |list: Option<Vec<String>>| {
            let mut list = list.unwrap_or_default();
            list.sort();
            list
        };
        Self {
            user: config.user.unwrap_or_default(),
            env: config.env.unwrap_or_default().into_iter().map(split).collect(),
            entrypoint: config.entrypoint.unwrap_or_default(),
            cmd: config.cmd.unwrap_or_default(),
            working_dir: config.working_dir.unwrap_or_default(),
            labels: config.labels.unwrap_or_default().into_iter().collect(),
            exposed_ports: sorted(config.exposed_ports),
            healthcheck: config.healthcheck.and_then(check),
            stop_signal: config.stop_signal.unwrap_or_default(),
            volumes: sorted(config.volumes),
            onbuild: config.on_build.unwrap_or_default(),
            shell: config.shell.unwrap_or_default(),
        }
    }

    pub(super) fn into_engine(self) -> models::ContainerConfig {
        let labels: HashMap<_, _> = self.labels.into_iter().collect();
        models::ContainerConfig {
            user: Some(self.user),
            env: Some(self.env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()),
            entrypoint: Some(self.entrypoint),
            cmd: Some(self.cmd),
            working_dir: Some(self.working_dir),
            labels: Some(labels),
            exposed_ports: Some(self.exposed_ports),
            healthcheck: self.healthcheck.as_ref().map(super::request::healthcheck),
            stop_signal: Some(self.stop_signal),
            volumes: Some(self.volumes),
            on_build: Some(self.onbuild),
            shell: (!self.shell.is_empty()).then_some(self.shell),
            ..Default::default()
        }
    }
}

/// One step of an image's history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HistoryItem {
    /// The instruction, as the builder wrote it down.
    pub created_by: String,
    /// The builder's word on it.
    pub comment: String,
    /// In bytes; 0 also for a step without a layer.
    pub size: u64,
}

/// An image on the engine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageInfo {
    /// The engine's id, `sha256:…`.
    pub id: String,
    /// Its names.
    pub repo_tags: Vec<String>,
    /// Its names by digest, where it came from a registry.
    pub repo_digests: Vec<String>,
    /// The digests of its unpacked layers, lowest first.
    pub layers: Vec<String>,
    /// What containers take over.
    pub config: ImageConfig,
    /// As "amd64".
    pub arch: String,
    /// As "linux".
    pub os: String,
    /// In bytes.
    pub size: u64,
    /// When it was made, in RFC 3339; empty if it does not say.
    pub created: String,
}

impl Engine {
    /// What an image is, by id or name.
    ///
    /// # Errors
    /// When it is not on the engine.
    pub async fn image(&self, reference: &str) -> Result<ImageInfo> {
        let image = self.docker().inspect_image(reference).await;
        let image = image.map_err(|error| failed(format!("cannot inspect image {reference}"), error))?;
        let mut image = describe(image);
        if self.info().product == Product::Podman && image.config.healthcheck.is_none() {
            // Podman tells of it in its own API alone.
            let id = image.id.trim_start_matches("sha256:");
            let own = self.get_json(&format!("/v4.0.0/libpod/images/{id}/json")).await?;
            image.config.healthcheck = serde_json::from_value(own["Healthcheck"].clone()).ok().and_then(check);
        }
        Ok(image)
    }

    /// Whether an image is on the engine.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image_exists(&self, reference: &str) -> Result<bool> {
        match self.docker().inspect_image(reference).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failed(format!("cannot inspect image {reference}"), error)),
        }
    }

    /// Gets an image from its registry, with the user's credentials for it; `hear` is told how far it is.
    ///
    /// # Errors
    /// The registry does not answer or does not have it, in the engine's own words.
    pub async fn pull(&self, reference: &str, platform: Option<&str>, hear: &(dyn Fn(String) + Sync)) -> Result<()> {
        // Without a tag the engine would take all that there are.
        let name = ImageName::of(reference);
        let tag = if name.digest.is_none() && name.tag.is_none() { "latest" } else { "" };
        let options = CreateImageOptionsBuilder::default().from_image(reference).tag(tag);
        let options = options.platform(platform.unwrap_or_default()).build();
        let steps = self.docker().create_image(Some(options), None, credentials(name).await);
        let mut layers: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        let pulled = steps.try_for_each(|step| {
            if let (Some(layer), Some(detail)) = (step.id, step.progress_detail)
                && let (Some(current), Some(total)) = (detail.current, detail.total)
                && total > 0
            {
                layers.insert(layer, (current, total));
                let sum = |of: fn(&(i64, i64)) -> i64| layers.values().map(of).sum::<i64>();
                hear(format!("pulling {reference}: {} %", 100 * sum(|one| one.0) / sum(|one| one.1).max(1)));
            }
            std::future::ready(Ok(()))
        });
        let pulled = pulled.await;
        pulled.map_err(|error| failed(format!("cannot pull the image {reference}"), error))
    }

    /// The digest that an image's registry has under its name, asked with the user's credentials.
    ///
    /// # Errors
    /// The registry does not answer or does not have it, in the engine's own words.
    pub async fn digest(&self, reference: &str) -> Result<String> {
        let credentials = credentials(ImageName::of(reference)).await;
        let asked = self.docker().inspect_registry_image(reference, credentials).await;
        let found = asked.map_err(|error| failed(format!("cannot ask the registry of {reference}"), error))?;
        let none = || Error::engine(format!("the registry of {reference} names no digest"));
        found.descriptor.digest.ok_or_else(none)
    }

    /// How an image was made, oldest step first.
    ///
    /// # Errors
    /// When it is not on the engine.
    pub async fn history(&self, reference: &str) -> Result<Vec<HistoryItem>> {
        let steps = self.docker().image_history(reference).await;
        let steps = steps.map_err(|error| failed(format!("cannot read the history of image {reference}"), error))?;
        let read = |step: models::ImageHistoryResponseItem| HistoryItem {
            created_by: step.created_by,
            comment: step.comment,
            size: step.size.try_into().unwrap_or(0),
        };
        Ok(steps.into_iter().rev().map(read).collect())
    }

    /// An image as an archive of its layers and config, as `docker save` writes it.
    #[must_use]
    pub fn save(&self, reference: &str) -> ByteStream {
        tarball::bytes(self.docker().export_image(reference))
    }
}

/// The user's credentials for an image's registry.
async fn credentials(name: ImageName<'_>) -> Option<DockerCredentials> {
    let (user, secret) = config::credentials(name.registry()).await?;
    let server = DockerCredentials { serveraddress: Some(name.registry().to_owned()), ..DockerCredentials::default() };
    Some(match user.as_str() {
        "" => DockerCredentials { identitytoken: Some(secret), ..server },
        _ => DockerCredentials { username: Some(user), password: Some(secret), ..server },
    })
}

fn check(config: models::HealthConfig) -> Option<Healthcheck> {
    let test = HealthTest::parse(&config.test.unwrap_or_default())?;
    if test == HealthTest::None {
        return Some(Healthcheck { test: Some(test), ..Healthcheck::default() });
    }
    let time =
        |nanos: Option<i64>| Some(std::time::Duration::from_nanos(nanos?.try_into().ok().filter(|nanos| *nanos > 0)?));
    Some(Healthcheck {
        test: Some(test),
        interval: time(config.interval),
        timeout: time(config.timeout),
        retries: config.retries.and_then(|retries| retries.try_into().ok()).filter(|retries| *retries > 0),
        start_period: time(config.start_period),
        start_interval: time(config.start_interval),
    })
}

fn describe(image: models::ImageInspect) -> ImageInfo {
    ImageInfo {
        id: image.id.unwrap_or_default(),
        repo_tags: image.repo_tags.unwrap_or_default(),
        repo_digests: image.repo_digests.unwrap_or_default(),
        layers: image.root_fs.and_then(|root| root.layers).unwrap_or_default(),
        config: ImageConfig::from_engine(image.config.unwrap_or_default()),
        arch: image.architecture.unwrap_or_default(),
        os: image.os.unwrap_or_default(),
        size: image.size.and_then(|size| size.try_into().ok()).unwrap_or(0),
        created: image
            .created
            .and_then(|time| time.format(&time::format_description::well_known::Rfc3339).ok())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_survives_the_way_to_the_engine_and_back() {
        let config = ImageConfig {
            user: "1000:1000".into(),
            env: vec![("A".into(), "x=y".into()), ("B".into(), String::new())],
            cmd: vec!["run".into()],
            healthcheck: Some(Healthcheck {
                test: Some(HealthTest::Exec(vec!["probe".into()])),
                interval: Some(std::time::Duration::from_secs(3)),
                retries: Some(2),
                ..Healthcheck::default()
            }),
            ..Default::default()
        };
        let sent = config.clone().into_engine();
        let back = ImageConfig::from_engine(models::ImageConfig {
            user: sent.user,
            env: sent.env,
            cmd: sent.cmd,
            healthcheck: sent.healthcheck,
            ..Default::default()
        });
        assert_eq!(back, config);
        assert_eq!(back.env_value("A"), Some("x=y"));
    }
}
