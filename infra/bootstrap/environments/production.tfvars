# Where money is lent. certificate_arn, domain_name, terraform_role_arns, ci and notification_emails are the account's
# own: keep them in a file of yours and pass both.
environment = "production"
region      = "eu-west-1"
platform    = "production"

# HTTPS from the first day. With a certificate and a domain, false leads clients to the load balancer directly.
api_gateway = true

deletion_protection  = true
nat_gateway_per_zone = true
interface_endpoints  = true
log_retention_days   = 365
container_insights   = "enhanced"

database = {
  instances    = 2
  min_capacity = 1
  max_capacity = 16
  backup_days  = 35
  # Closed but for the minutes in which the loan API's user is made: docs/aws.md, step 2.
  data_api = false
}

controller = {
  tasks  = 2
  cpu    = 512
  memory = 1024
}

# Once there is an otel_collector_image.
otel_collector_tasks = 2

# Scores come from a third party.
stand_in_provider  = false
cloudtrail         = true
trail_lock_days    = 365
monthly_budget_usd = 2000

tags = { CostCentre = "lending" }
