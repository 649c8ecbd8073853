# Every log group that anything here writes to is made here, with retention and a key, before AWS would make it without.

locals {
  log_groups = merge(
    {
      services   = "/${local.name}/services"
      controller = "/${local.name}/controller"
      exec       = "/${local.name}/exec"
      flow       = "/${local.name}/vpc-flow"

      # Aurora writes statements, slow ones among them, to a group of this very name.
      database = "/aws/rds/cluster/${local.name}/postgresql"
    },
    var.container_insights == "disabled" ? {} : { insights = "/aws/ecs/containerinsights/${local.cluster_name}/performance" },
    local.has_traces ? { otel-collector = "/${local.name}/otel-collector" } : {},
    var.api_gateway ? { api-gateway = "/${local.name}/api-gateway" } : {},
  )
}

resource "aws_cloudwatch_log_group" "main" {
  # checkov:skip=CKV_AWS_338:Days of retention are var.log_retention_days; production keeps a year.
  for_each = local.log_groups

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}
