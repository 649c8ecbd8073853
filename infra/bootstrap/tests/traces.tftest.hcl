# The collector of traces: there when asked for, told of, and reached by the services alone.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

override_resource {
  target          = aws_security_group.otel_collector[0]
  values          = { id = "sg-otel-collector" }
  override_during = plan
}

variables {
  environment          = "dev"
  plain_http           = true
  region               = "eu-west-1"
  platform             = "loans"
  otel_collector_image = "registry.example/collector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}

run "there_is_none_unless_asked_for" {
  command = plan

  variables { otel_collector_image = null }

  assert {
    condition     = length(aws_ecs_service.otel_collector) == 0 && length(aws_security_group.otel_collector) == 0 && !contains(keys(aws_iam_role.task), "otel-collector")
    error_message = "Without an image there is no collector, no group and no role of it."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.service_to_traces) == 0 && !strcontains(aws_s3_object.infrastructure.content, "traceCollector")
    error_message = "Nobody is told of one."
  }
}

run "every_platform_is_told_of_it" {
  command = plan

  assert {
    condition     = [for it in [local.infrastructure.defaults, local.infrastructure.platforms.loans] : it.traceCollector] == ["http://otel-collector:4318", "http://otel-collector:4318"]
    error_message = "Services send traces to the name that it has in the namespace."
  }

  assert {
    condition = (
      aws_ecs_service.otel_collector[0].service_connect_configuration[0].namespace == aws_service_discovery_http_namespace.main.arn &&
      aws_ecs_service.otel_collector[0].service_connect_configuration[0].service[0].client_alias[0].dns_name == "otel-collector" &&
      aws_ecs_service.otel_collector[0].service_connect_configuration[0].service[0].client_alias[0].port == 4318 &&
      aws_ecs_service.otel_collector[0].service_connect_configuration[0].service[0].port_name == jsondecode(aws_ecs_task_definition.otel_collector[0].container_definitions)[0].portMappings[0].name
    )
    error_message = "It is in the services' namespace under that name and port."
  }
}

run "services_reach_it_and_nobody_else" {
  command = plan

  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.traces_from_service)) == toset(keys(aws_security_group.service))
    error_message = "All services send traces; the controller has none to send."
  }

  assert {
    condition = alltrue([
      for name, rule in aws_vpc_security_group_ingress_rule.traces_from_service :
      rule.security_group_id == "sg-otel-collector" && rule.referenced_security_group_id == aws_security_group.service[name].id && rule.from_port == 4318 && rule.to_port == 4318 &&
      aws_vpc_security_group_egress_rule.service_to_traces[name].security_group_id == rule.referenced_security_group_id &&
      aws_vpc_security_group_egress_rule.service_to_traces[name].referenced_security_group_id == "sg-otel-collector" &&
      aws_vpc_security_group_egress_rule.service_to_traces[name].from_port == 4318
    ])
    error_message = "What the services let out, it lets in."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.otel_collector_to_https[0].security_group_id == "sg-otel-collector" && aws_vpc_security_group_egress_rule.otel_collector_to_https[0].from_port == 443
    error_message = "It reaches X-Ray by HTTPS."
  }

  assert {
    condition     = aws_ecs_service.otel_collector[0].network_configuration[0].security_groups == toset(["sg-otel-collector"]) && !aws_ecs_service.otel_collector[0].network_configuration[0].assign_public_ip
    error_message = "Its tasks are in its group, without public addresses."
  }
}

run "its_container_is_bounded_and_cannot_write" {
  command = plan

  assert {
    condition = alltrue([
      for it in jsondecode(aws_ecs_task_definition.otel_collector[0].container_definitions) :
      it.readonlyRootFilesystem && it.user == "65532:65532" && it.linuxParameters.capabilities.drop == ["ALL"] && it.healthCheck.command == ["CMD", "/healthcheck"]
    ])
    error_message = "Read-only, nobody's user, no capabilities, and asked for its health."
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.otel_collector[0].container_definitions)[0].environment[0].value).service.pipelines.traces.exporters == ["awsxray"]
    error_message = "It hands traces to X-Ray."
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.otel_collector[0].container_definitions)[0].environment[0].value).receivers.otlp.protocols.http.endpoint == "0.0.0.0:4318"
    error_message = "It takes them where the rules let them through."
  }
}

run "its_role_sends_traces_and_nothing_else" {
  command = plan

  assert {
    condition = toset(flatten([for it in data.aws_iam_policy_document.otel_collector[0].statement : it.actions])) == toset([
      "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
    ])
    error_message = "Four permissions of X-Ray."
  }

  assert {
    condition     = !anytrue([for action in flatten([for it in data.aws_iam_policy_document.controller.statement : it.actions]) : startswith(action, "xray:")])
    error_message = "The controller has none of them."
  }

  assert {
    condition     = toset(flatten([for it in data.aws_iam_policy_document.execution["otel-collector"].statement : it.actions])) == toset(["logs:CreateLogStream", "logs:PutLogEvents"])
    error_message = "ECS writes its log for it; its image is anybody's."
  }
}

run "x_ray_is_reached_inside_the_vpc_like_the_others" {
  command = plan

  variables { interface_endpoints = true }

  assert {
    condition     = contains(keys(aws_vpc_endpoint.interface), "xray")
    error_message = "There is an endpoint of X-Ray where there is a collector."
  }
}
