# Where the load balancer and the other buckets write their logs. The load balancer can write to none that
# has a key of one's own. Source: Elastic Load Balancing, "Enable access logs for your Application Load Balancer".

locals {
  log_bucket_name = "${local.name}-logs-${local.account}"

  # Prefix of each of the load balancer's logs.
  balancer_logs = ["balancer/access", "balancer/connections", "balancer/health-checks"]
}

resource "aws_s3_bucket" "logs" {
  # checkov:skip=CKV_AWS_18:It is the bucket of access logs; logging its own would go on for ever.
  # checkov:skip=CKV_AWS_21:Logs are written once and expire; versions would keep what is to be gone.
  # checkov:skip=CKV_AWS_144:Access logs are not worth a second region.
  # checkov:skip=CKV_AWS_145:The load balancer can write only where S3's own key encrypts.
  # checkov:skip=CKV2_AWS_62:Nobody acts on single log files.
  bucket        = local.log_bucket_name
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket = aws_s3_bucket.logs.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.log_retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "log_bucket" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.logs.arn, "${aws_s3_bucket.logs.arn}/*"]

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

  statement {
    sid       = "LoadBalancerWrites"
    actions   = ["s3:PutObject"]
    resources = [for prefix in local.balancer_logs : "${aws_s3_bucket.logs.arn}/${prefix}/AWSLogs/${local.account}/*"]

    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:loadbalancer/*"]
    }
  }

  # Each bucket's own access logs.
  dynamic "statement" {
    for_each = merge(
      { SpecBucketWrites = { prefix = "specs", bucket = local.bucket_name } },
      var.cloudtrail ? { TrailBucketWrites = { prefix = "trail", bucket = local.trail_bucket_name } } : {},
    )

    content {
      sid       = statement.key
      actions   = ["s3:PutObject"]
      resources = ["${aws_s3_bucket.logs.arn}/${statement.value.prefix}/*"]

      principals {
        type        = "Service"
        identifiers = ["logging.s3.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = ["arn:${local.partition}:s3:::${statement.value.bucket}"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = data.aws_iam_policy_document.log_bucket.json

  depends_on = [aws_s3_bucket_public_access_block.logs]
}
