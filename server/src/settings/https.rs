//! `[https]`: the door for pages and APIs.

use std::net::SocketAddr;

use axum::http::Uri;
use lens_runtime::config::Complaint;
use lens_runtime::door::DoorSettings;
use lens_runtime::tls::TlsSettings;
use serde::{Deserialize, Serialize};

/// Where pages and APIs are served, and under which name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpsSettings {
    /// Address and TCP port. `[::]` takes IPv4 too.
    pub listen: SocketAddr,
    /// The address customers see, such as `https://help.example.com`. Without it links name this
    /// machine.
    pub public_url: Option<String>,
    /// The certificate.
    pub tls: TlsSettings,
    /// Limits.
    pub limits: DoorSettings,
}

impl Default for HttpsSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0; 16], 8443)),
            public_url: None,
            tls: TlsSettings::default(),
            limits: DoorSettings::default(),
        }
    }
}

impl HttpsSettings {
    pub(super) fn check(&self) -> Vec<Complaint> {
        let Some(text) = &self.public_url else {
            return Vec::new();
        };
        let sound = text.parse::<Uri>().is_ok_and(|url| {
            let bare = url.path_and_query().is_none_or(|path| path.as_str() == "/");
            url.scheme_str() == Some("https") && url.host().is_some() && bare
        });
        if sound {
            return Vec::new();
        }
        let sentence = "expected https, a host and perhaps a port: https://help.example.com";
        vec![Complaint::new("https.public_url", sentence)]
    }

    /// The origin customers see, without a trailing slash, when the door is bound at `bound`.
    pub fn origin(&self, bound: SocketAddr) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let port = bound.port();
        let ip = bound.ip().to_canonical();
        let host = if ip.is_unspecified() || ip.is_loopback() && ip.is_ipv6() {
            "localhost".to_owned()
        } else {
            SocketAddr::new(ip, port).to_string()
        };
        match (host.as_str(), port) {
            ("localhost", 443) => "https://localhost".to_owned(),
            ("localhost", port) => format!("https://localhost:{port}"),
            (host, _) => format!("https://{}", host.strip_suffix(":443").unwrap_or(host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(bound: &str) -> String {
        HttpsSettings::default().origin(bound.parse().expect("an address"))
    }

    #[test]
    fn without_a_public_name_links_name_this_machine() {
        assert_eq!(origin("[::]:8443"), "https://localhost:8443");
        assert_eq!(origin("0.0.0.0:443"), "https://localhost");
        assert_eq!(origin("127.0.0.1:9000"), "https://127.0.0.1:9000");
        assert_eq!(origin("[2001:db8::1]:443"), "https://[2001:db8::1]");
    }

    #[test]
    fn a_public_url_is_an_https_origin() {
        for (url, sound) in [
            ("https://help.example.com", true),
            ("https://help.example.com:8443/", true),
            ("http://help.example.com", false),
            ("https://help.example.com/lens", false),
            ("help.example.com", false),
        ] {
            let settings = HttpsSettings {
                public_url: Some(url.into()),
                ..Default::default()
            };
            assert_eq!(settings.check().is_empty(), sound, "{url}");
        }
    }
}
