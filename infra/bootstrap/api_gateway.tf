# An HTTP API before the load balancer, for who wants its throttling and access logs. HTTP APIs send nothing to X-Ray.

locals {
  api_routes = toset(var.api_gateway ? ["ANY /loan/{proxy+}", "ANY /oauth/{proxy+}"] : [])
}

resource "aws_apigatewayv2_api" "main" {
  count = var.api_gateway ? 1 : 0

  name          = local.name
  description   = "The loan API of ${local.name}"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_vpc_link" "main" {
  count = var.api_gateway ? 1 : 0

  name               = local.name
  subnet_ids         = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids = [aws_security_group.api_gateway[0].id]
}

resource "aws_apigatewayv2_integration" "balancer" {
  count = var.api_gateway ? 1 : 0

  api_id                 = aws_apigatewayv2_api.main[0].id
  description            = "The load balancer"
  integration_type       = "HTTP_PROXY"
  integration_method     = "ANY"
  integration_uri        = local.main_listener_arn
  connection_type        = "VPC_LINK"
  connection_id          = aws_apigatewayv2_vpc_link.main[0].id
  payload_format_version = "1.0"

  # The loan API answers within 750 ms, with 202 at the latest.
  timeout_milliseconds = 5000

  dynamic "tls_config" {
    for_each = local.has_tls ? [1] : []

    content {
      server_name_to_verify = var.domain_name
    }
  }
}

resource "aws_apigatewayv2_route" "balancer" {
  # checkov:skip=CKV_AWS_309:Tokens are asked for by the services, which know what they allow.
  for_each = local.api_routes

  api_id             = aws_apigatewayv2_api.main[0].id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.balancer[0].id}"
  authorization_type = "NONE"
}

resource "aws_apigatewayv2_stage" "main" {
  count = var.api_gateway ? 1 : 0

  api_id      = aws_apigatewayv2_api.main[0].id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    detailed_metrics_enabled = true
    throttling_rate_limit    = var.api_gateway_throttle.rate
    throttling_burst_limit   = var.api_gateway_throttle.burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.main["api-gateway"].arn

    format = jsonencode({
      requestId        = "$context.requestId"
      time             = "$context.requestTime"
      sourceIp         = "$context.identity.sourceIp"
      route            = "$context.routeKey"
      path             = "$context.path"
      status           = "$context.status"
      latencyMs        = "$context.responseLatency"
      integrationMs    = "$context.integrationLatency"
      integrationError = "$context.integrationErrorMessage"
      responseBytes    = "$context.responseLength"
    })
  }
}
