//! Where the database is, and how the service logs in.

mod iam;
mod login;
mod pool;

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

pub use iam::IamUser;
pub use login::Login;
pub(crate) use pool::{MAX_LIFETIME, Pool};

/// PostgreSQL's port.
const PORT: u16 = 5432;

/// Where the database is: either its address in one piece, or in pieces, as ECS puts it together. Then TLS is required.
#[derive(Args, Clone, Default)]
pub struct DatabaseArgs {
    /// Address of the database: `postgres://user:password@host:port/loans_db`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Host of the database, instead of its whole address; the certificate must be for it.
    #[arg(long, env = "LOAN_DATABASE_HOST")]
    pub database_host: Option<String>,
    /// Port on that host; 5432 when not given.
    #[arg(long, env = "LOAN_DATABASE_PORT")]
    pub database_port: Option<u16>,
    /// Name of the database on that host.
    #[arg(long, env = "LOAN_DATABASE_NAME")]
    pub database_name: Option<String>,
    /// User with a password. A password that is rotated reaches the service when its task is replaced.
    #[arg(long, env = "LOAN_DATABASE_USER", hide_env_values = true)]
    pub database_user: Option<String>,
    /// The user's password. For the environment: everybody on a machine can read a command line.
    #[arg(long, env = "LOAN_DATABASE_PASSWORD", hide_env_values = true)]
    pub database_password: Option<String>,
    /// User who logs in with the task's role (IAM authentication), instead of one with a password.
    #[arg(long, env = "LOAN_DATABASE_IAM_USER")]
    pub database_iam_user: Option<String>,
    /// Certificates (PEM) of whoever may have signed the host's, besides public authorities. RDS signs its own: its
    /// bundle has to be in the image.
    #[arg(long, env = "LOAN_DATABASE_CA_FILE")]
    pub database_ca_file: Option<PathBuf>,
    /// Connections to it at most.
    #[arg(long, env = "LOAN_DATABASE_CONNECTIONS", default_value_t = 10)]
    pub database_connections: u32,
}

/// A database, ready to be connected to.
#[derive(Clone)]
pub struct Database {
    pub(crate) options: PgConnectOptions,
    pub(crate) connections: u32,
    /// Who logs in with tokens instead of a password.
    pub(crate) iam_user: Option<IamUser>,
}

/// Why the variables name no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No variable at all.
    #[error("set DATABASE_URL, or LOAN_DATABASE_HOST, LOAN_DATABASE_NAME and a user")]
    Absent,
    /// Both ways at once.
    #[error("DATABASE_URL and {0} are both set: remove one")]
    Mixed(&'static str),
    /// A piece is missing.
    #[error("with {given} set, {missing} must be set too")]
    Missing {
        /// What is there.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// Nobody, or two at once, to log in as.
    #[error(
        "set either LOAN_DATABASE_USER and LOAN_DATABASE_PASSWORD, or LOAN_DATABASE_IAM_USER, and not both"
    )]
    Login,
    /// The address cannot be read.
    #[error("DATABASE_URL is not an address of a database: {0}")]
    Address(#[source] sqlx::Error),
    /// The certificates cannot be read.
    #[error("LOAN_DATABASE_CA_FILE: {} cannot be read: {source}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The certificates are none.
    #[error("LOAN_DATABASE_CA_FILE: {} has no certificates in PEM", .0.display())]
    NoCertificates(PathBuf),
}

impl Database {
    /// The database that `args` name; `region` is the task's, for IAM authentication. Reads the file with certificates.
    ///
    /// # Errors
    /// When the variables contradict each other, or one is missing: it is named.
    pub fn new(args: &DatabaseArgs, region: Option<String>) -> Result<Self, DatabaseError> {
        let piece = first_piece(args);
        let (options, iam_user) = match (&args.database_url, piece) {
            (None, None) => return Err(DatabaseError::Absent),
            (Some(_), Some(piece)) => return Err(DatabaseError::Mixed(piece)),
            (Some(url), None) => (url.parse().map_err(DatabaseError::Address)?, None),
            (None, Some(piece)) => put_together(args, piece, region)?,
        };
        Ok(Self {
            options,
            connections: args.database_connections.max(1),
            iam_user,
        })
    }
}

/// Name of the first piece of an address that is set.
fn first_piece(args: &DatabaseArgs) -> Option<&'static str> {
    [
        ("LOAN_DATABASE_HOST", args.database_host.is_some()),
        ("LOAN_DATABASE_PORT", args.database_port.is_some()),
        ("LOAN_DATABASE_NAME", args.database_name.is_some()),
        ("LOAN_DATABASE_USER", args.database_user.is_some()),
        ("LOAN_DATABASE_PASSWORD", args.database_password.is_some()),
        ("LOAN_DATABASE_IAM_USER", args.database_iam_user.is_some()),
        ("LOAN_DATABASE_CA_FILE", args.database_ca_file.is_some()),
    ]
    .into_iter()
    .find_map(|(name, is_set)| is_set.then_some(name))
}

