# Who may talk to whom. Rules name groups, not addresses, and whatever is not here is refused:
#
#   clients (or API Gateway's link) → load balancer → loan-api, auth
#   loan-api → auth, scoring; scoring → score-provider; loan-api → database
#   every service → the collector of traces, where there is one
#   every task → HTTPS anywhere: AWS, and for scoring the third party
#
# With interface_endpoints, services that call no third party reach nothing but AWS: the endpoints in the VPC, and S3.
# Without them AWS has no addresses that a rule could name: its APIs are anywhere on the internet.

locals {
  # Whom a spec may lead anywhere: scoring.clients.provider.url.
  calls_third_parties = toset(["scoring"])

  kept_in = toset(var.interface_endpoints ? [for name in keys(local.services) : name if !contains(local.calls_third_parties, name)] : [])
  let_out = setsubtract(keys(local.services), local.kept_in)

  behind_balancer = toset(["loan-api", "auth"])

  # One entry a path between services: "loan-api-to-auth".
  calls = merge([
    for name, it in local.services : {
      for caller in it.callers : "${caller}-to-${name}" => { from = caller, to = name, port = it.port }
    }
  ]...)

  # What the load balancer reaches: the service's port, and for its health checks the admin port.
  balancer_paths = merge([
    for name in local.behind_balancer : {
      "${name}"       = { to = name, port = local.services[name].port, what = "requests" }
      "${name}-admin" = { to = name, port = local.admin_port, what = "health checks" }
    }
  ]...)

  listener_ports = toset(local.has_tls ? ["80", "443"] : ["80"])
}

# ---- Load balancer -------------------------------------------------------------------------------------------------

resource "aws_security_group" "balancer" {
  name        = "${local.name}-balancer"
  description = "The load balancer"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.api_gateway ? {} : { for it in setproduct(local.listener_ports, var.client_cidrs) : join(" ", it) => { port = it[0], cidr = it[1] } }

  security_group_id = aws_security_group.balancer.id
  description       = "Clients; port 80 redirects to 443 where there is a certificate"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value.port)
  to_port           = tonumber(each.value.port)
  cidr_ipv4         = each.value.cidr
}

resource "aws_vpc_security_group_ingress_rule" "api_gateway" {
  count = var.api_gateway ? 1 : 0

  security_group_id            = aws_security_group.balancer.id
  description                  = "API Gateway through its VPC link"
  ip_protocol                  = "tcp"
  from_port                    = local.has_tls ? 443 : 80
  to_port                      = local.has_tls ? 443 : 80
  referenced_security_group_id = aws_security_group.api_gateway[0].id
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  for_each = local.balancer_paths

  security_group_id            = aws_security_group.balancer.id
  description                  = "To ${each.value.to}: ${each.value.what}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = aws_security_group.service[each.value.to].id
}

# ---- API Gateway ---------------------------------------------------------------------------------------------------

resource "aws_security_group" "api_gateway" {
  count = var.api_gateway ? 1 : 0

  name        = "${local.name}-api-gateway"
  description = "The link of API Gateway into the VPC"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-api-gateway" }
}

resource "aws_vpc_security_group_egress_rule" "api_gateway" {
  count = var.api_gateway ? 1 : 0

  security_group_id            = aws_security_group.api_gateway[0].id
  description                  = "To the load balancer"
  ip_protocol                  = "tcp"
  from_port                    = local.has_tls ? 443 : 80
  to_port                      = local.has_tls ? 443 : 80
  referenced_security_group_id = aws_security_group.balancer.id
}

# ---- Services ------------------------------------------------------------------------------------------------------

