locals {
  name = "${var.project}-${var.environment}"

  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  zones     = slice(data.aws_availability_zones.available.names, 0, 2)

  # The four services by the name that they have in images, ports and ECS. Source: schema/src/names.rs.
  # `key` is the name in documents; `callers` are the services that call it.
  all_services = {
    loan-api       = { key = "loanApi", port = 8081, callers = [] }
    auth           = { key = "auth", port = 8082, callers = ["loan-api"] }
    scoring        = { key = "scoring", port = 8083, callers = ["loan-api"] }
    score-provider = { key = "scoreProvider", port = 8084, callers = ["scoring"] }
  }
  services = { for name, it in local.all_services : name => it if name != "score-provider" || var.stand_in_provider }

  # Health, readiness and metrics of every task. Source: controller/aws/src/ecs/environment.rs.
  admin_port    = 9000
  database_port = 5432

  database_name = "loans_db"
  database_user = "loan_api"

  # Known before anything is made, so that policies and keys can name what depends on them.
  cluster_name = local.name
  bucket_name  = "${local.name}-specs-${local.account}"
  bucket_arn   = "arn:${local.partition}:s3:::${local.bucket_name}"
  trail_name   = "${local.name}-specs"

  has_controller = var.controller_image != null
  has_tls        = var.certificate_arn != null
  has_traces     = var.otel_collector_image != null
}
