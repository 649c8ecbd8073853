# Secrets of the auth service. Their values are put in by a person (docs/aws.md), so that no state holds them. The
# database's secret is RDS's own.

locals {
  auth_secrets = {
    clients     = "Clients of the loan API: a JSON list of {\"id\", \"secretHash\"}"
    signing-key = "Signing keys of the auth service: Ed25519, PKCS#8 PEM, the first one signs"
  }
}

resource "aws_secretsmanager_secret" "auth" {
  # checkov:skip=CKV2_AWS_57:Keys are replaced in steps that a person takes, with tokens in use meanwhile; no function can.
  for_each = local.auth_secrets

  name                    = "${local.name}/auth/${each.key}"
  description             = each.value
  kms_key_id              = aws_kms_key.storage.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 7
}
