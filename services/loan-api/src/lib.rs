//! loan-api
