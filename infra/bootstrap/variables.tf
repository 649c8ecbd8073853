# ---- What and where ------------------------------------------------------------------------------------------------

variable "project" {
  description = "What the names of everything begin with: lower-case letters, digits and dashes, 10 characters at most."
  type        = string
  default     = "loan"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,8}[a-z0-9]$", var.project))
    error_message = "project: use 2 to 10 lower-case letters, digits and dashes; begin with a letter and end without a dash."
  }
}

variable "environment" {
  description = "Name of the environment, as in environments/ENVIRONMENT.tfvars. Names are PROJECT-ENVIRONMENT-…"
  type        = string
  nullable    = false

  # A load balancer's name has 32 characters at most, and the longest suffix here is 9.
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,10}[a-z0-9]$", var.environment))
    error_message = "environment: use 2 to 12 lower-case letters, digits and dashes; begin with a letter and end without a dash."
  }
}

variable "region" {
  description = "AWS region of everything, as in eu-west-1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: name a region such as eu-west-1."
  }
}

variable "platform" {
  description = "Name of the platform that gets the load balancer and the database: metadata.name of its spec."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.platform))
    error_message = "platform: start with a lower-case letter, go on with lower-case letters, digits or dashes, end without a dash, 40 characters at most."
  }
}

variable "tags" {
  description = "Tags of everything besides Project, Environment and ManagedBy, for cost reports: CostCentre, Owner."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "service_linked_roles" {
  description = "Service-linked roles to create, by the service's address. Leave out what the account has already: IAM refuses a second one."
  type        = set(string)
  default     = ["ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com"]
  nullable    = false
}

variable "terraform_role_arns" {
  description = "Roles that run this module: only they may write bootstrap/ in the spec bucket. Empty: whoever runs it now."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.terraform_role_arns : can(regex("^arn:[^:]+:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "terraform_role_arns: name roles or users by ARN, arn:aws:iam::ACCOUNT:role/NAME, and no sessions."
  }
}

variable "deletion_protection" {
  description = "Whether load balancer and database refuse to be deleted, and the database leaves a last snapshot. Turn it off, and apply, before `terraform destroy`."
  type        = bool
  default     = true
  nullable    = false
}

# ---- Network -------------------------------------------------------------------------------------------------------

variable "vpc_cidr" {
  description = "Addresses of the VPC, a /16. Subnets are /24s in it: public 0 and 1, private 10 and 11, database 20 and 21."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && endswith(var.vpc_cidr, "/16")
    error_message = "vpc_cidr: give an IPv4 block of 16 bits, such as 10.0.0.0/16."
  }
}

variable "nat_gateway_per_zone" {
  description = "Whether each zone has a NAT gateway of its own, so that the loss of a zone cuts off no other. One for all is cheaper."
  type        = bool
  default     = true
  nullable    = false
}

variable "interface_endpoints" {
  description = "Whether the AWS APIs that tasks call are reached inside the VPC instead of through NAT. S3 always is, for nothing. With it, services that call no third party cannot reach the internet."
  type        = bool
  default     = false
  nullable    = false
}

# ---- Way in --------------------------------------------------------------------------------------------------------

variable "client_cidrs" {
  description = "IPv4 blocks from which clients may reach the load balancer. Without effect behind API Gateway."
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.client_cidrs : can(cidrnetmask(cidr))])
    error_message = "client_cidrs: give IPv4 blocks, such as 203.0.113.0/24."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the load balancer, in this region. Null: see plain_http."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[^:]+:acm:[^:]+:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn: name an ACM certificate by its ARN, arn:aws:acm:REGION:ACCOUNT:certificate/ID."
  }

  # Tokens and incomes do not travel in the clear by mistake.
  validation {
    condition     = var.plain_http || var.api_gateway || var.certificate_arn != null
    error_message = "certificate_arn: give it and domain_name, or set api_gateway = true, which has HTTPS of its own, or plain_http = true where nothing is real."
  }

  validation {
    condition     = (var.certificate_arn == null) == (var.domain_name == null)
    error_message = "certificate_arn and domain_name: give both, or neither."
  }
}

variable "plain_http" {
  description = "Whether clients may come by HTTP, without a certificate and without API Gateway. For trying things out."
  type        = bool
  default     = false
  nullable    = false
}

variable "domain_name" {
  description = "Host name that the certificate is for and that clients use; its DNS record is yours to make. Null without a certificate."
  type        = string
  default     = null
}

variable "api_gateway" {
  description = "Whether an API Gateway HTTP API stands before the load balancer, which then is internal. It has HTTPS at an address of its own; another domain for it is yours to make."
  type        = bool
  default     = false
  nullable    = false
}

