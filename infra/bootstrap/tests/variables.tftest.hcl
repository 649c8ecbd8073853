mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "dev"
  region      = "eu-west-1"
  platform    = "dev"
}

run "names_are_short_and_plain" {
  command = plan

  variables {
    environment = "Production of tomorrow"
    platform    = "Loans"
    region      = "europe"
  }

  expect_failures = [var.environment, var.platform, var.region]
}

run "the_vpc_is_a_16" {
  command = plan

  variables { vpc_cidr = "10.0.0.0/20" }

  expect_failures = [var.vpc_cidr]
}

run "clients_come_from_blocks" {
  command = plan

  variables { client_cidrs = ["everywhere"] }

  expect_failures = [var.client_cidrs]
}

run "an_image_is_named_by_digest" {
  command = plan

  variables { controller_image = "registry.example/loanctl:latest" }

  expect_failures = [var.controller_image]
}

run "fargate_knows_pairs_of_cpu_and_memory" {
  command = plan

  variables { controller = { cpu = 256, memory = 4096 } }

  expect_failures = [var.controller]
}

run "a_certificate_has_a_domain" {
  command = plan

  variables { certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000" }

  expect_failures = [var.certificate_arn]
}

run "a_pipeline_is_named_in_full" {
  command = plan

  variables { ci = { issuer_url = "https://issuer.example", subjects = ["repo:lender/*"] } }

  expect_failures = [var.ci]
}

run "capacity_goes_in_halves" {
  command = plan

  variables { database = { min_capacity = 0.3 } }

  expect_failures = [var.database]
}

run "retention_is_one_that_cloudwatch_knows" {
  command = plan

  variables { log_retention_days = 45 }

  expect_failures = [var.log_retention_days]
}

run "terraform_is_a_role_and_no_session" {
  command = plan

  variables { terraform_role_arns = ["arn:aws:sts::123456789012:assumed-role/terraform/me"] }

  expect_failures = [var.terraform_role_arns]
}
