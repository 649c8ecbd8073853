# Where the state lies is said at `terraform init -backend-config=…`: README.md, "Remote state".
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
