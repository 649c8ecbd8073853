# One repository a program. A spec that says `scoring:0.1.0` means PROJECT-ENVIRONMENT/scoring:0.1.0 of this account.

locals {
  images = toset(concat(keys(local.services), ["loanctl"]))

  # What stands before an image's name in a spec.
  registry = trimsuffix(aws_ecr_repository.main["loanctl"].repository_url, "/loanctl")
}

resource "aws_ecr_repository" "main" {
  for_each = local.images

  name                 = "${local.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.deletion_protection

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.storage.arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

# By count alone: images are run by digest, so one without a tag may well be in use.
resource "aws_ecr_lifecycle_policy" "main" {
  for_each = aws_ecr_repository.main

  repository = each.value.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "The newest 200 stay"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 200 }
      action       = { type = "expire" }
    }]
  })
}
