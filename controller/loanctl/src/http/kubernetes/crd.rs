//! The custom resource definition that platforms would have on a cluster.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition;
use serde_json::Value;

static CRD: LazyLock<Value> = LazyLock::new(|| {
    schema::generated::crd().unwrap_or_else(|error| {
        tracing::error!(%error, "there is no custom resource definition");
        Value::Null
    })
});

/// The columns that `kubectl get` prints.
pub(super) fn columns() -> Vec<CustomResourceColumnDefinition> {
    let columns = CRD.pointer("/spec/versions/0/additionalPrinterColumns");
    let columns = columns.cloned().unwrap_or_default();
    serde_json::from_value(columns).unwrap_or_else(|error| {
        tracing::error!(%error, "the columns of the custom resource definition cannot be read");
        Vec::new()
    })
}

/// The schema of an object.
pub(super) fn schema() -> Value {
    let schema = CRD.pointer("/spec/versions/0/schema/openAPIV3Schema");
    schema.cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::resource::Resource;
    use super::*;

    #[test]
    fn it_is_of_what_is_served() {
        let names = Resource::Platforms.names();
        assert_eq!(CRD["spec"]["group"], names.group);
        assert_eq!(CRD["spec"]["versions"][0]["name"], names.version);
        assert_eq!(CRD["spec"]["names"]["plural"], names.plural);
        assert_eq!(CRD["spec"]["names"]["singular"], names.singular);
        assert_eq!(CRD["spec"]["names"]["shortNames"], json!(names.short));
        assert_eq!(CRD["spec"]["names"]["categories"], json!(names.categories));
        assert_eq!(CRD["spec"]["scope"], "Namespaced");
    }
}
