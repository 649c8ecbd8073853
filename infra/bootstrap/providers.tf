provider "aws" {
  region = var.region

  # Services that the controller makes carry its own tags, lending.dev/…, instead.
  default_tags {
    tags = merge(var.tags, {
      Project     = var.project
      Environment = var.environment
      ManagedBy   = "terraform"
    })
  }
}
