# Roles with which ECS starts tasks: they pull images, write logs and read the secrets that tasks are given. Each service
# has one, as the controller and the collector of traces have: what auth is given, no other service's start can read.

locals {
  service_execution = {
    for name, it in local.services : name => {
      images    = [aws_ecr_repository.main[name].arn]
      log_group = "services"
      # PREFIX/CONTAINER/TASK: the prefix is the platform's name. Source: controller/aws/src/ecs/task_definition.rs.
      log_streams = "*/${name}/*"
      secrets     = lookup(local.injected_secrets, name, [])
    }
  }

  own_execution = {
    controller = {
      images      = [aws_ecr_repository.main["loanctl"].arn]
      log_group   = "controller"
      log_streams = "controller/controller/*"
      secrets     = []
    }
    # Its image is in a registry that lets anybody pull.
    otel-collector = {
      images      = []
      log_group   = "otel-collector"
      log_streams = "${local.otel_collector}/${local.otel_collector}/*"
      secrets     = []
    }
  }

  execution = merge(
    local.service_execution,
    { for name, it in local.own_execution : name => it if name != "otel-collector" || local.has_traces },
  )

  # Which tasks are given which. With IAM the loan API has no password to be given.
  injected_secrets = {
    auth     = [for secret in aws_secretsmanager_secret.auth : secret.arn]
    loan-api = var.database_login == "Secret" ? [local.database_secret_arn] : []
  }

  database_secret_arn = one(aws_rds_cluster.main.master_user_secret[*].secret_arn)
}

resource "aws_iam_role" "execution" {
  for_each = local.execution

  name               = "${local.name}-execution-${each.key}"
  description        = "Starts the tasks of: ${each.key}"
  assume_role_policy = data.aws_iam_policy_document.ecs_trust.json
}

data "aws_iam_policy_document" "execution" {
  for_each = local.execution

  dynamic "statement" {
    for_each = length(each.value.images) > 0 ? [1] : []

    # IAM knows no resource for it.
    content {
      sid       = "LogInToTheRegistry"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = length(each.value.images) > 0 ? [1] : []

    content {
      sid       = "PullImages"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
      resources = each.value.images
    }
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.main[each.value.log_group].arn}:log-stream:${each.value.log_streams}"]
  }

  dynamic "statement" {
    for_each = length(each.value.secrets) > 0 ? [1] : []

    content {
      sid       = "ReadSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = each.value.secrets
    }
  }

  dynamic "statement" {
    for_each = length(each.value.secrets) > 0 ? [1] : []

    content {
      sid       = "DecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = [aws_kms_key.storage.arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${local.region}.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  for_each = local.execution

  name   = "execution"
  role   = aws_iam_role.execution[each.key].id
  policy = data.aws_iam_policy_document.execution[each.key].json
}
