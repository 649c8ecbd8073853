mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "dev"
  plain_http  = true
  region      = "eu-west-1"
  platform    = "dev"
}

run "the_agreed_blocks_in_two_zones" {
  command = plan

  assert {
    condition     = aws_vpc.main.cidr_block == "10.0.0.0/16"
    error_message = "The VPC is 10.0.0.0/16."
  }

  assert {
    condition     = [for zone in ["eu-west-1a", "eu-west-1b"] : aws_subnet.public[zone].cidr_block] == ["10.0.0.0/24", "10.0.1.0/24"]
    error_message = "Public subnets are 10.0.0.0/24 and 10.0.1.0/24."
  }

  assert {
    condition     = [for zone in ["eu-west-1a", "eu-west-1b"] : aws_subnet.private[zone].cidr_block] == ["10.0.10.0/24", "10.0.11.0/24"]
    error_message = "Private subnets are 10.0.10.0/24 and 10.0.11.0/24."
  }

  assert {
    condition     = [for zone in ["eu-west-1a", "eu-west-1b"] : aws_subnet.database[zone].cidr_block] == ["10.0.20.0/24", "10.0.21.0/24"]
    error_message = "Database subnets are 10.0.20.0/24 and 10.0.21.0/24."
  }

  assert {
    condition = length(distinct(flatten([
      for subnets in [aws_subnet.public, aws_subnet.private, aws_subnet.database] : [for subnet in subnets : subnet.cidr_block]
    ]))) == 6
    error_message = "No two subnets overlap."
  }

  assert {
    condition     = alltrue([for subnets in [aws_subnet.public, aws_subnet.private, aws_subnet.database] : alltrue([for subnet in subnets : subnet.map_public_ip_on_launch != true])])
    error_message = "No subnet gives out public addresses by itself."
  }

  assert {
    condition     = aws_flow_log.main.traffic_type == "ALL"
    error_message = "Flow logs are of all traffic."
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway"
    error_message = "S3 is reached by a gateway endpoint."
  }
}

run "a_nat_gateway_in_each_zone" {
  command = plan

  variables { nat_gateway_per_zone = true }

  assert {
    condition     = length(aws_nat_gateway.main) == 2 && length(aws_route.private_to_nat) == 2
    error_message = "Each zone has a NAT gateway and a route to it."
  }
}

run "one_nat_gateway_for_all" {
  command = plan

  variables { nat_gateway_per_zone = false }

  assert {
    condition     = length(aws_nat_gateway.main) == 1 && length(aws_route.private_to_nat) == 2
    error_message = "Both zones go out through the one NAT gateway."
  }
}

run "endpoints_of_the_services_that_are_called" {
  command = plan

  variables { interface_endpoints = true }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["application-autoscaling", "ecr.api", "ecr.dkr", "ecs", "logs", "monitoring", "secretsmanager", "sqs"])
    error_message = "There is an endpoint for each AWS API that tasks call."
  }
}

run "no_endpoints_unless_asked_for" {
  command = plan

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 0
    error_message = "Interface endpoints cost by the hour."
  }
}
