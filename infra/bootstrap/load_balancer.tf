# What leads clients to the loan API and to auth. Everything else is answered 404 by the load balancer itself.

locals {
  # Paths that go to each service; the first that fits. Sources: services/loan-api/openapi.json, services/auth.
  balancer_routes = {
    auth     = { priority = 10, paths = ["/oauth/*"] }
    loan-api = { priority = 20, paths = ["/loan/*"] }
  }

  main_listener_arn = local.has_tls ? aws_lb_listener.https[0].arn : aws_lb_listener.http.arn
}

resource "aws_lb" "main" {
  # checkov:skip=CKV2_AWS_28:A web ACL is put before it by var.web_acl_arn.
  # checkov:skip=CKV2_AWS_76:A web ACL is the organisation's, and nothing here is written in Java.
  # checkov:skip=CKV2_AWS_20:Port 80 redirects wherever there is a certificate; without one the README calls it a trial.
  name               = local.name
  internal           = var.api_gateway
  load_balancer_type = "application"
  security_groups    = [aws_security_group.balancer.id]
  subnets            = [for subnet in var.api_gateway ? aws_subnet.private : aws_subnet.public : subnet.id]

  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"
  enable_deletion_protection = var.deletion_protection

  access_logs {
    enabled = true
    bucket  = aws_s3_bucket.logs.id
    prefix  = local.balancer_logs[0]
  }

  connection_logs {
    enabled = true
    bucket  = aws_s3_bucket.logs.id
    prefix  = local.balancer_logs[1]
  }

  health_check_logs {
    enabled = true
    bucket  = aws_s3_bucket.logs.id
    prefix  = local.balancer_logs[2]
  }

  # It tries to write as soon as it is made.
  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_lb_target_group" "service" {
  # checkov:skip=CKV_AWS_378:Traffic to the tasks stays inside the VPC, between groups that admit only each other.
  for_each = local.behind_balancer

  name        = "${local.name}-${each.key}"
  vpc_id      = aws_vpc.main.id
  target_type = "ip"
  protocol    = "HTTP"
  port        = local.services[each.key].port

  # A task takes 25 s at most to finish its requests once it is told to stop.
  deregistration_delay = 30

  # A new task counts once it is ready: settings read, the database reached. One that no longer is gets no requests, and
  # ECS replaces it, which helps nobody while the database fails over: so it is given longer than that takes. Tasks that
  # hang are found by their container's own check, within half a minute.
  health_check {
    port                = local.admin_port
    path                = "/readyz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 10
  }
}

resource "aws_lb_listener" "http" {
  # checkov:skip=CKV_AWS_2:Without a certificate there is HTTP alone: for trying things out.
  # checkov:skip=CKV_AWS_103:As above; with a certificate this listener only redirects.
  load_balancer_arn = aws_lb.main.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = local.has_tls ? "redirect" : "fixed-response"

    dynamic "redirect" {
      for_each = local.has_tls ? [1] : []

      content {
        port        = "443"
        protocol    = "HTTPS"
        status_code = "HTTP_301"
      }
    }

    dynamic "fixed_response" {
      for_each = local.has_tls ? [] : [1]

      content {
        content_type = "application/json"
        message_body = "{\"title\":\"Not Found\",\"status\":404}"
        status_code  = "404"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  count = local.has_tls ? 1 : 0

  load_balancer_arn = aws_lb.main.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"

  routing_http_response_strict_transport_security_header_value = "max-age=31536000"

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      message_body = "{\"title\":\"Not Found\",\"status\":404}"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "service" {
  for_each = local.balancer_routes

  listener_arn = local.main_listener_arn
  priority     = each.value.priority

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.service[each.key].arn
  }

  condition {
    path_pattern {
      values = each.value.paths
    }
  }
}

resource "aws_wafv2_web_acl_association" "main" {
  count = var.web_acl_arn == null ? 0 : 1

  resource_arn = aws_lb.main.arn
  web_acl_arn  = var.web_acl_arn
}
