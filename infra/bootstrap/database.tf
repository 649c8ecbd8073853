# The loan API's database: Aurora PostgreSQL Serverless v2. Its master password is RDS's to make, keep and rotate.

locals {
  engine_major_version = split(".", var.database.engine_version)[0]
}

resource "aws_db_subnet_group" "main" {
  name        = local.name
  description = "Subnets without a way out"
  subnet_ids  = [for subnet in aws_subnet.database : subnet.id]
}

resource "aws_rds_cluster_parameter_group" "main" {
  name        = "${local.name}-postgresql${local.engine_major_version}"
  description = "TLS forced, slow statements and changes of the schema logged"
  family      = "aurora-postgresql${local.engine_major_version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = tostring(var.database.slow_statement_ms)
  }

  # Slow statements without their values: what applicants say of themselves has no place in a log.
  parameter {
    name  = "log_parameter_max_length"
    value = "0"
  }

  parameter {
    name  = "log_parameter_max_length_on_error"
    value = "0"
  }

  # Data definition alone, for the same reason.
  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_connections"
    value = "1"
  }

  parameter {
    name  = "log_disconnections"
    value = "1"
  }

  parameter {
    name  = "log_lock_waits"
    value = "1"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_rds_cluster" "main" {
  # checkov:skip=CKV_AWS_133:Backups are kept for database.backup_days, 7 at least.
  # checkov:skip=CKV2_AWS_8:Aurora's own backups go back database.backup_days to any second; AWS Backup is the organisation's choice.
  # checkov:skip=CKV_AWS_327:It is encrypted with the key that storage_encrypted and kms_key_id name.
  cluster_identifier = local.name
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned"
  engine_version     = var.database.engine_version

  database_name                 = local.database_name
  port                          = local.database_port
  master_username               = "loan_admin"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = aws_kms_key.storage.arn

  iam_database_authentication_enabled = true
  # SQL over HTTPS with IAM alone: how the loan API's user is made without a host inside the network.
  enable_http_endpoint = var.database.data_api

  db_subnet_group_name            = aws_db_subnet_group.main.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.main.name

  storage_encrypted = true
  kms_key_id        = aws_kms_key.storage.arn

  backup_retention_period      = var.database.backup_days
  preferred_backup_window      = "02:00-03:00"
  preferred_maintenance_window = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot        = true

  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = var.deletion_protection ? "${local.name}-final" : null

  enabled_cloudwatch_logs_exports = ["postgresql"]

  serverlessv2_scaling_configuration {
    min_capacity = var.database.min_capacity
    max_capacity = var.database.max_capacity
  }

  # RDS upgrades minor versions by itself in the maintenance window, and to go back is refused; docs/aws.md says how people
  # upgrade. So the version is what the cluster is made with.
  lifecycle {
    ignore_changes = [engine_version]
  }

  # Without it RDS would make the group itself, with no retention and no key.
  depends_on = [aws_cloudwatch_log_group.main]
}

resource "aws_rds_cluster_instance" "main" {
  # checkov:skip=CKV_AWS_118:It is on unless database.monitoring_seconds is 0, as where things are only tried out.
  count = var.database.instances

  identifier         = "${local.name}-${count.index + 1}"
  cluster_identifier = aws_rds_cluster.main.id
  engine             = aws_rds_cluster.main.engine
  instance_class     = "db.serverless"
  availability_zone  = local.zones[count.index]

  # The first two tiers keep at the writer's size, so that a failover meets an instance that can bear the load.
  promotion_tier = count.index

  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  publicly_accessible        = false

  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.storage.arn
  performance_insights_retention_period = var.database.insights_days

  monitoring_interval = var.database.monitoring_seconds
  monitoring_role_arn = var.database.monitoring_seconds == 0 ? null : aws_iam_role.database_monitoring.arn
}
