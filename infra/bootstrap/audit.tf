# The trail: who writes to the spec bucket, and who changes the account, for accounts whose organisation has none. Where its
# files are kept: trail_bucket.tf. What people are told of at once: changes.tf.

resource "aws_cloudtrail" "main" {
  # checkov:skip=CKV_AWS_252:Changes are told of by rules; a message for each log file tells nobody anything.
  # checkov:skip=CKV2_AWS_10:Its files in S3 are searched with Athena; a copy in CloudWatch Logs would cost more than it says.
  count = var.cloudtrail ? 1 : 0

  name                          = local.trail_name
  s3_bucket_name                = aws_s3_bucket.trail[0].id
  s3_key_prefix                 = "trail"
  kms_key_id                    = aws_kms_key.logs.arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true

  advanced_event_selector {
    name = "Changes and reads of the account's configuration"

    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
  }

  # Tasks ask for their settings every two seconds, and the lease is renewed every few: what is written tells who did.
  advanced_event_selector {
    name = "Writes to the spec bucket"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }

    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }

    field_selector {
      field  = "readOnly"
      equals = ["false"]
    }

    field_selector {
      field       = "resources.ARN"
      starts_with = [for prefix in ["specs/", "settings/", "state/", "bootstrap/"] : "${local.bucket_arn}/${prefix}"]
    }
  }

  depends_on = [aws_s3_bucket_policy.trail]
}
