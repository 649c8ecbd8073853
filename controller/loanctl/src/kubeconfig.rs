//! A kubeconfig: how kubectl finds a controller, and what it shows it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use engine::specs::NAMESPACE;
use serde_json::json;

/// Cluster, user and context have one name.
const NAME: &str = "loan";
/// Whose it is may read and write it: there may be a token in it.
const MODE: u32 = 0o600;

/// The kubeconfig of the controller whose port is at `address`: in JSON, which is YAML, too.
pub(crate) fn of(address: SocketAddr, token: Option<&str>) -> String {
    let credentials = token.map_or_else(|| json!({}), |token| json!({ "token": token }));
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": NAME, "cluster": { "server": format!("http://{}", reachable(address)) } }],
        "users": [{ "name": NAME, "user": credentials }],
        "contexts": [{
            "name": NAME,
            "context": { "cluster": NAME, "user": NAME, "namespace": NAMESPACE },
        }],
        "current-context": NAME,
    });
    format!("{config:#}\n")
}

/// Writes a kubeconfig whole: a reader sees the old one or the new one.
pub(crate) fn write(path: &Path, config: &str) -> io::Result<()> {
    let temporary = path.with_added_extension("new");
    let mut options = OpenOptions::new();
    // Made anew: one that lay there might be readable to others, or lead elsewhere.
    options.write(true).create_new(true).mode(MODE);
    if let Err(error) = fs::remove_file(&temporary)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = options.open(&temporary)?;
    file.write_all(config.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

/// The address at which this machine reaches a port that listens at `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::Value;

    use super::*;

    fn config(address: &str, token: Option<&str>) -> Value {
        serde_json::from_str(&of(address.parse().unwrap(), token)).unwrap()
    }

    #[test]
    fn it_leads_to_the_port_from_the_machine_that_it_is_on() {
        for (listens, server) in [
            ("127.0.0.1:9090", "http://127.0.0.1:9090"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:9090", "http://[::1]:9090"),
            ("10.0.0.7:9090", "http://10.0.0.7:9090"),
        ] {
            assert_eq!(
                config(listens, None)["clusters"][0]["cluster"]["server"],
                server
            );
        }
    }

    #[test]
    fn the_token_is_in_it_where_there_is_one() {
        assert_eq!(
            config("127.0.0.1:1", Some("a\"b"))["users"][0]["user"],
            json!({ "token": "a\"b" })
        );
        assert_eq!(config("127.0.0.1:1", None)["users"][0]["user"], json!({}));
    }

    #[test]
    fn nobody_else_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kubeconfig");
        for text in ["old", "new"] {
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            MODE
        );
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    }
}
