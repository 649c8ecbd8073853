# The pipeline that writes specs: it proves who it is by its issuer's token, and holds no key of AWS.

resource "aws_iam_openid_connect_provider" "ci" {
  count = var.ci != null && try(var.ci.provider_arn, null) == null ? 1 : 0

  url            = var.ci.issuer_url
  client_id_list = [var.ci.audience]
}

locals {
  ci_provider_arn = var.ci == null ? null : coalesce(var.ci.provider_arn, one(aws_iam_openid_connect_provider.ci[*].arn))
  ci_issuer       = var.ci == null ? "" : trimprefix(var.ci.issuer_url, "https://")
}

data "aws_iam_policy_document" "ci_trust" {
  count = var.ci == null ? 0 : 1

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.ci_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.ci_issuer}:aud"
      values   = [var.ci.audience]
    }

    # Whole subjects, no patterns: a branch of the same name elsewhere is somebody else.
    condition {
      test     = "StringEquals"
      variable = "${local.ci_issuer}:sub"
      values   = var.ci.subjects
    }
  }
}

resource "aws_iam_role" "ci_specs" {
  count = var.ci == null ? 0 : 1

  name                 = "${local.name}-ci-specs"
  description          = "The pipeline that writes specs"
  assume_role_policy   = data.aws_iam_policy_document.ci_trust[0].json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "ci_specs" {
  count = var.ci == null ? 0 : 1

  statement {
    sid       = "WriteSpecs"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${local.bucket_arn}/specs/*"]
  }

  statement {
    sid       = "ListSpecs"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["specs/*"]
    }
  }

  statement {
    sid       = "UseTheBucketsKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.storage.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "ci_specs" {
  count = var.ci == null ? 0 : 1

  name   = "specs"
  role   = aws_iam_role.ci_specs[0].id
  policy = data.aws_iam_policy_document.ci_specs[0].json
}
