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

run "the_database_is_as_a_bank_has_it" {
  command = plan

  assert {
    condition     = aws_rds_cluster.main.storage_encrypted && aws_rds_cluster.main.manage_master_user_password && aws_rds_cluster.main.iam_database_authentication_enabled
    error_message = "Encrypted, its password kept by RDS, with IAM authentication."
  }

  assert {
    condition     = contains([for it in aws_rds_cluster_parameter_group.main.parameter : "${it.name}=${it.value}"], "rds.force_ssl=1")
    error_message = "TLS is forced."
  }

  assert {
    condition     = contains([for it in aws_rds_cluster_parameter_group.main.parameter : it.name], "log_min_duration_statement")
    error_message = "Slow statements are logged."
  }

  assert {
    condition     = aws_rds_cluster.main.enabled_cloudwatch_logs_exports == toset(["postgresql"])
    error_message = "PostgreSQL's log is exported."
  }

  assert {
    condition     = aws_rds_cluster.main.deletion_protection && !aws_rds_cluster.main.skip_final_snapshot && aws_lb.main.enable_deletion_protection
    error_message = "Database and load balancer are protected unless it is switched off."
  }

  assert {
    condition     = length(aws_rds_cluster_instance.main) == 2 && alltrue([for it in aws_rds_cluster_instance.main : !it.publicly_accessible && it.performance_insights_enabled])
    error_message = "Two instances, not public, with Performance Insights."
  }

  assert {
    condition     = alltrue([for it in aws_rds_cluster_instance.main : it.auto_minor_version_upgrade]) && aws_rds_cluster_parameter_group.main.family == "aurora-postgresql17"
    error_message = "Minor upgrades are RDS's to make, and parameters are those of the major version."
  }

  assert {
    condition     = aws_rds_cluster_instance.main[0].availability_zone != aws_rds_cluster_instance.main[1].availability_zone
    error_message = "One instance in each zone."
  }
}

run "buckets_are_private" {
  command = plan

  assert {
    condition = alltrue([
      for it in [aws_s3_bucket_public_access_block.specs, aws_s3_bucket_public_access_block.logs] :
      it.block_public_acls && it.block_public_policy && it.ignore_public_acls && it.restrict_public_buckets
    ])
    error_message = "All four blocks of public access are on, for both buckets."
  }

  assert {
    condition     = aws_s3_bucket_versioning.specs.versioning_configuration[0].status == "Enabled" && aws_s3_bucket_notification.specs.eventbridge
    error_message = "The spec bucket keeps versions and tells EventBridge."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.specs.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "The spec bucket has a key of its own."
  }

  assert {
    condition     = alltrue([for it in data.aws_iam_policy_document.specs_bucket.statement : it.effect == "Deny"])
    error_message = "The spec bucket's policy only takes away: what is allowed stands with each role."
  }

  assert {
    condition     = toset([for it in data.aws_iam_policy_document.specs_bucket.statement : it.sid]) == toset(["TlsOnly", "SpecsArePeoples", "SpecsBesideVerify", "StateIsControllers", "BootstrapIsTerraform", "OnConditionAlone"])
    error_message = "TLS only, one writer a prefix, and the controller's writes on condition."
  }
}

run "the_trail_outlasts_who_it_tells_of" {
  command = plan

  variables {
    cloudtrail         = true
    log_retention_days = 90
    trail_lock_days    = 60
  }

  assert {
    condition     = aws_cloudtrail.main[0].is_multi_region_trail && aws_cloudtrail.main[0].enable_log_file_validation
    error_message = "It records all regions, IAM's events among them, and signs its files."
  }

  assert {
    condition     = aws_s3_bucket.trail[0].object_lock_enabled && one(aws_s3_bucket_versioning.trail[0].versioning_configuration).status == "Enabled"
    error_message = "Its bucket keeps versions, and locks them."
  }

  assert {
    condition     = alltrue([for it in one(aws_s3_bucket_object_lock_configuration.trail[0].rule).default_retention : it.mode == "GOVERNANCE" && it.days == 60])
    error_message = "Each file is locked for trail_lock_days."
  }

  assert {
    condition = alltrue([
      for it in aws_s3_bucket_public_access_block.trail :
      it.block_public_acls && it.block_public_policy && it.ignore_public_acls && it.restrict_public_buckets
    ])
    error_message = "All four blocks of public access are on."
  }
}