variable "api_gateway_throttle" {
  description = "Requests a second, and at once, that API Gateway lets through for all clients together."
  type        = object({ rate = number, burst = number })
  default     = { rate = 500, burst = 1000 }
  nullable    = false
}

variable "web_acl_arn" {
  description = "A regional WAF web ACL to put before the load balancer. Null: none. ACLs are mostly kept in one place for many accounts, so none is made here."
  type        = string
  default     = null

  validation {
    condition     = var.web_acl_arn == null || can(regex("^arn:[^:]+:wafv2:[^:]+:[0-9]{12}:regional/webacl/.+$", var.web_acl_arn))
    error_message = "web_acl_arn: name a regional web ACL by its ARN, arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID."
  }
}

# ---- Database ------------------------------------------------------------------------------------------------------

variable "database" {
  description = "Size and care of the database: instances (one writes, the others take over), Aurora capacity units of each, days of backups, milliseconds from which a statement is logged as slow, version of PostgreSQL that it is made with."
  type = object({
    instances          = optional(number, 2)
    min_capacity       = optional(number, 0.5)
    max_capacity       = optional(number, 8)
    backup_days        = optional(number, 14)
    slow_statement_ms  = optional(number, 200)
    monitoring_seconds = optional(number, 60)
    insights_days      = optional(number, 7)
    data_api           = optional(bool, true)
    engine_version     = optional(string, "17.7")
  })
  default  = {}
  nullable = false

  # Aurora's first of 17 is 17.4; Serverless v2 and the Data API take all from there on. Sources: Release Notes for Aurora
  # PostgreSQL, "Extension versions"; Aurora User Guide, "Supported Regions and Aurora DB engines for RDS Data API".
  validation {
    condition     = can(regex("^(17[.]([4-9]|[1-9][0-9])|(1[89]|[2-9][0-9])[.][0-9]{1,2})$", var.database.engine_version))
    error_message = "database.engine_version: a full version, MAJOR.MINOR, 17.4 or later, such as 17.7."
  }

  # Source: Amazon RDS API Reference, CreateDBInstance, "PerformanceInsightsRetentionPeriod".
  validation {
    condition     = contains([7, 731], var.database.insights_days) || (var.database.insights_days % 31 == 0 && var.database.insights_days <= 713)
    error_message = "database.insights_days: 7, 731, or months of 31 days up to 23 of them (713)."
  }

  validation {
    condition     = contains([1, 2], var.database.instances)
    error_message = "database.instances: 1, or 2 for one in each zone."
  }

  # Source: Aurora User Guide, "How Aurora Serverless v2 works": steps of 0.5 from 0 to 256.
  validation {
    condition = (
      var.database.min_capacity >= 0 && var.database.max_capacity <= 256 && var.database.max_capacity >= 1 &&
      var.database.min_capacity <= var.database.max_capacity &&
      floor(var.database.min_capacity * 2) == var.database.min_capacity * 2 &&
      floor(var.database.max_capacity * 2) == var.database.max_capacity * 2
    )
    error_message = "database.min_capacity and max_capacity: steps of 0.5, from 0 and 1 to 256, the smaller first."
  }

  validation {
    condition     = var.database.backup_days >= 7 && var.database.backup_days <= 35
    error_message = "database.backup_days: 7 to 35."
  }

  validation {
    condition     = contains([0, 1, 5, 10, 15, 30, 60], var.database.monitoring_seconds)
    error_message = "database.monitoring_seconds: 0 for none, or 1, 5, 10, 15, 30 or 60."
  }
}

variable "database_login" {
  description = "How the loan API says to the database who it is: Iam, with its role (docs/aws.md says how its user is made), or Secret, as the master user whose password RDS keeps."
  type        = string
  default     = "Iam"
  nullable    = false

  validation {
    condition     = contains(["Iam", "Secret"], var.database_login)
    error_message = "database_login: Iam or Secret."
  }
}

# ---- Services and controller ---------------------------------------------------------------------------------------

variable "architecture" {
  description = "Processors that the images are built for: X86_64 or Arm64."
  type        = string
  default     = "X86_64"
  nullable    = false

  validation {
    condition     = contains(["X86_64", "Arm64"], var.architecture)
    error_message = "architecture: X86_64 or Arm64."
  }
}

variable "stand_in_provider" {
  description = "Whether platforms may run the stand-in for the third party that scores applicants. Not where real money is lent."
  type        = bool
  default     = true
  nullable    = false
}

