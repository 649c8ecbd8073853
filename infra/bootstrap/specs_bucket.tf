# The bucket that is the controller's API and memory. Each prefix has one writer, and the bucket itself sees to it:
#
#   specs/      people's pipeline            settings/, state/, lease/, cache/   the controller
#   bootstrap/  whoever runs this module

locals {
  # What the controller writes, on condition of what was there before. Sources: controller/engine, controller/aws.
  controller_prefixes = ["settings/", "state/", "lease/", "cache/"]

  controller_role = aws_iam_role.task["controller"].arn
  terraform_roles = length(var.terraform_role_arns) > 0 ? var.terraform_role_arns : [data.aws_iam_session_context.current.issuer_arn]

  # Without a pipeline, specs are put by those who run this module.
  spec_writers = var.ci == null ? local.terraform_roles : [aws_iam_role.ci_specs[0].arn]

  # Who alone may write which keys, by the name of its statement.
  writers = {
    SpecsArePeoples = { keys = ["specs/*.yaml", "specs/*.yml"], roles = local.spec_writers }
    # `loanctl verify` makes and removes specs/.verify, to see whether the queue tells of it.
    SpecsBesideVerify    = { keys = ["specs/*"], roles = concat(local.spec_writers, [local.controller_role]) }
    StateIsControllers   = { keys = [for prefix in local.controller_prefixes : "${prefix}*"], roles = [local.controller_role] }
    BootstrapIsTerraform = { keys = ["bootstrap/*"], roles = local.terraform_roles }
  }
}

resource "aws_s3_bucket" "specs" {
  # checkov:skip=CKV_AWS_144:docs/multi-region.md says why a copy of state in another region is not kept by replication.
  bucket        = local.bucket_name
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_public_access_block" "specs" {
  bucket = aws_s3_bucket.specs.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "specs" {
  bucket = aws_s3_bucket.specs.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "specs" {
  bucket = aws_s3_bucket.specs.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "specs" {
  bucket = aws_s3_bucket.specs.id

  rule {
    # Tasks ask for their settings every two seconds: with a bucket key that is not a call of KMS each.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.storage.arn
    }
  }
}

# The lease is renewed every few seconds, and each renewal is a version: what is the controller's own is kept for days,
# what people wrote for a year.
resource "aws_s3_bucket_lifecycle_configuration" "specs" {
  bucket = aws_s3_bucket.specs.id

  rule {
    id     = "uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  rule {
    id     = "specs"
    status = "Enabled"

    filter {
      prefix = "specs/"
    }

    noncurrent_version_expiration {
      noncurrent_days = 365
    }
  }

  dynamic "rule" {
    for_each = { settings = 90, state = 30, lease = 1, cache = 1 }

    content {
      id     = rule.key
      status = "Enabled"

      filter {
        prefix = "${rule.key}/"
      }

      noncurrent_version_expiration {
        noncurrent_days = rule.value
      }

      expiration {
        expired_object_delete_marker = true
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.specs]
}

resource "aws_s3_bucket_logging" "specs" {
  bucket = aws_s3_bucket.specs.id

  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "specs/"

  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_s3_bucket_notification" "specs" {
  bucket = aws_s3_bucket.specs.id

  eventbridge = true
}

data "aws_iam_policy_document" "specs_bucket" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.specs.arn, "${aws_s3_bucket.specs.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = local.writers

    content {
      sid       = statement.key
      effect    = "Deny"
      actions   = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
      resources = [for key in statement.value.keys : "${aws_s3_bucket.specs.arn}/${key}"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "ArnNotEquals"
        variable = "aws:PrincipalArn"
        values   = statement.value.roles
      }
    }
  }

  # Two controllers that write at once must not overwrite each other, whatever program they are of.
  # Source: S3 User Guide, "Enforce conditional writes on Amazon S3 buckets".
  statement {
    sid       = "OnConditionAlone"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = [for prefix in local.controller_prefixes : "${aws_s3_bucket.specs.arn}/${prefix}*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Null"
      variable = "s3:if-match"
      values   = ["true"]
    }

    condition {
      test     = "Null"
      variable = "s3:if-none-match"
      values   = ["true"]
    }
  }
}

resource "aws_s3_bucket_policy" "specs" {
  bucket = aws_s3_bucket.specs.id
  policy = data.aws_iam_policy_document.specs_bucket.json

  depends_on = [aws_s3_bucket_public_access_block.specs]
}