fn put_together(
    args: &DatabaseArgs,
    given: &'static str,
    region: Option<String>,
) -> Result<(PgConnectOptions, Option<IamUser>), DatabaseError> {
    let missing = |missing| DatabaseError::Missing { given, missing };
    let host = args.database_host.as_ref();
    let host = host.ok_or_else(|| missing("LOAN_DATABASE_HOST"))?;
    let name = args.database_name.as_ref();
    let name = name.ok_or_else(|| missing("LOAN_DATABASE_NAME"))?;
    let port = args.database_port.unwrap_or(PORT);
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(host)
        .port(port)
        .database(name)
        .ssl_mode(PgSslMode::VerifyFull);
    if let Some(path) = &args.database_ca_file {
        options = options.ssl_root_cert_from_pem(certificates(path)?);
    }
    let (user, password) = (&args.database_user, &args.database_password);
    match (user, password, &args.database_iam_user) {
        (Some(user), Some(password), None) => Ok((options.username(user).password(password), None)),
        (None, None, Some(user)) => {
            let iam_user = IamUser {
                name: user.clone(),
                host: host.clone(),
                port,
                region: region.ok_or(DatabaseError::Missing {
                    given: "LOAN_DATABASE_IAM_USER",
                    missing: "AWS_REGION",
                })?,
            };
            Ok((options.username(user), Some(iam_user)))
        }
        _ => Err(DatabaseError::Login),
    }
}

/// Read at start: a file that is missing would else look like a database that is away.
fn certificates(path: &Path) -> Result<Vec<u8>, DatabaseError> {
    let pem = fs::read(path).map_err(|source| DatabaseError::Certificates {
        path: path.to_owned(),
        source,
    })?;
    if String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        Ok(pem)
    } else {
        Err(DatabaseError::NoCertificates(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgres://someone:hidden@db.example:5433/loans_db";

    /// The database that variables with these values name.
    fn named(variables: &[(&str, &str)]) -> Result<Database, DatabaseError> {
        let value = |name: &str| {
            let found = variables.iter().find(|(given, _)| *given == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let args = DatabaseArgs {
            database_url: value("DATABASE_URL"),
            database_host: value("HOST"),
            database_port: value("PORT").map(|port| port.parse().unwrap()),
            database_name: value("NAME"),
            database_user: value("USER"),
            database_password: value("PASSWORD"),
            database_iam_user: value("IAM_USER"),
            database_ca_file: value("CA_FILE").map(PathBuf::from),
            database_connections: 10,
        };
        Database::new(&args, value("AWS_REGION"))
    }

    #[test]
    fn an_address_in_one_piece_is_taken_as_it_is() {
        let options = named(&[("DATABASE_URL", URL)]).unwrap().options;
        assert_eq!(options.get_host(), "db.example");
        assert_eq!(options.get_port(), 5433);
        assert!(matches!(options.get_ssl_mode(), PgSslMode::Prefer));
    }

    #[test]
    fn an_address_in_pieces_requires_tls_with_a_certificate_for_the_host() {
        let login = [("USER", "loan_api"), ("PASSWORD", "hidden")];
        for (port, expected) in [(None, 5432), (Some(("PORT", "5433")), 5433)] {
            let mut variables = vec![("HOST", "db.example"), ("NAME", "loans_db")];
            variables.extend(login);
            variables.extend(port);
            let database = named(&variables).unwrap();
            let options = database.options;
            assert_eq!(options.get_host(), "db.example");
            assert_eq!(options.get_port(), expected);
            assert_eq!(options.get_database(), Some("loans_db"));
            assert_eq!(options.get_username(), "loan_api");
            assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
            assert_eq!(database.iam_user, None);
        }
    }

    #[test]
    fn an_iam_user_logs_in_from_the_region_of_the_task() {
        let database = named(&[
            ("HOST", "db.example"),
            ("NAME", "loans_db"),
            ("IAM_USER", "loan_api"),
            ("AWS_REGION", "eu-central-1"),
        ])
        .unwrap();
        assert_eq!(database.options.get_username(), "loan_api");
        assert!(matches!(
            database.options.get_ssl_mode(),
            PgSslMode::VerifyFull
        ));
        assert_eq!(
            database.iam_user,
            Some(IamUser {
                name: "loan_api".to_owned(),
                host: "db.example".to_owned(),
                port: 5432,
                region: "eu-central-1".to_owned(),
            })
        );
    }

    #[test]
    fn what_does_not_fit_together_is_named() {
        let (host, name) = (("HOST", "db.example"), ("NAME", "loans_db"));
        let (user, password) = (("USER", "loan_api"), ("PASSWORD", "hidden"));
        let iam = ("IAM_USER", "loan_api");
        let login = "set either LOAN_DATABASE_USER and LOAN_DATABASE_PASSWORD, or LOAN_DATABASE_IAM_USER, and \
                     not both";
        for (variables, error) in [
            (
                vec![],
                "set DATABASE_URL, or LOAN_DATABASE_HOST, LOAN_DATABASE_NAME and a user",
            ),
            (
                vec![("DATABASE_URL", URL), password],
                "DATABASE_URL and LOAN_DATABASE_PASSWORD are both set: remove one",
            ),
            (
                vec![host, user, password],
                "with LOAN_DATABASE_HOST set, LOAN_DATABASE_NAME must be set too",
            ),
            (
                vec![iam],
                "with LOAN_DATABASE_IAM_USER set, LOAN_DATABASE_HOST must be set too",
            ),
            (
                vec![host, name, iam],
                "with LOAN_DATABASE_IAM_USER set, AWS_REGION must be set too",
            ),
            (vec![host, name], login),
            (vec![host, name, user], login),
            (vec![host, name, password], login),
            (vec![host, name, user, password, iam], login),
            (vec![host, name, password, iam], login),
            (
                vec![host, name, user, password, ("CA_FILE", "/nowhere/ca.pem")],
                "LOAN_DATABASE_CA_FILE: /nowhere/ca.pem cannot be read: No such file or directory (os error 2)",
            ),
            (
                vec![host, name, user, password, ("CA_FILE", "/dev/null")],
                "LOAN_DATABASE_CA_FILE: /dev/null has no certificates in PEM",
            ),
        ] {
            let refused = named(&variables).err().map(|error| error.to_string());
            assert_eq!(refused.as_deref(), Some(error), "{variables:?}");
        }
    }
}
