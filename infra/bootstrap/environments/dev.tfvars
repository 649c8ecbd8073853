# To try things out: one zone's worth of NAT, a small database that may pause, HTTP without a certificate.
environment = "dev"
region      = "eu-west-1"
platform    = "dev"

plain_http = true

deletion_protection  = false
nat_gateway_per_zone = false
log_retention_days   = 14
container_insights   = "enabled"

database = {
  instances          = 1
  min_capacity       = 0
  max_capacity       = 2
  backup_days        = 7
  monitoring_seconds = 0
}

stand_in_provider  = true
monthly_budget_usd = 250

tags = { CostCentre = "lending" }
