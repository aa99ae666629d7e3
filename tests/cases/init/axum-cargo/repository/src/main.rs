use std::env;

use axum::{Json, Router, routing::get};
use serde::Serialize;

#[derive(Serialize)]
struct Note {
    text: String,
}

fn notes() -> Vec<Note> {
    ["buy milk", "call home"].map(|text| Note { text: text.to_owned() }).into()
}

#[tokio::main]
async fn main() {
    let app = Router::new()
        .route("/", get(|| async { "Notes are at /notes" }))
        .route("/notes", get(|| async { Json(notes()) }));
    let port = env::var("PORT").unwrap_or_else(|_| "3000".into());
    let listener = tokio::net::TcpListener::bind(format!("0.0.0.0:{port}")).await.unwrap();
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await.unwrap();
}

async fn stopped() {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap().recv().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_notes() {
        assert_eq!(notes().len(), 2);
    }
}
