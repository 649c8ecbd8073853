# Three keys, by who has to use them besides the account's own roles: what is stored, logs, and messages. Each key's
# first statement leaves it to IAM policies which roles of this account may use it; the others name services of AWS.

data "aws_iam_policy_document" "key_owner" {
  # checkov:skip=CKV_AWS_109:A key that its account cannot manage is lost; roles are still asked by their own policies.
  # checkov:skip=CKV_AWS_111:Whoever may manage the key may also give it to others; that is what a key policy is for.
  # checkov:skip=CKV_AWS_356:In a key's policy the resource is the key itself.
  statement {
    sid       = "AccountDecidesByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }
}

# ---- What is stored: the spec bucket, the database, secrets, images ------------------------------------------------

# Callers of S3 and Secrets Manager use it in their own name; RDS and ECR by grants. So nobody else is named.
resource "aws_kms_key" "storage" {
  description             = "${local.name}: specs and state, database, secrets, images"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key_owner.json
}

resource "aws_kms_alias" "storage" {
  name          = "alias/${local.name}-storage"
  target_key_id = aws_kms_key.storage.key_id
}

# ---- Logs ----------------------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "logs_key" {
  source_policy_documents = [data.aws_iam_policy_document.key_owner.json]

  # Source: CloudWatch Logs User Guide, "Encrypt log data using AWS KMS".
  statement {
    sid       = "LogsOfThisAccount"
    actions   = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*"]
    }
  }

  # Source: CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail".
  dynamic "statement" {
    for_each = var.cloudtrail ? ["kms:GenerateDataKey*", "kms:DescribeKey"] : []

    content {
      sid       = statement.value == "kms:DescribeKey" ? "TrailFindsKey" : "TrailEncrypts"
      actions   = [statement.value]
      resources = ["*"]

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

resource "aws_kms_key" "logs" {
  description             = "${local.name}: logs"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.logs_key.json
}

resource "aws_kms_alias" "logs" {
  name          = "alias/${local.name}-logs"
  target_key_id = aws_kms_key.logs.key_id
}

# ---- Messages: the queue and the topic -----------------------------------------------------------------------------

data "aws_iam_policy_document" "messages_key" {
  source_policy_documents = [data.aws_iam_policy_document.key_owner.json]

  # Alarms and budgets tell the topic, and encrypt for it. Source: SNS Developer Guide, "Enable compatibility between
  # event sources from AWS services and encrypted topics".
  statement {
    sid       = "AwsSendsInOurName"
    actions   = ["kms:GenerateDataKey*", "kms:Decrypt"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  # EventBridge puts events on the queues and the topic. It does not say for which account: a condition on
  # aws:SourceAccount would lock it out without a word, but what it encrypts for is always told. Sources: as above; SQS
  # Developer Guide, "Configure KMS permissions for AWS services"; both guides on their encryption contexts.
  dynamic "statement" {
    for_each = {
      ForQueues = { context = "aws:sqs:arn", arn = "arn:${local.partition}:sqs:${local.region}:${local.account}:${local.name}-*" }
      ForTopic  = { context = "aws:sns:topicArn", arn = "arn:${local.partition}:sns:${local.region}:${local.account}:${local.name}-*" }
    }

    content {
      sid       = "EventsAreSent${statement.key}"
      actions   = ["kms:GenerateDataKey*", "kms:Decrypt"]
      resources = ["*"]

      principals {
        type        = "Service"
        identifiers = ["events.amazonaws.com"]
      }

      condition {
        test     = "ArnLike"
        variable = "kms:EncryptionContext:${statement.value.context}"
        values   = [statement.value.arn]
      }
    }
  }
}

resource "aws_kms_key" "messages" {
  description             = "${local.name}: queue and topic"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.messages_key.json
}

resource "aws_kms_alias" "messages" {
  name          = "alias/${local.name}-messages"
  target_key_id = aws_kms_key.messages.key_id
}
