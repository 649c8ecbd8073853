# Alarms about the controller and what it stands on. Those of platforms are the controller's, from their specs, and are
# called LoanPlatform/…: none here may be, or the controller would take it for its own.

locals {
  # Metrics that the controller writes to its log once a minute. Source: controller/loanctl/src/controller/emf.rs; what
  # each means and when it is bad: ARCHITECTURE.md, "The controller's own metrics". All tasks write to one dimension:
  # of what stands the maximum is that of the one that works.
  controller_alarms = {
    no-leader = {
      says       = "No controller holds the lease: platforms are not kept, and no bad change is taken back."
      metric     = "LeaseHeld"
      statistic  = "Maximum"
      comparison = "LessThanThreshold"
      threshold  = 1
      minutes    = 3
      # Silence is the worst of it.
      missing = "breaching"
    }
    two-leaders = {
      says       = "More than one controller holds the lease: stop one of them."
      metric     = "LeaseHeld"
      statistic  = "Sum"
      comparison = "GreaterThanThreshold"
      threshold  = 1
      # A record a minute drifts: now and then two of one task fall into the same minute, but not five times running.
      minutes = 5
      missing = "notBreaching"
    }
    specs-stale = {
      says       = "Spec files have not been listed for more than 90 s, three polls and a minute: S3 does not answer."
      metric     = "SpecsAge"
      statistic  = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold  = 90
      minutes    = 3
      # There is none while nobody leads, and that has an alarm of its own.
      missing = "notBreaching"
    }
    platforms-stale = {
      says       = "No platform has been looked at for more than two resyncs: ECS or CloudWatch does not answer."
      metric     = "PlatformsAge"
      statistic  = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold  = 600
      minutes    = 3
      missing    = "notBreaching"
    }
    rollback-failed = {
      says       = "A scoring change could not be taken back, and it goes on being tried: loanctl history PLATFORM says why. Act now."
      metric     = "FailedRollbacks"
      statistic  = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 1
      missing    = "notBreaching"
    }
    reconciling-fails = {
      says       = "Rounds have failed in each of 15 minutes: loanctl status says of which platform and why."
      metric     = "ReconcileFailures"
      statistic  = "Sum"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 15
      missing    = "notBreaching"
    }
    drift = {
      says       = "Something is otherwise than specified for half an hour: it is not put right, or comes back."
      metric     = "DriftedPlatforms"
      statistic  = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 30
      missing    = "notBreaching"
    }
    throttled = {
      says       = "AWS has throttled calls in each of 15 minutes: have the quota raised, or lower --quota-share."
      metric     = "ThrottledCalls"
      statistic  = "Sum"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 15
      missing    = "notBreaching"
    }
    queue-unread = {
      says       = "The queue cannot be read: changes are found by polling meanwhile."
      metric     = "FailedQueuePolls"
      statistic  = "Sum"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 10
      missing    = "notBreaching"
    }
    missed-events = {
      says       = "Changes were found that no message told of: a rule or the queue's policy is broken."
      metric     = "MissedEvents"
      statistic  = "Sum"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 30
      missing    = "notBreaching"
    }
    orphans = {
      says       = "There are services of no platform: they cost money and nobody keeps them."
      metric     = "OrphanedServices"
      statistic  = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      minutes    = 60
      missing    = "notBreaching"
    }
  }

  has_insights = var.container_insights != "disabled"
}

resource "aws_cloudwatch_metric_alarm" "controller" {
  for_each = local.has_controller ? local.controller_alarms : {}

  alarm_name          = "${local.controller_name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = "LoanPlatform/Controller"
  metric_name         = each.value.metric
  dimensions          = { Store = local.bucket_name }
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.minutes
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.notifications.arn]
  ok_actions          = [aws_sns_topic.notifications.arn]
}

resource "aws_cloudwatch_metric_alarm" "platform_not_ready" {
  count = local.has_controller ? 1 : 0

  alarm_name          = "${local.controller_name}-platform-not-ready"
  alarm_description   = "A platform has not been ready for an hour: loanctl status says which and why."
  evaluation_periods  = 60
  datapoints_to_alarm = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.notifications.arn]
  ok_actions          = [aws_sns_topic.notifications.arn]

  metric_query {
    id          = "unready"
    label       = "Platforms that are not ready"
    expression  = "platforms - ready"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { platforms = "Platforms", ready = "ReadyPlatforms" }

    content {
      id = metric_query.key

      metric {
        namespace   = "LoanPlatform/Controller"
        metric_name = metric_query.value
        dimensions  = { Store = local.bucket_name }
        stat        = "Maximum"
        period      = 60
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "standby_missing" {
  count = local.has_controller && local.has_insights ? 1 : 0

  alarm_name          = "${local.controller_name}-standby-missing"
  alarm_description   = "Fewer controllers run than should for ten minutes: nobody may be there to take over."
  namespace           = "ECS/ContainerInsights"
  metric_name         = "RunningTaskCount"
  dimensions          = { ClusterName = local.cluster_name, ServiceName = local.controller_name }
  statistic           = "Minimum"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  comparison_operator = "LessThanThreshold"
  threshold           = var.controller.tasks
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.notifications.arn]
  ok_actions          = [aws_sns_topic.notifications.arn]
}

# ---- The queue -----------------------------------------------------------------------------------------------------

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${local.name}-hints-dead"
  alarm_description   = "Messages could not be delivered to the controller, or it could not delete them: look at one in the queue of dead letters."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.notifications.arn]
  ok_actions          = [aws_sns_topic.notifications.arn]
}

resource "aws_cloudwatch_metric_alarm" "hints_wait" {
  count = local.has_controller ? 1 : 0

  alarm_name          = "${local.name}-hints-wait"
  alarm_description   = "Messages have waited for more than five minutes: no controller takes them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.hints.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = 300
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.notifications.arn]
  ok_actions          = [aws_sns_topic.notifications.arn]
}

# ---- The database --------------------------------------------------------------------------------------------------

resource "aws_cloudwatch_metric_alarm" "database_at_its_limit" {
  alarm_name          = "${local.name}-database-at-its-limit"
  alarm_description   = "The database has used more than 90 % of the capacity it may grow to, for ten minutes: raise database.max_capacity."
  namespace           = "AWS/RDS"
  metric_name         = "ACUUtilization"
  dimensions          = { DBClusterIdentifier = aws_rds_cluster.main.cluster_identifier }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 10
  comparison_operator = "GreaterThanThreshold"
  threshold           = 90
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.notifications.arn]
  ok_actions          = [aws_sns_topic.notifications.arn]
}
