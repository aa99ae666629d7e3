//! What the service answers, without a network.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use starter_service::app;
use tower::ServiceExt;

async fn get(path: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = app().oneshot(request).await.unwrap();
    let status = response.status();
    (
        status,
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .into(),
    )
}

async fn get_json(path: &str) -> Value {
    let (status, body) = get(path).await;
    assert_eq!(status, StatusCode::OK, "{path}");
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn greets() {
    assert_eq!(
        get_json("/").await,
        json!({ "message": "Hello from starter-service" })
    );
}

#[tokio::test]
async fn is_healthy() {
    assert_eq!(get_json("/healthz").await, json!({ "status": "ok" }));
}

#[tokio::test]
async fn answers_late() {
    let start = Instant::now();
    assert_eq!(get_json("/slow?seconds=0.2").await, json!({ "slept": 0.2 }));
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn refuses_nonsense() {
    for seconds in ["", "soon", "-1", "10.1", "NaN", "inf"] {
        let (status, _) = get(&format!("/slow?seconds={seconds}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{seconds:?}");
    }
}

#[tokio::test]
async fn knows_no_other_path() {
    assert_eq!(get("/nowhere").await.0, StatusCode::NOT_FOUND);
}
