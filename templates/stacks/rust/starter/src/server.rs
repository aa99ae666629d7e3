use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{Config, app};

/// One second below the usual grace period of 10.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(9);

/// Serves until SIGTERM or SIGINT; then refuses new connections and finishes the requests in flight.
///
/// # Errors
///
/// Where the port is taken or the operating system gives no socket.
pub async fn serve(config: &Config) -> io::Result<()> {
    // Before listening: who can reach the service can also stop it.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, config.port)).await?;
    info!(
        env = config.env,
        port = listener.local_addr()?.port(),
        "listening"
    );

    let (stop, stopped) = oneshot::channel();
    let server = axum::serve(listener, app()).with_graceful_shutdown(async move {
        tokio::select! {
            _ = terminate.recv() => info!("shutting down on SIGTERM"),
            _ = interrupt.recv() => info!("shutting down on SIGINT"),
        }
        let _ = stop.send(());
    });
    let overdue = async {
        let _ = stopped.await;
        sleep(SHUTDOWN_TIMEOUT).await;
    };

    tokio::select! {
        result = server => result,
        () = overdue => {
            warn!("connections still open, giving up");
            Ok(())
        }
    }
}
