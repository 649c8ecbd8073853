"""A stand-in for the provider hashicorp/aws: the real schema, and an account that exists in memory only.

Terraform talks to it as to any provider (TF_REATTACH_PROVIDERS), so that its own `validate`, `test`, `plan` and `apply`
run without the provider's program and without an account. It knows names, types and flags; what AWS or the real
provider would refuse beyond these, it accepts.
"""
