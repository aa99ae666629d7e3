use std::time::{Duration, Instant};

use axum::extract::{Query, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

pub fn app() -> Router {
    Router::new()
        .route("/", get(greeting))
        .route("/slow", get(slow))
        .layer(middleware::from_fn(access_log))
        // Below the access log's layer: probes come every few seconds.
        .route("/healthz", get(healthz))
}

async fn greeting() -> Json<Value> {
    Json(json!({ "message": "Hello from starter-service" }))
}

async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

#[derive(Deserialize)]
struct Slow {
    #[serde(default = "two_seconds")]
    seconds: f64,
}

fn two_seconds() -> f64 {
    2.0
}

/// Answers late, to watch a shutdown wait for it.
async fn slow(
    Query(Slow { seconds }): Query<Slow>,
) -> Result<Json<Value>, (StatusCode, &'static str)> {
    if !(0.0..=10.0).contains(&seconds) {
        return Err((StatusCode::BAD_REQUEST, "seconds must be between 0 and 10"));
    }
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    Ok(Json(json!({ "slept": seconds })))
}

async fn access_log(request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    info!(%method, path, status, seconds = start.elapsed().as_secs_f64(), "request");
    response
}