variable "container_insights" {
  description = "CloudWatch Container Insights of the cluster: enhanced, enabled or disabled. Its metrics cost most of what observability costs here."
  type        = string
  default     = "enhanced"
  nullable    = false

  validation {
    condition     = contains(["enhanced", "enabled", "disabled"], var.container_insights)
    error_message = "container_insights: enhanced, enabled or disabled."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept in CloudWatch, and for in the bucket of the load balancer's."
  type        = number
  default     = 30
  nullable    = false

  # Source: CloudWatch Logs API Reference, PutRetentionPolicy.
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: one of the periods that CloudWatch knows, such as 7, 30, 90 or 365."
  }
}

variable "controller_image" {
  description = "Image of loanctl by digest, as infra/images/build-and-push.sh prints it. Null: everything but the controller is made, the registry for it included."
  type        = string
  default     = null

  validation {
    condition     = var.controller_image == null || can(regex("^[^@]+@sha256:[0-9a-f]{64}$", var.controller_image))
    error_message = "controller_image: name the image by digest, REPOSITORY@sha256:…, so that what runs is what was checked."
  }
}

variable "controller" {
  description = "Tasks of the controller (one works, the others stand by), their CPU units and MiB, and what is logged."
  type = object({
    tasks     = optional(number, 2)
    cpu       = optional(number, 256)
    memory    = optional(number, 512)
    log_level = optional(string, "info")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.controller.tasks >= 1 && var.controller.tasks <= 3
    error_message = "controller.tasks: 1 to 3; two are enough to survive the loss of a zone."
  }

  # Source: ECS Developer Guide, "Task CPU and memory" on Fargate.
  validation {
    condition = contains(lookup({
      "256"  = [512, 1024, 2048]
      "512"  = [1024, 2048, 3072, 4096]
      "1024" = [2048, 3072, 4096, 5120, 6144, 7168, 8192]
    }, tostring(var.controller.cpu), []), var.controller.memory)
    error_message = "controller.cpu and memory: a pair that Fargate takes: 256 with 512 to 2048, 512 with 1024 to 4096, 1024 with 2048 to 8192."
  }
}

variable "otel_collector_image" {
  description = "Image of the AWS Distro for OpenTelemetry collector, by digest, in a registry that lets anybody pull: it takes the services' traces and hands them to X-Ray. Null: no traces."
  type        = string
  default     = null

  validation {
    condition     = var.otel_collector_image == null || can(regex("^[^@]+@sha256:[0-9a-f]{64}$", var.otel_collector_image))
    error_message = "otel_collector_image: name the image by digest, REPOSITORY@sha256:…"
  }
}

variable "otel_collector_tasks" {
  description = "Tasks of the collector of traces, where there is one. With two, the loss of a zone costs no traces but those under way."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.otel_collector_tasks >= 1 && var.otel_collector_tasks <= 10
    error_message = "otel_collector_tasks: 1 to 10."
  }
}

# ---- People, pipelines, money --------------------------------------------------------------------------------------

variable "notification_emails" {
  description = "Addresses that are told of alarms; each gets a mail first and has to confirm."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "ci" {
  description = "The pipeline that may write specs/: address of its OIDC issuer, audience, and the subjects allowed, without wildcards. provider_arn where the account has that issuer already. Null: no role is made."
  type = object({
    issuer_url   = string
    audience     = optional(string, "sts.amazonaws.com")
    subjects     = list(string)
    provider_arn = optional(string)
  })
  default = null

  validation {
    condition     = var.ci == null || startswith(try(var.ci.issuer_url, ""), "https://")
    error_message = "ci.issuer_url: begin with https://"
  }

  validation {
    condition     = var.ci == null || (length(try(var.ci.subjects, [])) > 0 && alltrue([for it in try(var.ci.subjects, []) : !strcontains(it, "*")]))
    error_message = "ci.subjects: name at least one branch or environment in full; a * would let other branches write specs."
  }
}

variable "cloudtrail" {
  description = "Whether a trail records who writes to the spec bucket, and people are told of changes of the network, of roles, keys and buckets. Off where the organisation has a trail."
  type        = bool
  default     = false
  nullable    = false
}

variable "trail_lock_days" {
  description = "Days for which nobody but whoever runs this module can remove the trail's files, no longer than log_retention_days. Without effect where there is no trail."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.trail_lock_days >= 1 && floor(var.trail_lock_days) == var.trail_lock_days && (!var.cloudtrail || var.trail_lock_days <= var.log_retention_days)
    error_message = "trail_lock_days: whole days, 1 at least and log_retention_days at most."
  }
}

variable "monthly_budget_usd" {
  description = "US dollars a month, by the tag Project, from which the topic is told: at 80 % of what was spent, and at 100 % of the forecast. Null: no budget."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || try(var.monthly_budget_usd > 0, false)
    error_message = "monthly_budget_usd: more than 0."
  }
}
