# The cluster that the controller puts services into. The services themselves are not Terraform's: the controller
# makes them from specs, and `terraform destroy` cannot remove the cluster before they are gone (docs/aws.md).

resource "aws_iam_service_linked_role" "main" {
  for_each = var.service_linked_roles

  aws_service_name = each.key
}

resource "aws_ecs_cluster" "main" {
  name = local.cluster_name

  setting {
    name  = "containerInsights"
    value = var.container_insights
  }

  service_connect_defaults {
    namespace = aws_service_discovery_http_namespace.main.arn
  }

  configuration {
    execute_command_configuration {
      kms_key_id = aws_kms_key.logs.arn
      logging    = "OVERRIDE"

      log_configuration {
        cloud_watch_encryption_enabled = true
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.main["exec"].name
      }
    }
  }

  depends_on = [aws_iam_service_linked_role.main]
}

resource "aws_ecs_cluster_capacity_providers" "main" {
  cluster_name       = aws_ecs_cluster.main.name
  capacity_providers = ["FARGATE"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}

# Services find each other in it by PLATFORM-SERVICE.
resource "aws_service_discovery_http_namespace" "main" {
  name        = local.name
  description = "Service Connect of the platforms in ${local.name}"
}
