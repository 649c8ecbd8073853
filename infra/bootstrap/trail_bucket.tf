# Where the trail keeps its files: in a bucket of its own, because they must outlast whoever did what they tell of. S3 writes
# no access logs into a bucket with Object Lock, so the bucket of the other logs cannot have one.
# Source: S3 User Guide, "Object Lock considerations".

locals {
  trail_bucket_name = "${local.name}-trail-${local.account}"
}

resource "aws_s3_bucket" "trail" {
  # checkov:skip=CKV_AWS_144:Who wants the trail in a second region has one for the organisation.
  # checkov:skip=CKV_AWS_145:CloudTrail encrypts its files with the key for logs, and its digests with S3's own.
  # checkov:skip=CKV2_AWS_62:Nobody acts on single log files.
  count = var.cloudtrail ? 1 : 0

  bucket              = local.trail_bucket_name
  object_lock_enabled = true
  force_destroy       = !var.deletion_protection
}

resource "aws_s3_bucket_public_access_block" "trail" {
  count = var.cloudtrail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "trail" {
  count = var.cloudtrail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "trail" {
  count = var.cloudtrail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

# Governance, not compliance: an account that is torn down, or a file that should never have been written, can be removed by
# whoever runs this module. For compliance the trail belongs into an account of its own.
resource "aws_s3_bucket_object_lock_configuration" "trail" {
  count = var.cloudtrail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.trail_lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.trail]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "trail" {
  count = var.cloudtrail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# What is locked outlasts its expiry until the lock ends.
resource "aws_s3_bucket_lifecycle_configuration" "trail" {
  count = var.cloudtrail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.log_retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.trail]
}

# Who read the trail, and who tried to remove some of it.
resource "aws_s3_bucket_logging" "trail" {
  count = var.cloudtrail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "trail/"

  depends_on = [aws_s3_bucket_policy.logs]
}

data "aws_iam_policy_document" "trail_bucket" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:${local.partition}:s3:::${local.trail_bucket_name}", "arn:${local.partition}:s3:::${local.trail_bucket_name}/*"]

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

  # Administrators too keep to the lock.
  statement {
    sid       = "LocksAreKept"
    effect    = "Deny"
    actions   = ["s3:BypassGovernanceRetention"]
    resources = ["arn:${local.partition}:s3:::${local.trail_bucket_name}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = local.terraform_roles
    }
  }

  # Source: CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail".
  dynamic "statement" {
    for_each = {
      TrailLooks  = { action = "s3:GetBucketAcl", path = "" }
      TrailWrites = { action = "s3:PutObject", path = "/trail/AWSLogs/${local.account}/*" }
    }

    content {
      sid       = statement.key
      actions   = [statement.value.action]
      resources = ["arn:${local.partition}:s3:::${local.trail_bucket_name}${statement.value.path}"]

      principals {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = ["arn:${local.partition}:cloudtrail:${local.region}:${local.account}:trail/${local.trail_name}"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "trail" {
  count = var.cloudtrail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id
  policy = data.aws_iam_policy_document.trail_bucket.json

  depends_on = [aws_s3_bucket_public_access_block.trail]
}
