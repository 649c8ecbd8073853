//! score-provider
