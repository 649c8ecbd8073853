# Everything that is optional, for the checks alone. It goes on top of environments/production.tfvars.

controller_image     = "registry.example/loanctl@sha256:0000000000000000000000000000000000000000000000000000000000000000"
otel_collector_image = "registry.example/collector@sha256:0000000000000000000000000000000000000000000000000000000000000000"

certificate_arn = "arn:aws:acm:eu-west-1:000000000000:certificate/00000000-0000-0000-0000-000000000000"
domain_name     = "loans.example.com"
api_gateway     = true
web_acl_arn     = "arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/example/00000000-0000-0000-0000-000000000000"

stand_in_provider   = true
interface_endpoints = true
cloudtrail          = true
monthly_budget_usd  = 1000
notification_emails = ["operations@example.com"]

ci = {
  issuer_url = "https://pipelines.example.com"
  subjects   = ["repo:lender/specs:ref:refs/heads/main"]
}
