//! A client gets a real decision out of a real database.

use serde_json::Value;

use crate::database::{self, Stored};
use crate::laptop::Laptop;
use crate::load::Client;
use crate::spec::Spec;

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_stands_in_the_database_as_it_was_answered() {
    let laptop = Laptop::with(&Spec::new()).await;
    let client = Client::new(&laptop.endpoint()).await;

    for user in ["ada", "grace", "edsger", "barbara", "donald", "alan"] {
        let (status, answer) = client.apply(user).await.unwrap();

        assert_eq!(status, 200, "{answer}");
        let id = answer["applicationId"].as_str().expect("an id");
        assert!(id.starts_with("app-"), "{answer}");
        let stored = database::application(&laptop, "loans_db", id).await;
        assert_eq!(stored, Some(answered(&answer, user)), "{answer}");
    }
}

/// What must be stored after `answer` to an application of `user`.
fn answered(answer: &Value, user: &str) -> Stored {
    Stored {
        status: answer["status"].as_str().expect("a status").to_owned(),
        interest_rate: answer["interestRate"]
            .as_f64()
            .map(|rate| format!("{rate:.2}")),
        user_id: user.to_owned(),
    }
}
