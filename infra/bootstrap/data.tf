data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_availability_zones" "available" {
  # checkov:skip=CKV_AWS_394:The first two by name are taken, and zones that are added come after those that are there.
  state = "available"

  # Local zones and wavelength zones have no Fargate and no Aurora.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

# The role behind the session that runs Terraform: the one writer of bootstrap/ where none is named.
data "aws_iam_session_context" "current" {
  arn = data.aws_caller_identity.current.arn
}
