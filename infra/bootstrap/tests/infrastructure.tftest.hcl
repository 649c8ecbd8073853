# bootstrap/infrastructure.json. Its form is checked against the schema by infra/check; here is what it says.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

override_resource {
  target          = aws_lb_target_group.service["auth"]
  values          = { arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/auth/0123456789abcdef" }
  override_during = plan
}

variables {
  environment = "dev"
  plain_http  = true
  region      = "eu-west-1"
  platform    = "loans"
}

run "clients_and_database_are_one_platforms" {
  command = plan

  assert {
    condition     = !anytrue([for field in ["loadBalancer", "database"] : contains(keys(jsondecode(aws_s3_object.infrastructure.content).defaults), field)])
    error_message = "Platforms that nobody named share neither clients nor a database."
  }

  assert {
    condition     = keys(jsondecode(aws_s3_object.infrastructure.content).platforms) == ["loans"]
    error_message = "The named platform has surroundings of its own."
  }

  assert {
    condition     = jsondecode(aws_s3_object.infrastructure.content).platforms.loans.database.authentication == { iamUser = "loan_api" }
    error_message = "The loan API logs in with its role."
  }

  assert {
    condition     = jsondecode(aws_s3_object.infrastructure.content).platforms.loans.loadBalancer.endpoint == "http://some.eu-west-1.elb.amazonaws.com"
    error_message = "Without a certificate clients come by HTTP."
  }

  assert {
    condition = (
      local.infrastructure.platforms.loans.loadBalancer.targetGroupArn == aws_lb_target_group.service["loan-api"].arn &&
      local.infrastructure.platforms.loans.loadBalancer.authTargetGroupArn == aws_lb_target_group.service["auth"].arn
    )
    error_message = "Each of the two behind the load balancer is put into its own target group."
  }

  assert {
    condition     = toset(keys(jsondecode(aws_s3_object.infrastructure.content).defaults.roles.tasks)) == toset(["loanApi", "auth", "scoring", "scoreProvider"])
    error_message = "Every service has a role."
  }

  assert {
    condition     = jsondecode(aws_s3_object.infrastructure.content).defaults.registry == "registry.example/loan-dev"
    error_message = "Images are named after the registry and what stands before them."
  }
}

run "nothing_is_null" {
  command = plan

  assert {
    condition     = !strcontains(aws_s3_object.infrastructure.content, "null")
    error_message = "The schema refuses null; leave the field out."
  }
}

run "behind_api_gateway_it_is_the_endpoint" {
  command = plan

  variables { api_gateway = true }

  assert {
    condition = (
      jsondecode(aws_s3_object.infrastructure.content).platforms.loans.loadBalancer.endpoint == "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com" &&
      jsondecode(aws_s3_object.infrastructure.content).platforms.loans.dashboard.apiGateway == "a1b2c3d4e5"
    )
    error_message = "Clients come by API Gateway, and dashboards show it."
  }
}

run "without_the_stand_in_it_has_no_place" {
  command = plan

  variables { stand_in_provider = false }

  assert {
    condition = !anytrue([
      for names in [keys(local.infrastructure.defaults.roles.tasks), keys(local.infrastructure.defaults.network.securityGroups), keys(aws_ecr_repository.main)] :
      anytrue([for name in ["scoreProvider", "score-provider"] : contains(names, name)])
    ])
    error_message = "No role, no group and no image."
  }
}
