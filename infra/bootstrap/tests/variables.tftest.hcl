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

# Each of them is wrong in one way, and each is named.
run "what_could_not_work_is_refused" {
  command = plan

  variables {
    project              = "Loan"
    environment          = "production-of-tomorrow"
    region               = "europe"
    platform             = "Loans"
    vpc_cidr             = "10.0.0.0/20"
    client_cidrs         = ["everywhere"]
    web_acl_arn          = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b"
    architecture         = "arm64"
    container_insights   = "on"
    database_login       = "iam"
    log_retention_days   = 45
    controller_image     = "registry.example/loanctl:latest"
    otel_collector_image = "registry.example/collector:latest"
    otel_collector_tasks = 0
    controller           = { cpu = 256, memory = 4096 }
    database             = { min_capacity = 0.3 }
    monthly_budget_usd   = 0

    # A session comes and goes; the role behind it stays.
    terraform_role_arns = ["arn:aws:sts::123456789012:assumed-role/terraform/me"]

    # Any branch could write specs.
    ci = { issuer_url = "https://issuer.example", subjects = ["repo:lender/*"] }
  }

  expect_failures = [
    var.project, var.environment, var.region, var.platform, var.vpc_cidr, var.client_cidrs, var.web_acl_arn, var.architecture,
    var.container_insights, var.database_login, var.log_retention_days, var.controller_image, var.otel_collector_image, var.otel_collector_tasks, var.controller,
    var.database, var.monthly_budget_usd, var.terraform_role_arns, var.ci,
  ]
}

run "a_certificate_has_a_domain" {
  command = plan

  variables { certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000" }

  expect_failures = [var.certificate_arn]
}

run "clients_do_not_come_in_the_clear_by_mistake" {
  command = plan

  variables { plain_http = false }

  expect_failures = [var.certificate_arn]
}

run "api_gateway_has_https_of_its_own" {
  command = plan

  variables {
    plain_http  = false
    api_gateway = true
  }

  assert {
    condition     = startswith(output.endpoint, "https://")
    error_message = "Clients come by HTTPS."
  }
}

run "the_trail_is_not_locked_for_longer_than_it_is_kept" {
  command = plan

  variables {
    cloudtrail         = true
    log_retention_days = 30
    trail_lock_days    = 60
  }

  expect_failures = [var.trail_lock_days]
}

run "the_trail_is_locked_for_whole_days" {
  command = plan

  variables { trail_lock_days = 0 }

  expect_failures = [var.trail_lock_days]
}

run "the_databases_version_is_told_in_full" {
  command = plan

  variables { database = { engine_version = "17" } }

  expect_failures = [var.database]
}
