//! A TCP relay between client and hub that can be cut at any moment, in the middle of anything.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
    cut: broadcast::Sender<()>,
}

impl Relay {
    pub(crate) async fn to(hub: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (cut, _) = broadcast::channel(4);
        let cuts = cut.clone();
        let target = Arc::new(Mutex::new(hub));
        let targets = target.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut cut = cuts.subscribe();
                let hub = *targets.lock().expect("no panic while held");
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(hub).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self {
            address,
            target,
            cut,
        }
    }

    /// New connections go to another hub.
    pub(crate) fn turn_to(&self, hub: SocketAddr) {
        *self.target.lock().expect("no panic while held") = hub;
    }

    pub(crate) fn cut(&self) {
        let _ = self.cut.send(());
    }
}
