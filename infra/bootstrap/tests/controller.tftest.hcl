mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment      = "dev"
  plain_http       = true
  region           = "eu-west-1"
  platform         = "dev"
  controller_image = "registry.example/loanctl@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}

run "there_is_none_before_there_is_an_image" {
  command = plan

  variables { controller_image = null }

  assert {
    condition     = length(aws_ecs_service.controller) == 0 && length(aws_cloudwatch_metric_alarm.controller) == 0
    error_message = "Without an image there is neither a controller nor an alarm about one."
  }

  assert {
    condition     = contains(keys(aws_ecr_repository.main), "loanctl")
    error_message = "But there is a repository for its image."
  }
}

run "one_works_and_one_stands_by" {
  command = plan

  assert {
    condition     = aws_ecs_service.controller[0].desired_count == 2 && aws_ecs_service.controller[0].deployment_minimum_healthy_percent == 100
    error_message = "Two tasks, and never fewer while they are replaced."
  }

  assert {
    condition     = !aws_ecs_service.controller[0].network_configuration[0].assign_public_ip && !aws_ecs_service.controller[0].enable_execute_command
    error_message = "No public address, and no way in."
  }
}

run "its_container_is_bounded_and_cannot_write" {
  command = plan

  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.controller[0].container_definitions)) == 1
    error_message = "One container."
  }

  assert {
    condition = alltrue([
      for it in jsondecode(aws_ecs_task_definition.controller[0].container_definitions) :
      it.readonlyRootFilesystem && it.user == "65532:65532" && it.stopTimeout == 30 && it.linuxParameters.capabilities.drop == ["ALL"]
    ])
    error_message = "Read-only, nobody's user, no capabilities, and half a minute to stop in."
  }

  assert {
    condition = slice(jsondecode(aws_ecs_task_definition.controller[0].container_definitions)[0].command, 0, 7) == [
      "controller", "--store", "s3://loan-dev-specs-123456789012", "--queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/some", "--log", "json",
    ]
    error_message = "It is told of its bucket and its queue, and logs for CloudWatch."
  }

  assert {
    condition     = [for it in jsondecode(aws_ecs_task_definition.controller[0].container_definitions)[0].environment : it.name] == ["LOAN_LISTEN"]
    error_message = "It is told of no collector: it sends no traces."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.controller[0].container_definitions)[0].healthCheck.command == ["CMD", "loanctl", "check-health"]
    error_message = "It is asked for its health."
  }
}

run "its_alarms_are_not_taken_for_a_platforms" {
  command = plan

  assert {
    condition     = alltrue([for it in aws_cloudwatch_metric_alarm.controller : !startswith(it.alarm_name, "LoanPlatform/")])
    error_message = "The controller takes alarms called LoanPlatform/… for its own."
  }

  assert {
    condition     = length(setsubtract(["no-leader", "specs-stale", "rollback-failed"], keys(aws_cloudwatch_metric_alarm.controller))) == 0
    error_message = "No leader, stale specs and a failed rollback are alarmed about."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.controller["no-leader"].treat_missing_data == "breaching"
    error_message = "A controller that says nothing is none."
  }

  assert {
    condition     = alltrue([for it in aws_cloudwatch_metric_alarm.controller : it.dimensions == tomap({ Store = "loan-dev-specs-123456789012" }) && it.namespace == "LoanPlatform/Controller"])
    error_message = "They look where the controller writes: emf.rs."
  }
}
