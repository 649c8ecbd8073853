//! The custom resource definition, as `kubectl apply` takes it.

use kube::CustomResourceExt;
use serde_json::Value;

use super::GenerateError;
use crate::platform::LoanPlatform;

/// Number formats that the Kubernetes API server knows; it warns about others.
///
/// Source: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions", supported formats.
const KNOWN_FORMATS: [&str; 6] = ["int32", "int64", "float", "double", "date", "date-time"];

/// The CRD of [`LoanPlatform`] as YAML.
///
/// # Errors
/// When it cannot be serialised, which would be a mistake in the types.
pub fn crd_yaml() -> Result<String, GenerateError> {
    Ok(serde_saphyr::to_string(&crd()?)?)
}

/// The CRD of [`LoanPlatform`].
///
/// # Errors
/// When it cannot be serialised, which would be a mistake in the types.
pub fn crd() -> Result<Value, GenerateError> {
    let mut crd = serde_json::to_value(LoanPlatform::crd())?;
    make_structural(&mut crd);
    crd.sort_all_objects();
    Ok(crd)
}

/// Takes out what a structural schema may not have: keywords of our own and unknown formats.
fn make_structural(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(make_structural),
        Value::Object(object) => {
            object.retain(|key, value| match key.as_str() {
                "format" => value
                    .as_str()
                    .is_none_or(|name| KNOWN_FORMATS.contains(&name)),
                _ => !key.starts_with("x-") || key.starts_with("x-kubernetes-"),
            });
            object.values_mut().for_each(make_structural);
        }
        _ => {}
    }
}
