//! IAM authentication: a token signed with the task's credentials takes the place of a password.
//!
//! The token is the address of a request that nobody sends: `GET https://HOST:PORT/?Action=connect&DBUser=USER`, presigned
//! by Signature Version 4 for the service `rds-db`. Signing takes no call. Sources: "Connecting to your DB cluster using
//! IAM authentication" in the Amazon Aurora User Guide; "Create a signed AWS API request" in the IAM User Guide.

use aws_lc_rs::{digest, hmac};
use jiff::Timestamp;
use service_kit::aws::AwsCredential;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "rds-db";
/// Seconds that a token is good for; RDS takes no other value.
const LIFETIME_SECONDS: &str = "900";

/// A user of a database who logs in by the role of the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamUser {
    /// Name of the user.
    pub name: String,
    /// Host of the database, as the cluster names it: it is part of what is signed.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Region of the database.
    pub region: String,
}

impl IamUser {
    /// A token for logins within the 15 minutes from `now`, and while `credential` lasts.
    #[must_use]
    pub fn token(&self, credential: &AwsCredential, now: Timestamp) -> String {
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let date = now.strftime("%Y%m%d").to_string();
        let scope = format!("{date}/{}/{SERVICE}/aws4_request", self.region);
        let query = self.query(credential, &time, &scope);
        let host = format!("{}:{}", self.host, self.port);
        let empty = sha256("");
        let request = format!("GET\n/\n{query}\nhost:{host}\n\nhost\n{empty}");
        let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(&request));
        let secret = format!("AWS4{}", credential.secret_key).into_bytes();
        let key = [&date, self.region.as_str(), SERVICE, "aws4_request"]
            .iter()
            .fold(secret, |key, part| sign(&key, part));
        let signature = hex::encode(sign(&key, &to_sign));
        format!("{host}/?{query}&X-Amz-Signature={signature}")
    }

    /// The query that is signed, its parameters in the order of their names.
    fn query(&self, credential: &AwsCredential, time: &str, scope: &str) -> String {
        let key = format!("{}/{scope}", credential.key_id);
        let session = credential.token.as_deref();
        [
            ("Action", Some("connect")),
            ("DBUser", Some(&self.name)),
            ("X-Amz-Algorithm", Some(ALGORITHM)),
            ("X-Amz-Credential", Some(&key)),
            ("X-Amz-Date", Some(time)),
            ("X-Amz-Expires", Some(LIFETIME_SECONDS)),
            ("X-Amz-Security-Token", session),
            ("X-Amz-SignedHeaders", Some("host")),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encoded(value?))))
        .collect::<Vec<_>>()
        .join("&")
    }
}

fn sha256(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

/// `text` with everything encoded but what RFC 3986 calls unreserved, as signatures ask for.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, SystemTime};

    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{
        SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
    };
    use aws_sigv4::sign::v4::SigningParams;
    use url::Url;

    use super::*;

    /// The token of AWS's own signer, as the Aurora User Guide makes it.
    fn by_aws(user: &IamUser, credential: &AwsCredential, now: SystemTime) -> Url {
        let credentials = Credentials::new(
            &credential.key_id,
            &credential.secret_key,
            credential.token.clone(),
            None,
            "test",
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.expires_in = Some(Duration::from_secs(900));
        settings.signature_location = SignatureLocation::QueryParams;
        let params = SigningParams::builder()
            .identity(&credentials)
            .region(&user.region)
            .name("rds-db")
            .time(now)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let url = format!(
            "https://{}:{}/?Action=connect&DBUser={}",
            user.host, user.port, user.name
        );
        let request =
            SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]));
        let signed = sign(request.unwrap(), &params).unwrap();
        let mut url: Url = url.parse().unwrap();
        for (name, value) in signed.output().params() {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    fn parameters(url: &Url) -> BTreeMap<String, String> {
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn a_token_is_what_the_signer_of_aws_makes() {
        let now = Timestamp::from_second(1_795_420_800).unwrap();
        for (name, session) in [
            ("loan_api", None),
            ("loan_api", Some("IQoJb3JpZ2luX2Vj//8+EXAMPLE/TOKEN==")),
            ("loan-api.reader~1", Some("short")),
        ] {
            let user = IamUser {
                name: name.to_owned(),
                host: "dev.cluster-abc.eu-central-1.rds.amazonaws.com".to_owned(),
                port: 5432,
                region: "eu-central-1".to_owned(),
            };
            let credential = AwsCredential {
                key_id: "AKIDEXAMPLE".to_owned(),
                secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
                token: session.map(str::to_owned),
            };
            let token = user.token(&credential, now);
            let ours: Url = format!("https://{token}").parse().unwrap();
            let theirs = by_aws(&user, &credential, now.into());
            assert_eq!(parameters(&ours), parameters(&theirs), "{name} {session:?}");
            assert!(token.starts_with(
                "dev.cluster-abc.eu-central-1.rds.amazonaws.com:5432/?Action=connect&"
            ));
        }
    }

    #[test]
    fn a_name_that_needs_encoding_is_encoded_once() {
        assert_eq!(encoded("a b/c+d=é~"), "a%20b%2Fc%2Bd%3D%C3%A9~");
    }
}
