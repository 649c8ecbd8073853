# What policies say, before they are rendered. What they amount to is simulated by infra/check.

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

run "no_role_may_do_anything_by_a_wildcard" {
  command = plan

  variables {
    otel_collector_image = "registry.example/collector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  assert {
    condition = alltrue([
      for document in concat(
        values(data.aws_iam_policy_document.service),
        values(data.aws_iam_policy_document.execution),
        data.aws_iam_policy_document.otel_collector,
        [data.aws_iam_policy_document.controller, data.aws_iam_policy_document.flow_logs],
      ) : alltrue([for it in document.statement : alltrue([for action in it.actions : !strcontains(action, "*")])])
    ])
    error_message = "Every action is named."
  }
}

run "the_controller_passes_named_roles_only" {
  command = plan

  assert {
    condition = alltrue([
      for it in data.aws_iam_policy_document.controller.statement :
      alltrue([for resource in it.resources : !strcontains(resource, "*")]) && one(it.condition).variable == "iam:PassedToService"
      if contains(it.actions, "iam:PassRole")
    ])
    error_message = "iam:PassRole is for whole ARNs, and for tasks."
  }

  # IAM knows no resource for these. Source: Service Authorization Reference.
  assert {
    condition = toset(flatten([for it in data.aws_iam_policy_document.controller.statement : it.actions if contains(it.resources, "*")])) == toset([
      "ecs:ListServices", "ecs:DescribeTaskDefinition",
      "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies",
      "cloudwatch:GetMetricData", "cloudwatch:ListDashboards",
    ])
    error_message = "Only reading is allowed of everything."
  }
}

run "a_service_reads_its_settings_and_no_others" {
  command = plan

  assert {
    condition = alltrue([
      for name, document in data.aws_iam_policy_document.service :
      flatten([for it in document.statement : it.resources if contains(it.actions, "s3:GetObject")]) == ["arn:aws:s3:::loan-dev-specs-123456789012/settings/*/${name}.json"]
    ])
    error_message = "Each service reads its own settings document, of any platform."
  }

  assert {
    condition     = [for name, document in data.aws_iam_policy_document.service : name if contains(flatten(document.statement[*].actions), "rds-db:connect")] == ["loan-api"]
    error_message = "Only the loan API logs in to the database."
  }
}

run "with_a_secret_nobody_logs_in_by_iam" {
  command = plan

  variables { database_login = "Secret" }

  assert {
    condition     = !anytrue([for document in data.aws_iam_policy_document.service : contains(flatten(document.statement[*].actions), "rds-db:connect")])
    error_message = "The password is injected instead."
  }

  assert {
    condition = [
      for name, document in data.aws_iam_policy_document.execution : name
      if contains(flatten(document.statement[*].resources), "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds-some")
    ] == ["loan-api"]
    error_message = "The role that starts the loan API reads it, and no other."
  }
}

run "a_service_is_started_with_its_own_secrets" {
  command = plan

  assert {
    condition = [
      for name, document in data.aws_iam_policy_document.execution : name
      if length(setintersection(flatten(document.statement[*].actions), ["secretsmanager:GetSecretValue", "kms:Decrypt"])) > 0
    ] == ["auth"]
    error_message = "With IAM for the database, auth's role alone reads secrets and decrypts."
  }

  assert {
    condition = alltrue([
      for name in ["loan-api", "auth", "scoring", "score-provider"] :
      anytrue([for it in data.aws_iam_policy_document.execution[name].statement : it.sid == "WriteLogs" && endswith(one(it.resources), ":log-stream:*/${name}/*")])
    ])
    error_message = "Each writes to streams of its own container."
  }

  assert {
    condition = toset(values(local.infrastructure.defaults.roles.execution)) == toset([
      for name in keys(local.services) : aws_iam_role.execution[name].arn
    ]) && keys(local.infrastructure.defaults.roles.execution) == keys(local.infrastructure.defaults.roles.tasks)
    error_message = "The controller is told of each."
  }
}

run "the_pipeline_writes_specs_and_nothing_else" {
  command = plan

  variables {
    ci = { issuer_url = "https://issuer.example", subjects = ["repo:lender/specs:ref:refs/heads/main"] }
  }

  assert {
    condition = flatten([for it in data.aws_iam_policy_document.ci_specs[0].statement : it.resources if contains(it.actions, "s3:PutObject")]) == [
      "arn:aws:s3:::loan-dev-specs-123456789012/specs/*",
    ]
    error_message = "It writes below specs/."
  }

  assert {
    condition = anytrue([
      for it in one(data.aws_iam_policy_document.ci_trust[0].statement).condition :
      it.test == "StringEquals" && it.variable == "issuer.example:sub" && it.values == tolist(["repo:lender/specs:ref:refs/heads/main"])
    ])
    error_message = "Only the named branch takes the role."
  }
}