run "people_are_told_of_changes" {
  command = plan

  variables { cloudtrail = true }

  assert {
    condition     = length(setsubtract(["filters", "ways", "connections", "network", "keys", "buckets", "trail", "roles"], keys(aws_cloudwatch_event_target.watched))) == 0
    error_message = "The network, keys, buckets, the trail and roles."
  }

  assert {
    condition     = alltrue([for it in aws_cloudwatch_event_target.watched : it.arn == aws_sns_topic.notifications.arn])
    error_message = "They are told by the topic."
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.forwarded[0].region == "us-east-1" && aws_cloudwatch_event_target.forwarded[0].region == "us-east-1" &&
      aws_cloudwatch_event_target.forwarded[0].arn == "arn:aws:events:eu-west-1:123456789012:event-bus/default" &&
      aws_cloudwatch_event_rule.forwarded[0].event_pattern == aws_cloudwatch_event_rule.watched["roles"].event_pattern
    )
    error_message = "IAM tells of its changes in us-east-1; from there they come here, to the rule that waits for them."
  }
}

run "where_iam_tells_of_itself_nothing_is_sent_on" {
  command = plan

  variables {
    cloudtrail = true
    region     = "us-east-1"
  }

  override_data {
    target          = data.aws_region.current
    values          = { region = "us-east-1" }
    override_during = plan
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.forwarded) == 0 && contains(keys(aws_cloudwatch_event_rule.watched), "roles")
    error_message = "The rule hears IAM itself."
  }
}

run "what_is_at_rest_is_encrypted" {
  command = plan

  assert {
    condition     = alltrue([for it in [aws_kms_key.storage, aws_kms_key.logs, aws_kms_key.messages] : it.enable_key_rotation])
    error_message = "Keys rotate."
  }

  assert {
    condition     = alltrue([for it in aws_cloudwatch_log_group.main : it.kms_key_id == aws_kms_key.logs.arn && it.retention_in_days == 30])
    error_message = "Log groups have a key and a retention."
  }

  assert {
    condition     = alltrue([for it in aws_ecr_repository.main : it.image_tag_mutability == "IMMUTABLE" && it.image_scanning_configuration[0].scan_on_push])
    error_message = "Tags cannot be moved, and images are scanned."
  }

  assert {
    condition     = aws_sqs_queue.hints.kms_master_key_id == aws_kms_key.messages.arn && aws_sns_topic.notifications.kms_master_key_id == aws_kms_key.messages.arn
    error_message = "Queue and topic are encrypted with the key that their senders may use."
  }
}

run "without_a_certificate_there_is_http" {
  command = plan

  assert {
    condition     = length(aws_lb_listener.https) == 0 && aws_lb_listener.http.default_action[0].type == "fixed-response"
    error_message = "HTTP serves, and answers 404 to what is nobody's."
  }
}

run "with_a_certificate_http_redirects" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    domain_name     = "loans.example.com"
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "Port 80 redirects."
  }

  assert {
    condition     = startswith(aws_lb_listener.https[0].ssl_policy, "ELBSecurityPolicy-TLS13-1-2")
    error_message = "TLS 1.2 at least."
  }

  assert {
    condition     = { for name, rule in aws_lb_listener_rule.service : name => one(one(rule.condition).path_pattern).values } == { auth = toset(["/oauth/*"]), loan-api = toset(["/loan/*"]) }
    error_message = "/oauth/ goes to auth, /loan/ to the loan API."
  }
}
