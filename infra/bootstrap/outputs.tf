output "region" {
  description = "Region of everything."
  value       = local.region
}

output "store" {
  description = "The spec bucket as loanctl takes it: --store."
  value       = "s3://${aws_s3_bucket.specs.id}"
}

output "queue" {
  description = "The queue of hints as loanctl takes it: --queue."
  value       = aws_sqs_queue.hints.url
}

output "infrastructure" {
  description = "What bootstrap/infrastructure.json says."
  value       = local.infrastructure
}

output "registry" {
  description = "What images are pushed under: REGISTRY/loan-api, REGISTRY/loanctl."
  value       = local.registry
}

output "endpoint" {
  description = "Address at which clients reach the loan API."
  value       = local.endpoint
}

output "load_balancer" {
  description = "Host name and hosted zone of the load balancer, for an alias record of domain_name."
  value       = { dns_name = aws_lb.main.dns_name, zone_id = aws_lb.main.zone_id }
}

output "cluster" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.main.name
}

output "controller_service" {
  description = "Name of the controller's service in the cluster; null before there is an image."
  value       = one(aws_ecs_service.controller[*].name)
}

output "controller_network" {
  description = "Subnets and security groups for a task like the controller's: loanctl verify."
  value = {
    subnets         = [for subnet in aws_subnet.private : subnet.id]
    security_groups = [aws_security_group.controller.id]
  }
}

output "auth_secrets" {
  description = "ARNs of the auth service's secrets, whose values a person puts in."
  value       = { for name, secret in aws_secretsmanager_secret.auth : name => secret.arn }
}

output "database" {
  description = "The database for the Data API: ARN of the cluster, ARN of the master user's secret, name, and user of the loan API."
  value = {
    cluster_arn       = aws_rds_cluster.main.arn
    master_secret_arn = local.database_secret_arn
    name              = local.database_name
    user              = local.database_user
  }
}

output "ci_role" {
  description = "ARN of the role with which the pipeline writes specs; null without one."
  value       = one(aws_iam_role.ci_specs[*].arn)
}

output "notification_topic" {
  description = "ARN of the topic that tells people, to subscribe a pager or a chat to."
  value       = aws_sns_topic.notifications.arn
}

output "log_groups" {
  description = "Log groups by what writes to them."
  value       = { for name, group in aws_cloudwatch_log_group.main : name => group.name }
}
