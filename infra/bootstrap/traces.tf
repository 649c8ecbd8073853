# The collector that takes the services' traces and hands them to X-Ray, as a service of its own, where it is asked for.
# Services find it by Service Connect, and infrastructure.json tells the controller to tell them. The controller itself
# sends no traces.

locals {
  otel_collector  = "otel-collector"
  otlp_port       = 4318
  trace_collector = "http://${local.otel_collector}:${local.otlp_port}"

  traced_services = { for name, it in local.services : name => it if local.has_traces }

  otel_collector_config = {
    receivers = { otlp = { protocols = { http = { endpoint = "0.0.0.0:${local.otlp_port}" } } } }

    # Of the task's 512 MiB: Service Connect's proxy needs some of them too.
    processors = {
      memory_limiter = { check_interval = "1s", limit_mib = 320, spike_limit_mib = 64 }
      batch          = { timeout = "5s" }
    }

    exporters  = { awsxray = { region = local.region } }
    extensions = { health_check = { endpoint = "127.0.0.1:13133" } }

    service = {
      extensions = ["health_check"]
      pipelines  = { traces = { receivers = ["otlp"], processors = ["memory_limiter", "batch"], exporters = ["awsxray"] } }
    }
  }

  otel_collector_container = {
    name      = local.otel_collector
    image     = var.otel_collector_image
    essential = true

    user                   = "65532:65532"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    stopTimeout            = 30

    portMappings = [{ name = "otlp", containerPort = local.otlp_port, protocol = "tcp", appProtocol = "http" }]
    environment  = [{ name = "AOT_CONFIG_CONTENT", value = yamlencode(local.otel_collector_config) }]

    # The image has a program for it, which asks the extension above.
    # Source: aws-observability/aws-otel-collector, cmd/awscollector/Dockerfile and cmd/healthcheck.
    healthCheck = {
      command     = ["CMD", "/healthcheck"]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 30
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = try(aws_cloudwatch_log_group.main["otel-collector"].name, "")
        awslogs-region        = local.region
        awslogs-stream-prefix = local.otel_collector
        mode                  = "non-blocking"
        max-buffer-size       = "1m"
      }
    }
  }
}

# ---- What it may do ------------------------------------------------------------------------------------------------

# IAM knows no resource for these. Source: X-Ray Developer Guide, "AWSXRayDaemonWriteAccess".
data "aws_iam_policy_document" "otel_collector" {
  count = local.has_traces ? 1 : 0

  statement {
    sid       = "SendTraces"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "otel_collector" {
  count = local.has_traces ? 1 : 0

  name   = "task"
  role   = aws_iam_role.task["otel-collector"].id
  policy = data.aws_iam_policy_document.otel_collector[0].json
}

# ---- Its tasks -----------------------------------------------------------------------------------------------------

resource "aws_ecs_task_definition" "otel_collector" {
  count = local.has_traces ? 1 : 0

  family                   = "${local.name}-otel-collector"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "256"
  memory                   = "512"
  execution_role_arn       = aws_iam_role.execution["otel-collector"].arn
  task_role_arn            = aws_iam_role.task["otel-collector"].arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture == "Arm64" ? "ARM64" : "X86_64"
  }

  container_definitions = jsonencode([local.otel_collector_container])
}

resource "aws_ecs_service" "otel_collector" {
  count = local.has_traces ? 1 : 0

  name            = "${local.name}-otel-collector"
  cluster         = aws_ecs_cluster.main.arn
  task_definition = aws_ecs_task_definition.otel_collector[0].arn
  desired_count   = var.otel_collector_tasks
  launch_type     = "FARGATE"

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  availability_zone_rebalancing      = "ENABLED"

  enable_execute_command  = false
  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"
  wait_for_steady_state   = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = [for subnet in aws_subnet.private : subnet.id]
    security_groups  = [aws_security_group.otel_collector[0].id]
    assign_public_ip = false
  }

  service_connect_configuration {
    enabled   = true
    namespace = aws_service_discovery_http_namespace.main.arn

    service {
      port_name      = "otlp"
      discovery_name = local.otel_collector

      client_alias {
        dns_name = local.otel_collector
        port     = local.otlp_port
      }
    }
  }

  depends_on = [
    aws_iam_role_policy.otel_collector,
    aws_iam_role_policy.execution,
    aws_vpc_security_group_ingress_rule.traces_from_service,
    aws_vpc_security_group_egress_rule.otel_collector_to_https,
    aws_route.private_to_nat,
  ]
}
