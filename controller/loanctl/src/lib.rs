//! loanctl
