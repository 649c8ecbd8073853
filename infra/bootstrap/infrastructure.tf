# bootstrap/infrastructure.json: how the controller learns what the account provides. Its form is
# schema/infrastructure.schema.json, which refuses fields that it does not know, and null.

locals {
  # What every platform gets.
  surroundings = merge({
    cluster      = aws_ecs_cluster.main.arn
    registry     = local.registry
    architecture = var.architecture

    network = {
      subnets        = [for zone in local.zones : aws_subnet.private[zone].id]
      securityGroups = { for name, it in local.services : it.key => [aws_security_group.service[name].id] }
      assignPublicIp = false
    }

    roles = {
      execution = { for name, it in local.services : it.key => aws_iam_role.execution[name].arn }
      tasks     = { for name, it in local.services : it.key => aws_iam_role.task[name].arn }
    }

    logGroup                = aws_cloudwatch_log_group.main["services"].name
    serviceConnectNamespace = aws_service_discovery_http_namespace.main.arn

    auth = {
      clients    = aws_secretsmanager_secret.auth["clients"].arn
      signingKey = aws_secretsmanager_secret.auth["signing-key"].arn
    }

    notificationTopic = aws_sns_topic.notifications.arn
  }, local.has_traces ? { traceCollector = local.trace_collector } : {})

  # What one platform alone gets: clients, and a database. Others in the bucket would otherwise share them with it.
  of_platform = {
    loadBalancer = {
      targetGroupArn     = aws_lb_target_group.service["loan-api"].arn
      targetGroup        = aws_lb_target_group.service["loan-api"].arn_suffix
      authTargetGroupArn = aws_lb_target_group.service["auth"].arn
      name               = aws_lb.main.arn_suffix
      endpoint           = local.endpoint
    }

    database = {
      host           = aws_rds_cluster.main.endpoint
      port           = local.database_port
      name           = local.database_name
      authentication = var.database_login == "Iam" ? { iamUser = local.database_user } : { secret = local.database_secret_arn }
    }

    dashboard = merge(
      {
        databaseCluster = aws_rds_cluster.main.cluster_identifier
        natGateways     = [for zone in sort(tolist(local.nat_zones)) : aws_nat_gateway.main[zone].id]
      },
      var.api_gateway ? { apiGateway = aws_apigatewayv2_api.main[0].id } : {},
    )
  }

  infrastructure = {
    region    = local.region
    defaults  = local.surroundings
    platforms = { (var.platform) = merge(local.surroundings, local.of_platform) }
  }

  plain_endpoint = local.has_tls ? "https://${var.domain_name}" : "http://${aws_lb.main.dns_name}"
  endpoint       = var.api_gateway ? aws_apigatewayv2_api.main[0].api_endpoint : local.plain_endpoint
}

resource "aws_s3_object" "infrastructure" {
  bucket       = aws_s3_bucket.specs.id
  key          = "bootstrap/infrastructure.json"
  content_type = "application/json"
  content      = jsonencode(local.infrastructure)

  # Whoever reads it may use what it names: ECS takes a target group only once a listener leads to it, a new task needs
  # the policies of its roles, and Service Connect tells a task of what is in the namespace when its service is deployed.
  depends_on = [
    aws_ecs_service.otel_collector,
    aws_vpc_security_group_egress_rule.service_to_endpoints,
    aws_vpc_security_group_egress_rule.service_to_https,
    aws_vpc_security_group_egress_rule.service_to_s3,
    aws_vpc_security_group_egress_rule.service_to_traces,
    aws_vpc_endpoint.interface,
    aws_lb_listener_rule.service,
    aws_iam_role_policy.service,
    aws_iam_role_policy.execution,
    aws_s3_bucket_policy.specs,
    aws_s3_bucket_server_side_encryption_configuration.specs,
    aws_s3_bucket_versioning.specs,
  ]
}
