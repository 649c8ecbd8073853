# Who may reach whom. Every group has an id of its own here, so that a rule is known by both of its ends.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

override_resource {
  target          = aws_security_group.service["loan-api"]
  values          = { id = "sg-loan-api" }
  override_during = plan
}

override_resource {
  target          = aws_security_group.service["auth"]
  values          = { id = "sg-auth" }
  override_during = plan
}

override_resource {
  target          = aws_security_group.service["scoring"]
  values          = { id = "sg-scoring" }
  override_during = plan
}

override_resource {
  target          = aws_security_group.service["score-provider"]
  values          = { id = "sg-score-provider" }
  override_during = plan
}

override_resource {
  target          = aws_security_group.balancer
  values          = { id = "sg-balancer" }
  override_during = plan
}

override_resource {
  target          = aws_security_group.endpoints
  values          = { id = "sg-endpoints" }
  override_during = plan
}

override_resource {
  target          = aws_security_group.database
  values          = { id = "sg-database" }
  override_during = plan
}

override_resource {
  target          = aws_security_group.controller
  values          = { id = "sg-controller" }
  override_during = plan
}

override_resource {
  target          = aws_security_group.api_gateway[0]
  values          = { id = "sg-api-gateway" }
  override_during = plan
}

variables {
  environment = "dev"
  plain_http  = true
  region      = "eu-west-1"
  platform    = "dev"
}

run "services_call_each_other_as_they_do_at_home" {
  command = plan

  # Ports: schema/src/names.rs.
  assert {
    condition = { for path, rule in aws_vpc_security_group_ingress_rule.from_service : path => rule.from_port } == {
      loan-api-to-auth          = 8082
      loan-api-to-scoring       = 8083
      scoring-to-score-provider = 8084
    }
    error_message = "loan-api calls auth and scoring, scoring calls score-provider, each on its port."
  }

  assert {
    condition = alltrue([
      for path, rule in aws_vpc_security_group_ingress_rule.from_service :
      aws_vpc_security_group_egress_rule.to_service[path].security_group_id == rule.referenced_security_group_id &&
      aws_vpc_security_group_egress_rule.to_service[path].referenced_security_group_id == rule.security_group_id &&
      aws_vpc_security_group_egress_rule.to_service[path].from_port == rule.from_port &&
      rule.from_port == rule.to_port
    ])
    error_message = "What one group lets in, the other lets out."
  }
}

run "the_balancer_reaches_its_tasks" {
  command = plan

  assert {
    condition = { for path, rule in aws_vpc_security_group_egress_rule.balancer : path => [rule.referenced_security_group_id, rule.from_port] } == {
      loan-api       = [aws_security_group.service["loan-api"].id, 8081]
      loan-api-admin = [aws_security_group.service["loan-api"].id, 9000]
      auth           = [aws_security_group.service["auth"].id, 8082]
      auth-admin     = [aws_security_group.service["auth"].id, 9000]
    }
    error_message = "The load balancer reaches loan-api and auth, and asks their admin ports for health."
  }

  assert {
    condition = alltrue([
      for path, rule in aws_vpc_security_group_ingress_rule.from_balancer :
      rule.security_group_id == aws_vpc_security_group_egress_rule.balancer[path].referenced_security_group_id &&
      rule.referenced_security_group_id == aws_security_group.balancer.id &&
      rule.from_port == aws_vpc_security_group_egress_rule.balancer[path].from_port
    ])
    error_message = "What the load balancer lets out, the tasks let in."
  }

  assert {
    condition     = alltrue([for group in aws_lb_target_group.service : group.health_check[0].port == "9000" && group.health_check[0].path == "/readyz"])
    error_message = "Health is asked for where the rules let it through."
  }
}

run "only_the_loan_api_reaches_the_database" {
  command = plan

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.database_from_loan_api.security_group_id == aws_security_group.database.id &&
      aws_vpc_security_group_ingress_rule.database_from_loan_api.referenced_security_group_id == aws_security_group.service["loan-api"].id &&
      aws_vpc_security_group_ingress_rule.database_from_loan_api.from_port == 5432
    )
    error_message = "The database lets the loan API in on 5432."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.loan_api_to_database.security_group_id == aws_security_group.service["loan-api"].id &&
      aws_vpc_security_group_egress_rule.loan_api_to_database.referenced_security_group_id == aws_security_group.database.id &&
      aws_vpc_security_group_egress_rule.loan_api_to_database.from_port == 5432
    )
    error_message = "The loan API is let out to the database on 5432."
  }

  assert {
    condition     = aws_rds_cluster.main.vpc_security_group_ids == toset([aws_security_group.database.id])
    error_message = "The database is in its group and no other."
  }
}

run "every_task_reaches_the_apis_of_aws" {
  command = plan

  assert {
    condition     = toset(keys(aws_vpc_security_group_egress_rule.service_to_https)) == toset(["loan-api", "auth", "scoring", "score-provider"])
    error_message = "Tasks of every service get settings, images and secrets by HTTPS."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.controller_to_https.security_group_id == aws_security_group.controller.id &&
      aws_vpc_security_group_egress_rule.controller_to_https.from_port == 443
    )
    error_message = "The controller reaches the APIs of AWS by HTTPS."
  }
}

run "with_endpoints_only_who_calls_a_third_party_is_let_out" {
  command = plan

  variables { interface_endpoints = true }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.service_to_https) == ["scoring"]
    error_message = "scoring calls a third party; nobody else leaves the VPC."
  }

  assert {
    condition = alltrue([
      for name in ["loan-api", "auth", "score-provider"] :
      aws_vpc_security_group_egress_rule.service_to_endpoints[name].security_group_id == aws_security_group.service[name].id &&
      aws_vpc_security_group_egress_rule.service_to_endpoints[name].referenced_security_group_id == "sg-endpoints" &&
      aws_vpc_security_group_egress_rule.service_to_endpoints[name].from_port == 443 &&
      aws_vpc_security_group_egress_rule.service_to_s3[name].security_group_id == aws_security_group.service[name].id &&
      aws_vpc_security_group_egress_rule.service_to_s3[name].prefix_list_id == "pl-some" &&
      aws_vpc_security_group_egress_rule.service_to_s3[name].from_port == 443
    ])
    error_message = "The others reach the endpoints and S3."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.security_group_ids == toset(["sg-endpoints"])])
    error_message = "The endpoints are behind the group that the rules name."
  }
}

run "behind_api_gateway_nobody_else_comes_in" {
  command = plan

  variables { api_gateway = true }

  assert {
    condition     = aws_lb.main.internal && length(aws_vpc_security_group_ingress_rule.clients) == 0
    error_message = "The load balancer is internal, and clients do not reach it."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.api_gateway[0].referenced_security_group_id == aws_security_group.api_gateway[0].id &&
      aws_vpc_security_group_egress_rule.api_gateway[0].referenced_security_group_id == aws_security_group.balancer.id
    )
    error_message = "The link reaches the load balancer."
  }
}