resource "aws_security_group" "service" {
  # checkov:skip=CKV2_AWS_5:The controller puts tasks into them, by infrastructure.json.
  for_each = local.services

  name        = "${local.name}-${each.key}"
  description = "Tasks of ${each.key}"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "from_balancer" {
  for_each = local.balancer_paths

  security_group_id            = aws_security_group.service[each.value.to].id
  description                  = "From the load balancer: ${each.value.what}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = aws_security_group.balancer.id
}

# Service Connect's proxies listen on the service's own port in every task, so these are the ports of the spec.
resource "aws_vpc_security_group_ingress_rule" "from_service" {
  for_each = local.calls

  security_group_id            = aws_security_group.service[each.value.to].id
  description                  = "From ${each.value.from}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = aws_security_group.service[each.value.from].id
}

resource "aws_vpc_security_group_egress_rule" "to_service" {
  for_each = local.calls

  security_group_id            = aws_security_group.service[each.value.from].id
  description                  = "To ${each.value.to}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = aws_security_group.service[each.value.to].id
}

resource "aws_vpc_security_group_egress_rule" "service_to_https" {
  for_each = local.let_out

  security_group_id = aws_security_group.service[each.key].id
  description       = "HTTPS: settings in S3, images, logs and secrets; for scoring the third party"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "service_to_endpoints" {
  for_each = local.kept_in

  security_group_id            = aws_security_group.service[each.key].id
  description                  = "AWS APIs inside the VPC: images, logs and secrets"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.endpoints.id
}

resource "aws_vpc_security_group_egress_rule" "service_to_s3" {
  for_each = local.kept_in

  security_group_id = aws_security_group.service[each.key].id
  description       = "S3 through its gateway: settings, and the layers of images"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
}

# ---- Collector of traces -------------------------------------------------------------------------------------------

resource "aws_security_group" "otel_collector" {
  count = local.has_traces ? 1 : 0

  name        = "${local.name}-otel-collector"
  description = "Tasks of the collector of traces"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-otel-collector" }
}

resource "aws_vpc_security_group_ingress_rule" "traces_from_service" {
  for_each = local.traced_services

  security_group_id            = aws_security_group.otel_collector[0].id
  description                  = "Traces from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = local.otlp_port
  to_port                      = local.otlp_port
  referenced_security_group_id = aws_security_group.service[each.key].id
}

resource "aws_vpc_security_group_egress_rule" "service_to_traces" {
  for_each = local.traced_services

  security_group_id            = aws_security_group.service[each.key].id
  description                  = "Traces to the collector"
  ip_protocol                  = "tcp"
  from_port                    = local.otlp_port
  to_port                      = local.otlp_port
  referenced_security_group_id = aws_security_group.otel_collector[0].id
}

resource "aws_vpc_security_group_egress_rule" "otel_collector_to_https" {
  count = local.has_traces ? 1 : 0

  security_group_id = aws_security_group.otel_collector[0].id
  description       = "HTTPS: X-Ray, its image and its logs"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

# ---- Controller ----------------------------------------------------------------------------------------------------

# Nothing comes in: its HTTP port listens on loopback, for its health check.
resource "aws_security_group" "controller" {
  name        = "${local.name}-controller"
  description = "Tasks of the controller"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-controller" }
}

resource "aws_vpc_security_group_egress_rule" "controller_to_https" {
  security_group_id = aws_security_group.controller.id
  description       = "HTTPS: the APIs of AWS"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

# ---- Database ------------------------------------------------------------------------------------------------------

# It opens no connections, so nothing goes out.
resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "The database"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-database" }
}

resource "aws_vpc_security_group_ingress_rule" "database_from_loan_api" {
  security_group_id            = aws_security_group.database.id
  description                  = "From loan-api, the only service with business in it"
  ip_protocol                  = "tcp"
  from_port                    = local.database_port
  to_port                      = local.database_port
  referenced_security_group_id = aws_security_group.service["loan-api"].id
}

resource "aws_vpc_security_group_egress_rule" "loan_api_to_database" {
  security_group_id            = aws_security_group.service["loan-api"].id
  description                  = "To the database"
  ip_protocol                  = "tcp"
  from_port                    = local.database_port
  to_port                      = local.database_port
  referenced_security_group_id = aws_security_group.database.id
}

# ---- Endpoints of AWS inside the VPC -------------------------------------------------------------------------------

resource "aws_security_group" "endpoints" {
  name        = "${local.name}-endpoints"
  description = "AWS APIs inside the VPC"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_from_vpc" {
  security_group_id = aws_security_group.endpoints.id
  description       = "From tasks in the VPC"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = var.vpc_cidr
}
