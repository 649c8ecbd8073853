# What happened, told to the controller: specs that changed, services that moved, alarms that fired. Messages are hints
# that make it look sooner; what is lost is found by polling.

locals {
  service_arn_prefix = "arn:${local.partition}:ecs:${local.region}:${local.account}:service/${local.cluster_name}/"

  # What each rule lets through, no more than the controller understands. Source: controller/aws/src/watch/message.rs.
  event_rules = {
    specs = {
      description = "Spec files that were written or removed"
      pattern = {
        source      = ["aws.s3"]
        detail-type = ["Object Created", "Object Deleted"]
        detail = {
          bucket = { name = [local.bucket_name] }
          object = { key = [{ prefix = "specs/" }] }
        }
      }
    }
    services = {
      description = "Deployments and actions of the cluster's services"
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Deployment State Change", "ECS Service Action"]
        resources   = [{ prefix = local.service_arn_prefix }]
      }
    }
    tasks = {
      description = "Tasks of services that started or stopped"
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change"]
        detail = {
          clusterArn = [aws_ecs_cluster.main.arn]
          group      = [{ prefix = "service:" }]
          lastStatus = ["RUNNING", "STOPPED"]
        }
      }
    }
    alarms = {
      description = "Alarms of platforms that changed"
      pattern = {
        source      = ["aws.cloudwatch"]
        detail-type = ["CloudWatch Alarm State Change"]
        resources   = [{ prefix = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:LoanPlatform/" }]
      }
    }
  }
}

resource "aws_sqs_queue" "hints" {
  name                       = "${local.name}-hints"
  kms_master_key_id          = aws_kms_key.messages.arn
  visibility_timeout_seconds = 30
  receive_wait_time_seconds  = 20

  # A hint of an hour ago tells nothing that a resync has not found.
  message_retention_seconds = 3600

  # `loanctl verify` looks at messages and puts them back, many times within its half minute.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 100
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${local.name}-hints-dead"
  kms_master_key_id         = aws_kms_key.messages.arn
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.url

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.hints.arn]
  })
}

data "aws_iam_policy_document" "queue" {
  for_each = {
    hints        = aws_sqs_queue.hints.arn
    dead-letters = aws_sqs_queue.dead_letters.arn
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [each.value]

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

  # What EventBridge cannot deliver goes to the second queue too.
  statement {
    sid       = "RulesSend"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for rule in aws_cloudwatch_event_rule.hints : rule.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "hints" {
  queue_url = aws_sqs_queue.hints.url
  policy    = data.aws_iam_policy_document.queue["hints"].json
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.url
  policy    = data.aws_iam_policy_document.queue["dead-letters"].json
}

resource "aws_cloudwatch_event_rule" "hints" {
  for_each = local.event_rules

  name          = "${local.name}-${each.key}"
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "hints" {
  for_each = aws_cloudwatch_event_rule.hints

  rule      = each.value.name
  target_id = "hints"
  arn       = aws_sqs_queue.hints.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 20
  }
}
