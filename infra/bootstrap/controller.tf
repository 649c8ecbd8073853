# The controller itself: two tasks, of which one holds the lease and works while the other stands by. This is the one
# service in the cluster that is Terraform's.

locals {
  controller_name   = "${local.name}-controller"
  controller_listen = "127.0.0.1:9090"

  controller_container = {
    name       = "controller"
    image      = var.controller_image
    essential  = true
    entryPoint = ["loanctl"]
    command = [
      "controller",
      "--store", "s3://${local.bucket_name}",
      "--queue", aws_sqs_queue.hints.url,
      "--log", "json",
      "--log-level", var.controller.log_level,
    ]

    user                   = "65532:65532"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }

    # It stops by itself within 25 s. Source: controller/loanctl/src/controller/mod.rs.
    stopTimeout = 30

    # LOAN_LISTEN is read by the program that serves and by the one that asks it.
    environment = [{ name = "LOAN_LISTEN", value = local.controller_listen }]

    healthCheck = {
      command     = ["CMD", "loanctl", "check-health"]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 30
    }

    # Standby and active write the same way: what CloudWatch does not take in time is lost, and nothing waits for it.
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.main["controller"].name
        awslogs-region        = local.region
        awslogs-stream-prefix = "controller"
        mode                  = "non-blocking"
        max-buffer-size       = "8m"
      }
    }
  }
}

resource "aws_ecs_task_definition" "controller" {
  count = local.has_controller ? 1 : 0

  family                   = local.controller_name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(var.controller.cpu)
  memory                   = tostring(var.controller.memory)
  execution_role_arn       = aws_iam_role.execution["controller"].arn
  task_role_arn            = aws_iam_role.task["controller"].arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture == "Arm64" ? "ARM64" : "X86_64"
  }

  container_definitions = jsonencode([local.controller_container])
}

resource "aws_ecs_service" "controller" {
  count = local.has_controller ? 1 : 0

  name            = local.controller_name
  cluster         = aws_ecs_cluster.main.arn
  task_definition = aws_ecs_task_definition.controller[0].arn
  desired_count   = var.controller.tasks
  launch_type     = "FARGATE"

  # A new task stands by before an old one goes. The lease sees to it that only one works.
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
    security_groups  = [aws_security_group.controller.id]
    assign_public_ip = false
  }

  # It reads and is told of these from its first second.
  depends_on = [
    aws_iam_role_policy.controller,
    aws_iam_role_policy.execution,
    aws_s3_object.infrastructure,
    aws_sqs_queue_policy.hints,
    aws_vpc_security_group_egress_rule.controller_to_https,
    aws_route.private_to_nat,
  ]
}
