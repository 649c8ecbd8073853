//! CloudWatch's rules, in memory.
